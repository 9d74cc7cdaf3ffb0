"""`goldsmith templates`: launch templates listed, shown, made, versioned, compared and deleted."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldsmith.cli.here import here
from goldsmith.cli.naming import find_image, find_instance, find_template, tags_of
from goldsmith.cli.output import UsageError, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.cli.here import Here

    Item = dict[str, Any]

ALIAS = "resolve:ssm:"


@dataclass(frozen=True)
class Blueprint:
    """What a version is made of, as the command line says it: AWS's launch template data, and single parts over it.

    ``data`` is a JSON file with RequestLaunchTemplateData, ``instance`` one to be like.
    """

    image: str = ""
    kind: str = ""
    key: str = ""
    groups: tuple[str, ...] = ()
    user_data: str = ""
    tags: tuple[str, ...] = ()
    instance: str = ""
    data: str = ""

    def read(self, home: Here) -> Item:
        """Return the launch template data. Raises UsageError for a file that holds none."""
        whole: Item = {}
        if self.instance:
            found = find_instance(home, self.instance)
            whole = home.ec2("GetLaunchTemplateData", InstanceId=found["InstanceId"])["LaunchTemplateData"]
        if self.data:
            whole |= _read_data(self.data)
        if self.image:
            whole["ImageId"] = self.image if self.image.startswith(ALIAS) else find_image(home, self.image)["ImageId"]
        if self.user_data:
            whole["UserData"] = base64.b64encode(Path(self.user_data).read_bytes()).decode()
        parts = {
            "InstanceType": self.kind,
            "KeyName": self.key,
            "SecurityGroupIds": list(self.groups),
            "TagSpecifications": tags_of(list(self.tags), "instance"),
        }
        return {**whole, **{name: value for name, value in parts.items() if value}}


def list_templates(*, as_json: bool) -> None:
    """Print the account's launch templates with what their default versions launch."""
    with here() as home:
        templates = home.every("DescribeLaunchTemplates", "LaunchTemplates")
        defaults = home.every("DescribeLaunchTemplateVersions", "LaunchTemplateVersions", Versions=["$Default"])
    data = {version["LaunchTemplateId"]: version["LaunchTemplateData"] for version in defaults}
    if as_json:
        print_json([{**each, "DefaultData": data[each["LaunchTemplateId"]]} for each in templates])
        return
    if not templates:
        print("There are no launch templates yet. Make one: goldsmith templates create NAME --image IMAGE")
        return
    rows = [
        (
            each["LaunchTemplateName"],
            each["LaunchTemplateId"],
            str(each["DefaultVersionNumber"]),
            str(each["LatestVersionNumber"]),
            data[each["LaunchTemplateId"]].get("ImageId", ""),
            data[each["LaunchTemplateId"]].get("InstanceType", ""),
        )
        for each in templates
    ]
    print_table(("TEMPLATE", "ID", "DEFAULT", "LATEST", "IMAGE", "TYPE"), rows)


def show_template(said: str, *, as_json: bool) -> None:
    """Print a version of a launch template, by default its default one, and which versions there are."""
    with here() as home:
        version = _version(home, said, "$Default")
        named = {"LaunchTemplateId": version["LaunchTemplateId"]}
        versions = home.every("DescribeLaunchTemplateVersions", "LaunchTemplateVersions", **named)
    if as_json:
        print_json(version)
        return
    print(f"{version['LaunchTemplateName']}:{version['VersionNumber']}  {version['LaunchTemplateId']}")
    for name, value in _flat(version["LaunchTemplateData"]):
        print(f"  {name}  {value}")
    rows = [
        (
            str(each["VersionNumber"]) + (" (default)" if each["DefaultVersion"] else ""),
            str(each["CreateTime"])[:16].replace("T", " "),
            each["LaunchTemplateData"].get("ImageId", ""),
            each.get("VersionDescription", ""),
        )
        for each in versions
    ]
    print_table(("VERSION", "CREATED (UTC)", "IMAGE", "DESCRIPTION"), rows)


def create_template(name: str, blueprint: Blueprint, *, description: str, as_json: bool) -> None:
    """Make a launch template."""
    with here() as home:
        answer = home.ec2(
            "CreateLaunchTemplate",
            LaunchTemplateName=name,
            VersionDescription=description or None,
            LaunchTemplateData=blueprint.read(home),
        )
    _tell(answer, f"{name}:1 is made. Launch it: goldsmith run --template {name}", as_json=as_json)


