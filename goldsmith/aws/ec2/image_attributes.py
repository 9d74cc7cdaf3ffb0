"""Attributes of AMIs, one at a time: described, modified, reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.image_permissions import asked_permissions, grant, show_permissions
from goldsmith.aws.ec2.own_images import own_image
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

VALUES = {
    "description": "Description",
    "kernel": "KernelId",
    "ramdisk": "RamdiskId",
    "sriovNetSupport": "SriovNetSupport",
    "bootMode": "BootMode",
    "tpmSupport": "TpmSupport",
    "uefiData": "UefiData",
    "lastLaunchedTime": "LastLaunchedTime",
    "imdsSupport": "ImdsSupport",
    "deregistrationProtection": "DeregistrationProtection",
}
"""Attributes of one value, and the member of the answer, and of an image's document, that has it."""

LAUNCH_PERMISSION = "launchPermission"
PRODUCT_CODES = "productCodes"
LONGEST_DESCRIPTION = 255
_LISTS = ("UserIds", "UserGroups", "OrganizationArns", "OrganizationalUnitArns")


@ec2.operation()
def describe_image_attribute(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show one attribute of an AMI of the caller's own."""
    attribute = _known(parameters["Attribute"], (*VALUES, LAUNCH_PERMISSION, PRODUCT_CODES, "blockDeviceMapping"))
    image = own_image(call, parameters["ImageId"])
    if attribute == "blockDeviceMapping":
        raise AwsError("AuthFailure", "Unauthorized attempt to access restricted resource")
    if attribute == LAUNCH_PERMISSION:
        shown: Any = {"LaunchPermissions": show_permissions(call.catalog.grantees(image))}
    elif attribute == PRODUCT_CODES:
        shown = {"ProductCodes": image.document.get("ProductCodes", [])}
    else:
        value = image.inner.get("uefi_data") if attribute == "uefiData" else image.document.get(VALUES[attribute])
        shown = {VALUES[attribute]: {} if value is None else {"Value": value}}
    return {"ImageId": image.id, **shown}


@ec2.operation(deviation="Product codes cannot be added; `goldsmith marketplace publish` lists an AMI under one.")
def modify_image_attribute(call: Call, parameters: dict[str, Any]) -> None:
    """Change one attribute of an AMI: its description, its launch permissions, or that it wants IMDSv2."""
    attribute = _asked_attribute(parameters)
    image = own_image(call, parameters["ImageId"])
    if attribute == LAUNCH_PERMISSION:
        add, remove = asked_permissions(parameters)
        grant(call, image, add, remove)
    elif attribute == "description":
        description = _value(parameters, "Description")
        if len(description) > LONGEST_DESCRIPTION:
            raise AwsError("InvalidParameterValue", f"A description has at most {LONGEST_DESCRIPTION} characters.")
        call.catalog.save(image.having(Description=description))
    else:
        _modify_imds(call, image, _value(parameters, "ImdsSupport"))


@ec2.operation()
def reset_image_attribute(call: Call, parameters: dict[str, Any]) -> None:
    """Share an AMI with nobody: the only attribute that can be reset is launchPermission."""
    _known(parameters["Attribute"], (LAUNCH_PERMISSION,))
    image = own_image(call, parameters["ImageId"])
    grant(call, image, (), call.catalog.grantees(image))


def _asked_attribute(parameters: Mapping[str, Any]) -> str:
    """Return the one attribute that a request changes, told by name or by its form. Raises AwsError for none or two."""
    forms = {
        "description": parameters.get("Description") is not None,
        "imdsSupport": parameters.get("ImdsSupport") is not None,
        LAUNCH_PERMISSION: bool(parameters.get("LaunchPermission") or any(parameters.get(name) for name in _LISTS)),
        PRODUCT_CODES: bool(parameters.get("ProductCodes")),
    }
    asked = {name for name, given in forms.items() if given}
    if named := parameters.get("Attribute"):
        asked.add(_known(named, tuple(forms)))
    if not asked:
        raise AwsError("InvalidParameterCombination", "No attributes specified.")
    if len(asked) > 1:
        raise AwsError(
            "InvalidParameterCombination",
            f"Only one attribute can be modified at a time, not {', '.join(sorted(asked))}.",
        )
    if asked == {PRODUCT_CODES}:
        raise AwsError("UnsupportedOperation", "Product codes come from the marketplace and cannot be added.")
    return asked.pop()


def _known(attribute: str, known: tuple[str, ...]) -> str:
    """Return an attribute as the model spells it; clients differ in its case."""
    for name in known:
        if name.lower() == attribute.lower():
            return name
    raise AwsError("InvalidRequest", f"The attribute '{attribute[:100]}' is none of: {', '.join(known)}.")


def _value(parameters: Mapping[str, Any], member: str) -> str:
    structured = parameters.get(member) or {}
    value = structured.get("Value") if structured.get("Value") is not None else parameters.get("Value")
    if value is None and member != "Description":
        raise AwsError("MissingParameter", f"The request must contain the parameter {member}.Value")
    return str(value or "")


def _modify_imds(call: Call, image: Resource, value: str) -> None:
    if value != "v2.0":
        raise AwsError(
            "InvalidParameterValue", f"Value ({value[:100]}) for parameter imdsSupport is invalid. Use v2.0."
        )
    call.catalog.save(image.having(ImdsSupport=value))
