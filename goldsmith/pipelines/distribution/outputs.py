"""What an image has put out: its AMIs, as outputResources of the API tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from goldsmith.pipelines.image_run import ImageRun

MEMBERS = ("distributedImages", "modifiedImages", "configuredImages")
"""The members of steps' outputs that have rows of AMIs."""

AVAILABLE = {"status": "AVAILABLE"}


def built_output(image: ImageRun, ami: str, *, name: str, description: str = "") -> dict[str, Any]:
    """Return the AMI that a build made, as outputResources.amis has it."""
    told = {"description": description} if description else {}
    return {
        "region": image.region,
        "image": ami,
        "name": name,
        **told,
        "accountId": image.account,
        "state": dict(AVAILABLE),
    }


def container_outputs(made: Iterable[Mapping[str, Any]], outputs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return outputResources.containers: what was ``made``, and the images of distributing steps, by their region."""
    uris: dict[str, dict[str, None]] = {}
    for row in (*made, *(row for each in outputs for row in each.get("containers") or ())):
        uris.setdefault(row["region"], {}).update(dict.fromkeys(row["imageUris"]))
    return [{"region": region, "imageUris": list(told)} for region, told in uris.items()]


def ami_outputs(
    outputs: Iterable[Mapping[str, Any]], *, built: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return outputResources.amis: the AMI that was ``built``, and those of distributing steps' outputs, each once.

    A region whose copy failed has none; an AMI that something failed with later is there, and available.
    """
    made = {str(built["image"]): dict(built)} if built else {}
    rows = (row for each in outputs for member in MEMBERS for row in each.get(member) or ())
    for row in rows:
        if row.get("amiId") and row["amiId"] not in made:
            made[row["amiId"]] = {
                "region": row["region"],
                "image": row["amiId"],
                **{member: row[member] for member in ("name", "description") if row.get(member)},
                "accountId": row["accountId"],
                "state": dict(AVAILABLE),
            }
    return list(made.values())
