"""Waiting for instances and talking to their guests."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NO_CONNECTION = 255


def until(look: Callable[[], Any], limit: float = 300) -> Any:
    """Return what ``look`` finds once that is something."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    raise TimeoutError(f"nothing within {limit} s")


def describe(ec2: Any, instance: str) -> dict[str, Any]:
    return ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]


def in_state(ec2: Any, instance: str, state: str, limit: float = 300) -> dict[str, Any]:
    return until(lambda: (found := describe(ec2, instance))["State"]["Name"] == state and found, limit)


def ssh(ec2: Any, instance: str, key: Path, command: str, limit: float = 300) -> str:
    """Return what a command says in the guest, as soon as it lets us in."""
    port = 22 if os.geteuid() == 0 else 2222
    options = ["-q", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5"]

    def attempt() -> subprocess.CompletedProcess[str] | None:
        address = describe(ec2, instance).get("PublicIpAddress")
        if not address:
            return None
        done = subprocess.run(
            ["ssh", *options, "-i", str(key), "-p", str(port), f"admin@{address}", command],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return None if done.returncode == NO_CONNECTION else done

    done = until(attempt, limit)
    assert done.returncode == 0, done.stderr
    return done.stdout
