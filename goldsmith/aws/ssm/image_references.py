"""Parameters that stand for images: what "resolve:ssm:…" means, and the house's own public ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goldsmith.aws.errors import AwsError
from goldsmith.aws.ssm.names import arn_of
from goldsmith.aws.ssm.putting import write_version
from goldsmith.aws.ssm.records import PARAMETER, SECRET, VERSION, find_parameter
from goldsmith.aws.ssm.values import IMAGE
from goldsmith.catalog.accounts import Account
from goldsmith.catalog.resources import EVERYBODY, PUBLIC, Resource

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.aws.cloud import Cloud

PREFIX = "resolve:ssm:"


def resolve_image(call: Call, text: str) -> str:
    """Return the id of the image that a parameter holds: "resolve:ssm:" and its name or ARN, a version or label.

    Raises AwsError naming the parameter where there is none, or none with the id of an image.
    """
    name = text.removeprefix(PREFIX)
    try:
        _, version, _ = find_parameter(call, name)
    except AwsError as missing:
        raise AwsError(
            "InvalidParameterValue",
            f"The SSM parameter '{name[:200]}' of the image id cannot be resolved: {missing.message}",
        ) from missing
    value = "" if version.document["Type"] == SECRET else str(version.document["Value"])
    if not re.fullmatch(r"ami-[0-9a-f]{8,32}", value):
        raise AwsError("InvalidAMIID.Malformed", f"The SSM parameter '{name[:200]}' does not hold the id of an image.")
    return value


def publish_parameter(cloud: Cloud, region: str, name: str, value: str) -> None:
    """Put an image's id under a public name, /aws/service/…, that every account may read.

    A new version is made when the value is another one than before.
    """
    if not name.startswith("/aws/service/"):
        raise ValueError(f"{name} is no public parameter's name")
    arn = arn_of(name, "", region)
    with cloud.catalog(Account(PUBLIC, PUBLIC), region) as catalog:
        before = catalog.own(PARAMETER, arn)
        if before is not None and before.document["Value"] == value:
            return
        now = cloud.clock()
        document = {
            "Type": "String",
            "Value": value,
            "LastModifiedDate": now,
            "LastModifiedUser": "goldsmith",
            "Tier": "Standard",
            "DataType": IMAGE,
        }
        blank = Resource(arn, PARAMETER, PUBLIC, region, name, "", now)
        parameter = write_version(catalog, before or blank, document, {})
        version = catalog.own(VERSION, f"{arn}:{parameter.document['Version']}")
        for each in (parameter, version):
            if each is not None:
                catalog.share(each, add=(EVERYBODY,))
