"""Where a built container goes: the target repository of each region's distribution, or the recipe's own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from goldsmith.documents.distribution import ContainerDistribution
from goldsmith.errors import GoldsmithError
from goldsmith.oci.reference import require_repository, require_tag
from goldsmith.pipelines.builders.containers.archives import archive_place
from goldsmith.pipelines.builders.record import FOLDER
from goldsmith.pipelines.stop import StepTimeoutError, StoppedError
from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.builders.containers.engine import Engine
    from goldsmith.pipelines.image_run import ImageRun
    from goldsmith.pipelines.workflows.action import StepRun


@dataclass(frozen=True)
class Destination:
    """A region's repository, and the tags that the image gets there: the build's own first."""

    region: str
    repository: str
    tags: tuple[str, ...]


def destinations(image: ImageRun) -> list[Destination]:
    """Return where an image goes. Raises ActionFailedError for a distribution that cannot be read."""
    entries = (image.distribution or {}).get("distributions") or ()
    named = [(each["region"], each["containerDistributionConfiguration"]) for each in entries if _is_container(each)]
    if not named:
        named = [(image.region, {"targetRepository": image.recipe.get("targetRepository") or {}})]
    unique = f"{image.version}-{image.build}"
    found = []
    for region, written in named:
        try:
            wanted = ContainerDistribution.model_validate(written)
        except ValidationError as wrong:
            fault = wrong.errors(include_url=False)[0]
            raise ActionFailedError(
                f"The container distribution of {region} is not valid: {fault['msg']} "
                f"({'.'.join(map(str, fault['loc']))}).",
                mend="It needs a targetRepository {service: ECR, repositoryName}; the recipe's is used without one.",
            ) from None
        tags = tuple(dict.fromkeys((unique, *wanted.container_tags)))
        found.append(Destination(region, wanted.target_repository.repository_name, tags))
    return found


def ship(step: StepRun, engine: Engine) -> dict[str, Any]:
    """Send the image to every region; return the step's outputs. One region's failure stops no other.

    Raises ActionFailedError, which has them too, when any region failed.
    """
    sent: list[dict[str, Any]] = []
    failures: list[dict[str, str]] = []
    for wanted in destinations(step.image):
        try:
            uris = _send(step, engine, wanted)
        except (StoppedError, StepTimeoutError):
            raise
        except GoldsmithError as failure:
            step.stop.check()
            failures.append({"region": wanted.region, "errorMessage": failure.message})
            step.say(f"{wanted.region}: {failure.message}")
            continue
        sent.append({"region": wanted.region, "imageUris": uris})
        step.say(f"{wanted.region}: {', '.join(uris)}")
    failed = [each["region"] for each in failures]
    outputs = {
        "status": "Failed" if failed else "Completed",
        "succeededRegions": [each["region"] for each in sent],
        "failedRegions": failed,
        "containers": sent,
    }
    if failures:
        told = " ".join(
            f"{number}) {each['region']}: {each['errorMessage']}" for number, each in enumerate(failures, 1)
        )
        account = step.image.account
        raise ActionFailedError(
            f"Not all distribution jobs are completed. {told}",
            mend="Mend the cause and build the image again.",
            regions=tuple({**each, "status": "FAILED", "targetAccountId": account} for each in failures),
            outputs=outputs,
        )
    return outputs


def _send(step: StepRun, engine: Engine, wanted: Destination) -> list[str]:
    at_aws = step.world.connection(step.image.account, wanted.region)
    if wanted.region not in step.world.regions and not at_aws:
        raise ActionFailedError(
            f"There is no region {wanted.region} here.", mend="cloud.yml of the server lists the regions."
        )
    require_repository(wanted.repository)
    for tag in wanted.tags:
        require_tag(tag)
    registry = step.world.registry(wanted.region)
    if registry is None and at_aws:
        raise ActionFailedError(
            f"The region {wanted.region} at AWS has no registry here.",
            mend="Name its ECR under registries in the server's cloud.yml; docs/containers.md says how.",
        )
    if registry is None:
        return _keep(step, engine, wanted)
    repository = f"{registry.place(step.image.account)}/{wanted.repository}"
    digests = [engine.push(f"{repository}:{tag}", registry) for tag in wanted.tags]
    return [*(f"{repository}:{tag}" for tag in wanted.tags), f"{repository}@{digests[0]}"]


def _keep(step: StepRun, engine: Engine, wanted: Destination) -> list[str]:
    """Keep the image as an OCI archive; all its tags are one file. What a kill leaves goes with the build's end."""
    image, home = step.image, step.world.home
    files = [archive_place(home, image.account, wanted.region, wanted.repository, tag) for tag in wanted.tags]
    files[0].parent.mkdir(parents=True, exist_ok=True)
    folder = image.folder(home) / FOLDER
    made, linked = folder / "archive.tar", folder / "link.tar"
    with made.open("wb") as file:
        engine.archive(file, wanted.tags[0])
        os.fsync(file.fileno())
    for target in files:
        linked.unlink(missing_ok=True)
        linked.hardlink_to(made)
        linked.replace(target)
    made.unlink()
    return [f"oci-archive:{each}" for each in files]


def _is_container(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("containerDistributionConfiguration"))
