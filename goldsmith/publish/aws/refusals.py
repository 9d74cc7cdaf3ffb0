"""What AWS refuses, said for people: which permission is missing, which limit is reached, what became of a snapshot.

Codes: botocore's models of EBS direct (its exceptions' ``Reason``), "Error codes for the Amazon EC2 API".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

AGAIN = "Run it again: what has arrived is not sent twice."

_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_UNKNOWN = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_PERMISSION = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z0-9*]+)")
_SERVICES = {
    "StartSnapshot": "ebs",
    "PutSnapshotBlock": "ebs",
    "CompleteSnapshot": "ebs",
    "GetParameter": "ssm",
    "PutParameter": "ssm",
    "DescribeKey": "kms",
}
_MENDS = {
    "ConcurrentLimitExceededException": "Too many snapshots are pending in the region: wait, or see --abandon; then "
    "run it again.",
    "ServiceQuotaExceededException": "Ask for more in the console's Service Quotas, or wait; then run it again.",
    "InvalidAMIName.Duplicate": "Another publish has registered it meanwhile: run it again, and it is found.",
    "InvalidSnapshot.InUse": "Deregister that AMI first, or leave the snapshot.",
    "OptInRequired": "Switch the region on in the account's settings.",
}


def sentence(refused: ClientError) -> tuple[str, str]:
    """Return what was refused and what to do about it. Nothing of the credentials is in them."""
    error = refused.response["Error"]
    code, message = error.get("Code", ""), error.get("Message", "").rstrip(". ")
    operation, reason = refused.operation_name, str(refused.response.get("Reason", ""))
    if reason == "DEPENDENCY_ACCESS_DENIED":
        return (
            f"AWS does not let these credentials use the KMS key in {operation}: {message} ({code}).",
            "Grant them the kms: permissions of docs/publish-aws.md, in the key's own policy as well.",
        )
    if code in _DENIED or code.endswith("UnauthorizedOperation"):
        named = _PERMISSION.search(message)
        permission = named[1] if named else f"{_SERVICES.get(operation, 'ec2')}:{operation}"
        return (
            f"AWS does not let these credentials call {operation}: {message} ({code}).",
            f"Grant {permission}; docs/publish-aws.md has the least policy.",
        )
    if code in _UNKNOWN:
        return (
            f"AWS does not take these credentials for {operation}: {message} ({code}).",
            "They may have expired, or the region is not switched on in the account: log in again, or say --profile.",
        )
    if reason == "SNAPSHOT_NOT_FOUND" or code == "InvalidSnapshot.NotFound":
        return (
            f"The snapshot is gone: {message} ({code}).",
            "Somebody deleted it. Run it again: it begins a new one.",
        )
    return f"AWS refused {operation}: {message} ({code}).", _MENDS.get(code, AGAIN)
