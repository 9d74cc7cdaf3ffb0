"""How many instances this host still has memory for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.aws.errors import AwsError
from goldsmith.catalog.resources import every

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

SHARE = 0.9
"""Of the host's memory, what instances may have together where cloud.yml does not say."""

KEPT = 1024
"""MiB that the host keeps for itself."""

TAKING = ("pending", "running", "stopping")


def require_capacity(call: Call, memory: int, least: int, most: int) -> int:
    """Return how many instances of ``memory`` MiB can be started now, at most ``most``.

    Raises AwsError InsufficientInstanceCapacity when that is fewer than ``least``.
    """
    taken = sum(int(each.inner.get("memory", 0)) for each in every(call.catalog.connection, "instance", states=TAKING))
    room = count_that_fit(memory, taken=taken, limit=call.cloud.settings.instance_memory, **host_memory())
    if room < least:
        raise AwsError(
            "InsufficientInstanceCapacity",
            f"This host has memory for {max(room, 0)} more instances of {memory} MiB ({taken} MiB are taken), and "
            f"{least} were asked for. Stop others, choose a smaller type, or set instance_memory in cloud.yml.",
        )
    return min(most, room)


def count_that_fit(memory: int, *, taken: int, limit: int, total: int, available: int) -> int:
    """Return how many instances of ``memory`` MiB fit beside those that have ``taken``; all in MiB."""
    allowed = limit or int(total * SHARE) - KEPT
    return min((allowed - taken) // memory, (available - KEPT // 2) // memory)


def host_memory() -> dict[str, int]:
    """Return the host's memory in MiB: total, and available now."""
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return {
        "total": int(lines["MemTotal"].split()[0]) // 1024,
        "available": int(lines["MemAvailable"].split()[0]) // 1024,
    }
