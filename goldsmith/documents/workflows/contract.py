"""What a workflow owes to the stage that comes after it (5.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from goldsmith.documents.workflows.actions import AMI_DISTRIBUTION, CONTAINER_DISTRIBUTION
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.documents.workflows.document import WorkflowDocument
    from goldsmith.documents.workflows.step import Stage

ImageKind = Literal["AMI", "DOCKER"]

REQUIRED_OUTPUTS: dict[ImageKind, str] = {"AMI": "ImageId", "DOCKER": "InstanceId"}

_AMI_ID = re.compile(r"ami-[0-9a-f]{8,17}")


class ContractError(GoldsmithError):
    """A workflow does not give what an image of that kind needs of it."""


def require_outputs(document: WorkflowDocument, kind: ImageKind) -> None:
    """Raise ContractError when a workflow cannot serve images of a kind.

    A BUILD workflow declares ImageId for AMIs and InstanceId for containers; a DISTRIBUTION workflow gives out one
    kind of image only.
    """
    made = "AMI" if kind == "AMI" else "container"
    needed = REQUIRED_OUTPUTS[kind]
    if document.type == "BUILD" and needed not in {output.name for output in document.outputs}:
        raise ContractError(
            f"Build workflow must have output named {needed} to build {made}.",
            mend=f"Declare it: outputs: [{{name: {needed}, value: $.stepOutputs.<step>.<output>}}].",
        )
    foreign = (CONTAINER_DISTRIBUTION,) if kind == "AMI" else AMI_DISTRIBUTION
    if wrong := sorted(document.actions().intersection(foreign)):
        raise ContractError(
            f"The workflow has a step with the action {wrong[0]}, which cannot distribute an image of the type {made}.",
            mend="Name a workflow that distributes images of that type.",
        )


def check_outputs(outputs: Mapping[str, Any], stage: Stage, kind: ImageKind) -> None:
    """Raise ContractError when a BUILD workflow has not given out what its image needs."""
    needed = REQUIRED_OUTPUTS[kind]
    value = outputs.get(needed)
    if stage != "BUILD" or (isinstance(value, str) and (kind == "DOCKER" or _AMI_ID.fullmatch(value))):
        return
    form = "AMI ID" if kind == "AMI" else "instance ID"
    raise ContractError(f"Invalid {needed} output value, must be {form} as a string.")