def add_version(
    said: str, blueprint: Blueprint, *, source: str, description: str, default: bool, as_json: bool
) -> None:
    """Add a version to a launch template, like another but for what is given."""
    with here() as home:
        named = find_template(said)
        answer = home.ec2(
            "CreateLaunchTemplateVersion",
            **named,
            SourceVersion=source or None,
            VersionDescription=description or None,
            LaunchTemplateData=blueprint.read(home),
        )
        number = answer["LaunchTemplateVersion"]["VersionNumber"]
        if default:
            home.ec2("ModifyLaunchTemplate", **named, DefaultVersion=str(number))
    told = f"{said}:{number} is made" + (" and is the default." if default else ".")
    _tell(answer, told, as_json=as_json)


def set_default(said: str, version: str) -> None:
    """Make a version the default."""
    with here() as home:
        changed = home.ec2("ModifyLaunchTemplate", **find_template(said), DefaultVersion=version)["LaunchTemplate"]
    print(f"{changed['LaunchTemplateName']}:{changed['DefaultVersionNumber']} is the default.")


def diff_versions(said: str, before: str, after: str, *, as_json: bool) -> None:
    """Print what differs between two versions of a launch template."""
    with here() as home:
        old, new = _version(home, said, before), _version(home, said, after)
    left, right = dict(_flat(old["LaunchTemplateData"])), dict(_flat(new["LaunchTemplateData"]))
    changes = {name: (left.get(name), right.get(name)) for name in sorted({*left, *right})}
    changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
    if as_json:
        print_json({name: {"before": pair[0], "after": pair[1]} for name, pair in changes.items()})
        return
    print(f"{old['LaunchTemplateName']}: version {old['VersionNumber']} to {new['VersionNumber']}")
    if not changes:
        print("  Nothing differs.")
    for name, pair in changes.items():
        print(f"  {name}")
        for sign, value in zip("-+", pair, strict=True):
            if value is not None:
                print(f"    {sign} {value}")


def delete_template(said: str, versions: list[str]) -> None:
    """Delete a launch template, or some of its versions."""
    with here() as home:
        if not versions:
            gone = home.ec2("DeleteLaunchTemplate", **find_template(said))["LaunchTemplate"]
            print(f"{gone['LaunchTemplateName']} is deleted with all its versions; its instances live on.")
            return
        answer = home.ec2("DeleteLaunchTemplateVersions", **find_template(said), Versions=versions)
    for each in answer["SuccessfullyDeletedLaunchTemplateVersions"]:
        print(f"{each['LaunchTemplateName']}:{each['VersionNumber']} is deleted.")
    if kept := answer["UnsuccessfullyDeletedLaunchTemplateVersions"]:
        raise UsageError(" ".join(each["ResponseError"]["Message"] for each in kept))


def _tell(answer: Item, told: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    print(told)
    for fault in (answer.get("Warning") or {}).get("Errors", []):
        print(f"  It would not launch now: {fault['Message']} ({fault['Code']})")


def _version(home: Here, said: str, usual: str) -> Item:
    """Return the version that NAME:VERSION says, by default ``usual``."""
    named = find_template(said)
    asked = named.pop("Version", usual)
    [version] = home.ec2("DescribeLaunchTemplateVersions", **named, Versions=[asked])["LaunchTemplateVersions"]
    found: Item = version
    return found


def _read_data(file: str) -> Item:
    try:
        data = json.loads(Path(file).read_text())
    except ValueError as wrong:
        raise UsageError(f"{file} is no JSON: {wrong}", mend="It holds AWS's RequestLaunchTemplateData.") from wrong
    if not isinstance(data, dict):
        raise UsageError(f"{file} holds no object.", mend="It holds AWS's RequestLaunchTemplateData.")
    return data


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value inside with its path; user data as the text that it is."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _flat(below, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _flat(below, f"{path}[{number}]")
    elif path == "UserData":
        yield path, base64.b64decode(value).decode(errors="replace").strip()
    else:
        yield path, str(value)
