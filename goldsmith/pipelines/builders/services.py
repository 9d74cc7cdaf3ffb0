"""What a pipeline's components reach outside the guest: the house's own components and parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.components import library
from goldsmith.components.library import UnknownComponent
from goldsmith.documents.arns import Arn, ArnError
from goldsmith.documents.parser import parse_component
from goldsmith.executor.services import Services
from goldsmith.pipelines.builders.house_buckets import HouseBuckets
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldsmith.documents.component import ComponentDocument
    from goldsmith.pipelines.workflows.action import StepRun


class HouseClient:
    """One of the house's services under the names of boto3's methods, as the image's account."""

    def __init__(self, step: StepRun, service: str) -> None:
        self._step = step
        self._service = service

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        operation = "".join(part.capitalize() for part in method.split("_"))

        def ask(**parameters: Any) -> dict[str, Any]:
            from botocore.exceptions import ClientError  # noqa: PLC0415 - what the executor turns into words

            try:
                return self._step.call(self._service, operation, **parameters)
            except RefusedError as refused:
                raise ClientError({"Error": {"Code": refused.code, "Message": refused.message}}, operation) from refused

        return ask


def services_of(step: StepRun, metadata: Mapping[str, str]) -> Services:
    """Return the outside world of a step's components; ``metadata`` is the instance's, by path below meta-data."""
    return Services(
        find_component=lambda arn: _component(step, arn),
        instance_metadata=metadata.get,
        client=lambda service: HouseBuckets(step) if service == "s3" else HouseClient(step, service),
        account_id=step.image.account,
        region=step.image.region,
        pause=step.stop.wait,
    )


def _component(step: StepRun, reference: str) -> ComponentDocument | None:
    """Return the component that an ARN names: the newest build of a version, a managed one of Amazon's."""
    try:
        arn = Arn.parse(reference)
    except ArnError:
        return None
    if arn.account == "aws":
        try:
            return parse_component(library.resolve(reference).text, reference)
        except UnknownComponent:
            return None
    build = reference if re.fullmatch(r".*/[0-9.]+/[0-9]+", reference) else _newest_build(step, reference)
    with step.world.catalog(step.image.account, step.image.region, writes=False) as catalog:
        found = catalog.get("component", build) if build else None
    return parse_component(str(found.document["data"]), found.id) if found else None


def _newest_build(step: StepRun, version: str) -> str:
    with step.world.catalog(step.image.account, step.image.region, writes=False) as catalog:
        found = catalog.get("component-version", version)
    return f"{version}/{found.inner['builds']}" if found else ""
