"""`goldsmith images --amis`, `share`, `copy`, `deprecate`, `snapshots`: the catalogue's images at the command line."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from goldsmith.aws.wire.times import iso
from goldsmith.cli.here import here
from goldsmith.cli.naming import find_image, name_tag
from goldsmith.cli.output import UsageError, print_json, print_table
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from goldsmith.cli.here import Here

COPYING = 3600.0
DAY = 86400


class CopyFailedError(GoldsmithError):
    """An image's copy did not become available."""


def list_amis(*, which: str, as_json: bool) -> None:
    """Print AMIs: the account's own, those that others share with it, or everybody's public ones."""
    asked: dict[str, dict[str, Any]] = {
        "own": {"Owners": ["self"], "IncludeDisabled": True},
        "shared": {"ExecutableUsers": ["self"]},
        "public": {"ExecutableUsers": ["all"]},
    }
    with here() as home:
        found = home.every("DescribeImages", "Images", **asked[which])
        if which == "shared":
            found = [image for image in found if image["OwnerId"] != home.account.id]
    if as_json:
        print_json(found)
        return
    if not found:
        print(
            {
                "own": "This account has no AMIs.",
                "shared": "Nobody shares an AMI with this account.",
                "public": "There are no public AMIs.",
            }[which]
        )
        return
    rows = [
        (
            image["ImageId"],
            image["Name"],
            image["State"],
            image["OwnerId"],
            image["CreationDate"][:16].replace("T", " "),
            f"{sum(each['Ebs']['VolumeSize'] for each in image['BlockDeviceMappings'] if 'Ebs' in each)} GiB",
        )
        for image in sorted(found, key=lambda image: image["CreationDate"], reverse=True)
    ]
    print_table(("AMI", "NAME", "STATE", "OWNER", "CREATED (UTC)", "SIZE"), rows)


def share(said: str, *, accounts: list[str], public: bool, remove: bool) -> None:
    """Let other accounts, or everybody, launch an image; or no longer."""
    with here() as home:
        image = find_image(home, said)
        grants: list[dict[str, str]] = [{"Group": "all"}] if public else []
        grants += [_grant(home, account) for account in accounts]
        if not grants:
            raise UsageError("Nobody is named to share with.", mend="Name accounts, or give --public.")
        change = "Remove" if remove else "Add"
        home.ec2("ModifyImageAttribute", ImageId=image["ImageId"], LaunchPermission={change: grants})
        held = home.ec2("DescribeImageAttribute", ImageId=image["ImageId"], Attribute="launchPermission")
    with_whom = [next(iter(each.values())) for each in held["LaunchPermissions"]]
    print(f"{image['ImageId']} ({image['Name']}) is shared with: {', '.join(with_whom) or 'nobody'}.")


def copy(said: str, *, to: str, name: str, as_json: bool) -> None:
    """Copy an image to another region: only blocks that are missing there travel."""
    with here() as home:
        image = find_image(home, said)
        source = home.region
    with here(region=to) as there:
        begun = time.monotonic()
        made = there.ec2(
            "CopyImage",
            SourceImageId=image["ImageId"],
            SourceRegion=source,
            Name=name or image["Name"],
            CopyImageTags=True,
        )["ImageId"]

        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = there.ec2("DescribeImages", ImageIds=[made])["Images"][0]
            return found if found["State"] != "pending" else None

        copied = there.wait(over, COPYING)
    if copied is None or copied["State"] != "available":
        reason = (copied or {}).get("StateReason", {}).get("Message", "it takes longer than an hour")
        raise CopyFailedError(f"{made} did not become available in {to}: {reason}")
    if as_json:
        print_json(copied)
        return
    print(f"{made} in {to} is a copy of {image['ImageId']}, made in {time.monotonic() - begun:.1f} s.")


def deprecate(said: str, *, when: str, undo: bool) -> None:
    """Tell that an image should be used no more from a time on."""
    with here() as home:
        image = find_image(home, said)
        if undo:
            home.ec2("DisableImageDeprecation", ImageId=image["ImageId"])
            print(f"{image['ImageId']} ({image['Name']}) is not deprecated.")
            return
        moment = _moment(when)
        home.ec2("EnableImageDeprecation", ImageId=image["ImageId"], DeprecateAt=moment)
    print(f"{image['ImageId']} ({image['Name']}) is deprecated from {moment[:16].replace('T', ' ')} UTC on.")


def list_snapshots(*, as_json: bool) -> None:
    """Print the account's snapshots."""
    with here() as home:
        found = home.every("DescribeSnapshots", "Snapshots", OwnerIds=["self"])
    if as_json:
        print_json(found)
        return
    if not found:
        print("This account has no snapshots.")
        return
    rows = [
        (
            each["SnapshotId"],
            name_tag(each),
            each["State"],
            f"{each['VolumeSize']} GiB",
            each["StartTime"][:16].replace("T", " "),
            each.get("Description", ""),
        )
        for each in found
    ]
    print_table(("SNAPSHOT", "NAME", "STATE", "SIZE", "STARTED (UTC)", "DESCRIPTION"), rows)


def _grant(home: Here, account: str) -> dict[str, str]:
    """Return a launch permission for an account's id or name, or an organisation's ARN."""
    if account.startswith("arn:"):
        member = "OrganizationArn" if ":organization/" in account else "OrganizationalUnitArn"
        return {member: account}
    if re.fullmatch(r"[0-9]{12}", account):
        return {"UserId": account}
    from goldsmith.catalog.accounts import find_account

    with home.cloud.database.reading() as connection:
        found = find_account(connection, account)
    if found is None:
        raise UsageError(f"There is no account {account}.", mend="`goldsmith account list` shows them.")
    return {"UserId": found.id}


def _moment(said: str) -> str:
    """Return a time from a date, an ISO 8601 time, or a number of days from now as in "30d"."""
    if days := re.fullmatch(r"([0-9]{1,4})d", said):
        return iso(time.time() + int(days[1]) * DAY)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", said):
        return f"{said}T00:00:00.000Z"
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z", said):
        return said
    raise UsageError(f"{said!r} is no time.", mend="Write 2027-01-31, 2027-01-31T12:00:00Z, or 30d for in 30 days.")
