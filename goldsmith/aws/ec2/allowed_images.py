"""Allowed AMIs: by which criteria an account lets itself find and launch other accounts' AMIs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.account_settings import read_setting, write_setting
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filter
from goldsmith.aws.operations import ec2
from goldsmith.aws.wire.times import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

SETTING = "allowed-images"
ENABLED = "enabled"
AUDIT = "audit-mode"
DISABLED = "disabled"
DAY = 24 * 3600
MOST_CRITERIA = 10
MOST_PROVIDERS = 200
MOST_VALUES = 50
"""Names, and product codes, of one criterion."""

ALIASES = ("amazon", "aws-marketplace", "aws-backup-vault")
NONE = "none"
NAME = r"[A-Za-z0-9()\[\] ./\-'@_*?]{1,128}"
CODE = r"[A-Za-z0-9]{1,25}"
PROVIDER = rf"[0-9]{{12}}|{'|'.join(ALIASES)}|{NONE}"


@dataclass(frozen=True)
class AllowedImages:
    """An account's setting, as it was when it was read: its state, its criteria, and the time by which they hold."""

    account: str
    state: str
    criteria: tuple[Mapping[str, Any], ...]
    now: float

    def allows(self, image: Resource, alias: str) -> bool:
        """Tell whether an image meets the criteria; an account's own always does. ``alias`` is its owner's alias."""
        if image.account == self.account:
            return True
        return any(_meets(criterion, image, alias, self.now) for criterion in self.criteria)

    def hides(self, image: Resource, alias: str) -> bool:
        """Tell whether an image is not to be found, nor launched."""
        return self.state == ENABLED and not self.allows(image, alias)


@ec2.operation(role="admin")
def enable_allowed_images_settings(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Apply the criteria, or in audit mode only tell which AMIs meet them."""
    state = parameters["AllowedImagesSettingsState"]
    write_setting(call, SETTING, {**read_setting(call, SETTING), "State": state})
    return {"AllowedImagesSettingsState": state}


@ec2.operation(role="admin")
def disable_allowed_images_settings(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Allow all AMIs; the criteria are kept."""
    write_setting(call, SETTING, {**read_setting(call, SETTING), "State": DISABLED})
    return {"AllowedImagesSettingsState": DISABLED}


@ec2.operation()
def get_allowed_images_settings(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show the state and the criteria."""
    setting = read_setting(call, SETTING)
    criteria = setting.get("Criteria", [])
    return {"State": setting.get("State", DISABLED), "ImageCriteria": criteria, "ManagedBy": "account"}


@ec2.operation(
    role="admin", deviation="No AMI is scanned by Amazon Inspector, so that none meets a ScanResultCondition."
)
def replace_image_criteria_in_allowed_images_settings(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Put criteria in place of those that were."""
    criteria = parameters.get("ImageCriteria") or []
    if len(criteria) > MOST_CRITERIA:
        raise AwsError("InvalidParameterValue", f"There can be at most {MOST_CRITERIA} image criteria.")
    for criterion in criteria:
        _require_values(criterion, "ImageProviders", PROVIDER, MOST_PROVIDERS)
        _require_values(criterion, "ImageNames", NAME, MOST_VALUES)
        _require_values(criterion, "MarketplaceProductCodes", CODE, MOST_VALUES)
        if NONE in (providers := criterion.get("ImageProviders") or ()) and len(providers) > 1:
            raise AwsError("InvalidParameterCombination", "The provider 'none' stands alone.")
        if not criterion:
            raise AwsError("InvalidParameterValue", "An image criterion cannot be empty.")
    write_setting(call, SETTING, {**read_setting(call, SETTING), "Criteria": criteria})
    return {"ReturnValue": True}


def allowed_images(call: Call) -> AllowedImages:
    """Return the caller's setting in the call's region."""
    setting = read_setting(call, SETTING)
    state = str(setting.get("State", DISABLED))
    return AllowedImages(call.account.id, state, tuple(setting.get("Criteria", ())), call.now)


def _require_values(criterion: Mapping[str, Any], member: str, form: str, most: int) -> None:
    values = criterion.get(member) or ()
    if len(values) > most:
        raise AwsError("InvalidParameterValue", f"{member} can have at most {most} values.")
    for value in values:
        if not re.fullmatch(form, value):
            raise AwsError("InvalidParameterValue", f"Value ({value[:200]}) for parameter {member} is invalid.")


def _meets(criterion: Mapping[str, Any], image: Resource, alias: str, now: float) -> bool:
    """Tell whether an image meets all of a criterion."""
    document = image.document
    providers = criterion.get("ImageProviders")
    codes = {each["ProductCodeId"] for each in document.get("ProductCodes", ())}
    deprecated = document.get("DeprecationTime")
    since_deprecated = now - seconds(str(deprecated)) if deprecated else -1.0
    return all(
        (
            not criterion.get("ScanResultCondition"),
            not providers or image.account in providers or (bool(alias) and alias in providers),
            not criterion.get("MarketplaceProductCodes") or bool(codes & set(criterion["MarketplaceProductCodes"])),
            not criterion.get("ImageNames") or _matches(criterion["ImageNames"], image.name),
            _within(criterion, "CreationDateCondition", "MaximumDaysSinceCreated", now - image.created),
            _within(criterion, "DeprecationTimeCondition", "MaximumDaysSinceDeprecated", since_deprecated),
            not criterion.get("ImageWatermarks")
            or any(
                _carries(mark, asked, now)
                for mark in document.get("ImageWatermarks", ())
                for asked in criterion["ImageWatermarks"]
            ),
        )
    )


def _within(criterion: Mapping[str, Any], condition: str, member: str, age: float) -> bool:
    """Tell whether something is at most so many days old as a condition says; what is to come is not old at all."""
    most = (criterion.get(condition) or {}).get(member)
    return most is None or age < 0 or age <= int(most) * DAY


def _carries(mark: Mapping[str, Any], asked: Mapping[str, Any], now: float) -> bool:
    """Tell whether a watermark is as asked for."""
    ages = (
        ("MaximumDaysSinceSourceImageCreated", "SourceImageCreationTime"),
        ("MaximumDaysSinceWatermarkCreated", "WatermarkCreationTime"),
    )
    return all(
        not asked.get(member) or _matches([asked[member]], str(mark.get(member, "")))
        for member in ("WatermarkKey", "SourceImageRegion")
    ) and all(
        asked.get(most) is None or now - seconds(str(mark[time])) <= int(asked[most]) * DAY for most, time in ages
    )


def _matches(patterns: list[str], text: str) -> bool:
    return Filter("", tuple(patterns)).matches(text)
