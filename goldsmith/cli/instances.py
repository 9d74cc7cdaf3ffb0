"""`goldsmith run`, `ssh`, `console`, `capture`, `instances` and what else one does with running machines."""

from __future__ import annotations

import base64
import os
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldsmith.cli.here import GLANCE, here
from goldsmith.cli.naming import ALIVE, find_image, find_instance, find_template, name_tag, tags_of
from goldsmith.cli.output import UsageError, print_json, print_table
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from goldsmith.cli.here import Here

KEY_NAME = "goldsmith-cli"
STARTING = 120.0
CAPTURING = 3600.0
STOPPING = 300.0
USERS = ("admin", "ubuntu", "ec2-user", "debian", "fedora", "root")


class InstanceFailedError(GoldsmithError):
    """An instance or image did not become what was asked for."""


def run_image(
    image: str,
    *,
    template: str,
    kind: str,
    name: str,
    user_data: str,
    tags: list[str],
    ports: str,
    wait: bool,
    as_json: bool,
) -> None:
    """Launch an instance of an image or template and tell how to reach it."""
    with here() as home:
        parameters: dict[str, Any] = {"MinCount": 1, "MaxCount": 1}
        if image:
            parameters["ImageId"] = find_image(home, image)["ImageId"]
        if template:
            parameters["LaunchTemplate"] = find_template(template)
        if not image and not template:
            raise UsageError("There is nothing to run.", mend="Name an image, or a template with --template.")
        if kind or not template:
            parameters["InstanceType"] = kind or "t3.small"
        if not template:
            parameters |= {"KeyName": own_key(home), "SecurityGroupIds": [own_group(home, ports)]}
        if user_data:
            parameters["UserData"] = base64.b64encode(Path(user_data).read_bytes()).decode()
        said = [*tags, *([f"Name={name}"] if name else [])]
        instance = home.ec2("RunInstances", **parameters, TagSpecifications=tags_of(said, "instance"))["Instances"][0]
        found = _settled(home, instance["InstanceId"])
        if wait:
            _await_guest(home, found)
    if as_json:
        print_json(found)
        return
    print(f"{found['InstanceId']} runs at {found['PublicIpAddress']}.")
    print(f"  goldsmith ssh {name or found['InstanceId']}")


def list_instances(*, everything: bool, as_json: bool) -> None:
    """Print the account's instances."""
    with here() as home:
        states = [] if everything else [{"Name": "instance-state-name", "Values": list(ALIVE)}]
        found = _instances(home, Filters=states)
        checks = {
            each["InstanceId"]: each["InstanceStatus"]["Status"]
            for each in home.ec2("DescribeInstanceStatus")["InstanceStatuses"]
        }
    if as_json:
        print_json(found)
        return
    if not found:
        print("There are no instances. Launch one: goldsmith run IMAGE")
        return
    rows = [
        (
            each["InstanceId"],
            name_tag(each),
            each["State"]["Name"],
            checks.get(each["InstanceId"], "-"),
            each["InstanceType"],
            each.get("PublicIpAddress", "-"),
            each["ImageId"],
            each["LaunchTime"][:16].replace("T", " "),
        )
        for each in found
    ]
    print_table(("INSTANCE", "NAME", "STATE", "CHECK", "TYPE", "ADDRESS", "IMAGE", "LAUNCHED (UTC)"), rows)


def ssh(said: str, *, user: str, command: list[str]) -> None:
    """Become ssh to an instance, with the key that `run` gave it."""
    with here() as home:
        found = find_instance(home, said)
        if found["State"]["Name"] != "running":
            raise UsageError(f"{found['InstanceId']} is {found['State']['Name']}.", mend="goldsmith start starts it.")
        port = _ssh_port()
        key = home.cloud.home.path / "keys" / f"{KEY_NAME}-{home.account.id}"
        known = home.cloud.home.path / "keys" / "known_hosts"
    argv = [
        "ssh",
        *(("-i", str(key)) if found.get("KeyName") == KEY_NAME else ()),
        *("-p", str(port)),
        *("-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=accept-new"),
        *("-o", f"HostKeyAlias={found['InstanceId']}"),
        f"{user or USERS[0]}@{found['PublicIpAddress']}",
        *command,
    ]
    sys.stdout.flush()
    os.execvp(argv[0], argv)  # noqa: S606 - the person's own ssh, by argv


def show_console(said: str, *, follow: bool, screenshot: str) -> None:
    """Print an instance's console, follow it, or save its screen as a JPEG."""
    with here() as home:
        found = find_instance(home, said)
        if screenshot:
            answer = home.ec2("GetConsoleScreenshot", InstanceId=found["InstanceId"])
            Path(screenshot).write_bytes(base64.b64decode(answer["ImageData"]))
            print(f"The screen of {found['InstanceId']} is in {screenshot}.")
            return
        told = b""
        while True:
            text = home.cloud.instances.console(found["InstanceId"])
            fresh = text.removeprefix(told)
            sys.stdout.write(fresh.decode(errors="replace"))
            sys.stdout.flush()
            told = text
            if not follow or home.cloud.instances.status(found["InstanceId"]).state == "stopped":
                return
            time.sleep(GLANCE)


