"""Whether an AMI that is there is what is wanted: what of it cannot be changed, and the snapshot that it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.publish.aws.clients import AwsPublishError
from goldsmith.publish.aws.image import snapshots_of
from goldsmith.publish.aws.waiting import require_alive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.publish.aws.clients import Clients
    from goldsmith.publish.aws.encryption import Encryption
    from goldsmith.publish.aws.wanted import AwsWanted
    from goldsmith.publish.source import Facts


def require_as_wanted(
    clients: Clients,
    region: str,
    image: Mapping[str, Any],
    wanted: AwsWanted,
    facts: Facts,
    encryption: Encryption,
) -> None:
    """Raise AwsPublishError for an AMI of the right name and disk that is otherwise another, dead or without a disk."""
    require_alive(image, region)
    differs = _differences(image, wanted, facts)
    if differs:
        raise AwsPublishError(
            f"{image['ImageId']} ({image['Name']}) in {region} has this disk, but {'; '.join(differs)}: EC2 never "
            "changes that of an AMI.",
            mend="Say what it has, or another --name, or deregister it and run it again: the snapshot is used anew.",
        )
    for snapshot in snapshots_of(image)[:1]:
        _require_disk(clients, region, image, snapshot, encryption)


def _differences(image: Mapping[str, Any], wanted: AwsWanted, facts: Facts) -> list[str]:
    rows = (
        ("the boot mode", image.get("BootMode", "none"), wanted.boot_mode),
        ("the TPM", image.get("TpmSupport", "none"), "v2.0" if wanted.tpm else "none"),
        ("ENA", _switch(on=bool(image.get("EnaSupport"))), _switch(on=True)),
        ("the architecture", image.get("Architecture", "none"), facts.architecture),
    )
    return [f"{what} {there}, and {asked} is wanted" for what, there, asked in rows if there != asked]


def _switch(*, on: bool) -> str:
    return "on" if on else "off"


def _require_disk(
    clients: Clients, region: str, image: Mapping[str, Any], snapshot: str, encryption: Encryption
) -> None:
    filters: Any = [{"Name": "snapshot-id", "Values": [snapshot]}]
    found: Any = clients.ec2(region).describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
    named = f"{image['ImageId']} ({image['Name']}) in {region}"
    mend = f"`aws ec2 deregister-image --region {region} --image-id {image['ImageId']}`, then run it again."
    if not found:
        raise AwsPublishError(f"The snapshot {snapshot} of {named} is gone: nobody can launch it.", mend=mend)
    shown = found[0]
    if shown["State"] == "error":
        reason = shown.get("StateMessage", "no reason is given").rstrip(".")
        raise AwsPublishError(f"The snapshot {snapshot} of {named} is in the state error: {reason}.", mend=mend)
    if encryption.said and not encryption.fits(shown):
        there = shown.get("KmsKeyId") if shown.get("Encrypted") else ""
        raise AwsPublishError(
            f"The snapshot of {named} is {f'enciphered with {there}' if there else 'not enciphered'}, and it should be "
            f"{encryption}.",
            mend="Say another --name, or deregister that one.",
        )
