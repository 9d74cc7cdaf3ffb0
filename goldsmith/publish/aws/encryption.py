"""With what the snapshots of a region are enciphered, found out before anything is sent.

Rules: "Encryption outcomes for EBS direct APIs" and "Share an AMI" (Amazon EBS and EC2 user guides): an account may
encipher all by default, a snapshot over another one has that one's key, and what AWS's own key enciphers is nobody
else's to launch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from goldsmith.publish.aws.clients import AwsPublishError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.publish.aws.clients import Clients
    from goldsmith.publish.aws.wanted import RegionWanted

_ARN = re.compile(r"arn:aws[^:]*:kms:([^:]+):[0-9]{12}:(?:key|alias)/.+")
_UNASKED = ("InvalidAction", "UnknownOperation", "UnsupportedOperation")
"""What those answer who speak as EC2 does but encipher nothing."""

DEFAULT = "default"


@dataclass(frozen=True)
class Encryption:
    """Whether, and with what. ``said`` is that it was asked for, rather than the account's habit.

    ``key`` is an ARN where one was said, "" for none and for the region's own default.
    """

    on: bool = False
    key: str = ""
    said: bool = False

    @property
    def name(self) -> str:
        """What tells the disks of one key from those of another."""
        return self.key or (DEFAULT if self.said else "")

    def fits(self, snapshot: Mapping[str, Any]) -> bool:
        """Tell whether a snapshot, as DescribeSnapshots shows it, is enciphered so."""
        return self.on == bool(snapshot.get("Encrypted")) and self.key in ("", snapshot.get("KmsKeyId"))

    def __str__(self) -> str:
        """Return it in words, for behind a comma."""
        if not self.on:
            return ""
        return f"enciphered with {self.key}" if self.key else "enciphered with the region's default key"


def resolve(clients: Clients, wanted: RegionWanted, *, encrypted: bool) -> Encryption:
    """Return with what a region's snapshots will be enciphered. Raises AwsPublishError where that cannot be.

    A key may be an ARN, an id or an alias: EBS takes nothing but the ARN of a key.
    """
    ec2 = clients.ec2(wanted.region)
    if wanted.kms_key:
        key = _described(clients, wanted.region, wanted.kms_key)
        _require_sharing(wanted, key)
        return Encryption(on=True, key=key["Arn"], said=True)
    on = encrypted or _by_default(ec2)
    if on and _is_shared(wanted):
        default = ec2.get_ebs_default_kms_key_id()["KmsKeyId"]
        _require_sharing(wanted, _described(clients, wanted.region, default))
    return Encryption(on=on, said=encrypted)


def _by_default(ec2: Any) -> bool:
    try:
        return bool(ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"])
    except ClientError as refused:
        if refused.response["Error"].get("Code") in _UNASKED:
            return False
        raise


def _described(clients: Clients, region: str, key: str) -> Any:
    found = _ARN.fullmatch(key)
    if found and found[1] != region:
        raise AwsPublishError(
            f"The KMS key {key} is one of {found[1]}, and {region} takes only its own.",
            mend="Say that region's key, or its replica of this one.",
        )
    kms = clients.kms(region)
    try:
        about = kms.describe_key(KeyId=key)["KeyMetadata"]
    except kms.exceptions.NotFoundException as missing:
        raise AwsPublishError(
            f"{region} has no KMS key {key}.", mend="`aws kms list-aliases` shows the region's keys."
        ) from missing
    if about.get("KeyState", "Enabled") != "Enabled":
        raise AwsPublishError(
            f"The KMS key {about['Arn']} is in the state {about['KeyState']}.", mend="Enable it, or say another."
        )
    if about.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        raise AwsPublishError(
            f"The KMS key {about['Arn']} is of the kind {about['KeySpec']}.", mend="EBS takes symmetric keys only."
        )
    return about


def _is_shared(wanted: RegionWanted) -> bool:
    who = wanted.permission
    return who is not None and any((who.user_ids, who.user_groups, who.organization_arns, who.organizational_unit_arns))


def _require_sharing(wanted: RegionWanted, key: Mapping[str, Any]) -> None:
    if wanted.permission and wanted.permission.user_groups:
        raise AwsPublishError(
            f"The AMI of {wanted.region} would be enciphered, and AWS makes no such AMI public.",
            mend="Share it with accounts or organisations, or leave the encryption out.",
        )
    if _is_shared(wanted) and key.get("KeyManager") == "AWS":
        raise AwsPublishError(
            f"The AMI of {wanted.region} would be enciphered with AWS's own key {key['Arn']}, and what that enciphers "
            "cannot be shared.",
            mend="Say --kms-key with a key of your own, whose policy lets the others use it.",
        )