def change_state(said: list[str], operation: str, done: str) -> None:
    """Start, stop, reboot or terminate instances and wait until they are."""
    with here() as home:
        ids = [find_instance(home, each)["InstanceId"] for each in said]
        home.ec2(operation, InstanceIds=ids)
        for identifier in ids:
            home.wait(partial(_is, home, identifier, done), STOPPING)
            print(f"{identifier} is {_state(home, identifier)}.")


def capture(said: str, *, name: str, reboot: bool, description: str, tags: list[str], as_json: bool) -> None:
    """Make an image of an instance and wait until it is available."""
    with here() as home:
        instance = find_instance(home, said)
        begun = time.monotonic()
        image_id = home.ec2(
            "CreateImage",
            InstanceId=instance["InstanceId"],
            Name=name,
            Description=description or None,
            NoReboot=not reboot,
            TagSpecifications=tags_of(tags, "image"),
        )["ImageId"]

        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = home.ec2("DescribeImages", ImageIds=[image_id])["Images"][0]
            return found if found["State"] != "pending" else None

        image = home.wait(over, CAPTURING)
    if image is None or image["State"] != "available":
        reason = (image or {}).get("StateReason", {}).get("Message", "it takes longer than an hour")
        raise InstanceFailedError(f"{image_id} did not become available: {reason}")
    if as_json:
        print_json(image)
        return
    print(f"{image_id} ({name}) holds {instance['InstanceId']} as it was, made in {time.monotonic() - begun:.1f} s.")


def own_key(home: Here) -> str:
    """Return the name of the key pair that the command line uses, made at first need; its private half stays here."""
    folder = home.cloud.home.path / "keys"
    private = folder / f"{KEY_NAME}-{home.account.id}"
    there = home.ec2("DescribeKeyPairs", Filters=[{"Name": "key-name", "Values": [KEY_NAME]}])["KeyPairs"]
    if there and private.exists():
        return KEY_NAME
    if there:
        home.ec2("DeleteKeyPair", KeyName=KEY_NAME)
    made = home.ec2("CreateKeyPair", KeyName=KEY_NAME, KeyType="ed25519")
    folder.mkdir(parents=True, exist_ok=True)
    private.unlink(missing_ok=True)
    with os.fdopen(os.open(private, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as out:
        out.write(made["KeyMaterial"].rstrip("\n") + "\n")
    return KEY_NAME


def own_group(home: Here, ports: str) -> str:
    """Return the id of a security group that opens SSH and ``ports``, made at first need."""
    wanted = sorted({22, *(int(port) for port in ports.split(",") if port)})
    name = f"{KEY_NAME}-{'-'.join(map(str, wanted))}"
    there = home.ec2("DescribeSecurityGroups", Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]
    if there:
        return str(there[0]["GroupId"])
    made = home.ec2("CreateSecurityGroup", GroupName=name, Description="Made by goldsmith run")["GroupId"]
    permissions = [
        {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "127.0.0.0/8"}]}
        for port in wanted
    ]
    home.ec2("AuthorizeSecurityGroupIngress", GroupId=made, IpPermissions=permissions)
    return str(made)


def _settled(home: Here, identifier: str) -> dict[str, Any]:
    """Return an instance when it runs; say why when it does not."""
    home.wait(lambda: _state(home, identifier) != "pending", STARTING)
    found = _instances(home, InstanceIds=[identifier])[0]
    if found["State"]["Name"] != "running":
        reason = found.get("StateReason", {}).get("Message", f"it is {found['State']['Name']}")
        raise InstanceFailedError(f"{identifier} did not start: {reason}")
    return found


def _await_guest(home: Here, found: dict[str, Any]) -> None:
    """Wait until the guest's SSH answers."""

    def answers() -> bool:
        try:
            with socket.create_connection((found["PublicIpAddress"], _ssh_port()), timeout=2) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    if not home.wait(answers, STARTING * 5):
        raise InstanceFailedError(
            f"{found['InstanceId']} runs, but its SSH does not answer.",
            mend=f"`goldsmith console {found['InstanceId']}` shows how far it came.",
        )


def _instances(home: Here, **parameters: Any) -> list[dict[str, Any]]:
    reservations = home.every("DescribeInstances", "Reservations", **parameters)
    return [instance for reservation in reservations for instance in reservation["Instances"]]


def _state(home: Here, identifier: str) -> str:
    return str(_instances(home, InstanceIds=[identifier])[0]["State"]["Name"])


def _is(home: Here, identifier: str, state: str) -> bool:
    return _state(home, identifier) == state


def _ssh_port() -> int:
    from goldsmith.machines.machine import ssh_port

    return ssh_port()
