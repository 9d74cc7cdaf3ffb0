"""The workflows that a pipeline or an image names instead of the managed ones: WorkflowConfiguration (5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.documents.workflows.contract import ContractError, require_outputs
from goldsmith.documents.workflows.parameters import ParameterError, bind_parameters
from goldsmith.documents.workflows.references import workflow_outputs_used
from goldsmith.documents.workflows.step import STAGES
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.documents.workflows.contract import ImageKind
    from goldsmith.documents.workflows.document import WorkflowDocument

MAX_WORKFLOWS = 10
MAX_AT_ONCE = 5


class ConfigurationError(GoldsmithError):
    """Workflows cannot be run as configured.

    ``code`` is AWS's, ``parameter`` the path of what is wrong in the request, as ``workflows[0]``.
    """

    def __init__(self, parameter: str, reason: str, *, code: str = "InvalidParameterValueException") -> None:
        if code == "InvalidParameterValueException":
            super().__init__(f"The value supplied for parameter '{parameter}' is not valid. {reason}")
        else:
            super().__init__(reason)
        self.parameter = parameter
        self.reason = reason
        self.code = code


def validate_configurations(
    configurations: Sequence[Mapping[str, Any]],
    documents: Sequence[WorkflowDocument],
    *,
    kind: ImageKind,
    execution_role: str,
) -> None:
    """Raise ConfigurationError for the first thing that is wrong with workflows of a pipeline or of an image.

    ``configurations`` are in AWS's shape, ``documents`` what they name, in the same order.
    """
    if not configurations:
        return
    if not execution_role:
        code = "InvalidParameterCombinationException"
        raise ConfigurationError("executionRole", "An execution role is required to provide workflows.", code=code)
    if len(configurations) > MAX_WORKFLOWS:
        raise ConfigurationError("workflows", f"At most {MAX_WORKFLOWS} workflows can be provided.")
    _check_stages(documents)
    for place, (configuration, document) in enumerate(zip(configurations, documents, strict=True)):
        _check_one(f"workflows[{place}]", configuration, document, kind)
    _check_groups(configurations)
    _check_outputs(configurations, documents)


def in_batches(groups: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Return which workflows run at the same time, by their places in the list: one batch after the other.

    ``groups`` are their parallel groups, "" for none. A group's members run together, at the place of its first.
    """
    batches: list[list[int]] = []
    of_group: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        if group and group in of_group:
            of_group[group].append(place)
            continue
        batches.append([place])
        if group:
            of_group[group] = batches[-1]
    return tuple(tuple(batch) for batch in batches)


def _check_stages(documents: Sequence[WorkflowDocument]) -> None:
    for stage in ("BUILD", "DISTRIBUTION"):
        places = [place for place, document in enumerate(documents) if document.type == stage]
        if len(places) > 1:
            raise ConfigurationError(f"workflows[{places[1]}]", f"At most one {stage} workflow can be provided.")


def _check_one(path: str, configuration: Mapping[str, Any], document: WorkflowDocument, kind: ImageKind) -> None:
    if document.type != "TEST":
        for key in ("parallelGroup", "onFailure"):
            if configuration.get(key):
                reason = f"{key} can only be specified for TEST workflows, and this is a {document.type} workflow."
                raise ConfigurationError(f"{path}.{key}", reason)
    try:
        require_outputs(document, kind)
    except ContractError as wrong:
        raise ConfigurationError(path, wrong.message) from wrong
    try:
        bind_parameters(document, configuration.get("parameters") or ())
    except ParameterError as wrong:
        raise ConfigurationError(f"{path}.parameters", f"{wrong.message} {wrong.mend}".strip()) from wrong


def _check_groups(configurations: Sequence[Mapping[str, Any]]) -> None:
    members: dict[str, int] = {}
    for place, each in enumerate(configurations):
        if group := each.get("parallelGroup"):
            members[group] = members.get(group, 0) + 1
            if members[group] > MAX_AT_ONCE:
                reason = f"At most {MAX_AT_ONCE} workflows can be in the parallel group '{group}'."
                raise ConfigurationError(f"workflows[{place}].parallelGroup", reason)


def _check_outputs(configurations: Sequence[Mapping[str, Any]], documents: Sequence[WorkflowDocument]) -> None:
    """Names of outputs are unique, and what a workflow refers to comes from one that has ended before it."""
    given: set[str] = set()
    for stage in STAGES:
        places = [place for place, document in enumerate(documents) if document.type == stage]
        for batch in in_batches([str(configurations[place].get("parallelGroup") or "") for place in places]):
            members = [places[each] for each in batch]
            for place in members:
                _check_used(place, documents[place], given)
            for place in members:
                _check_given(place, documents[place], given)


def _check_used(place: int, document: WorkflowDocument, given: set[str]) -> None:
    for name in workflow_outputs_used(document):
        if name not in given:
            reason = f"$.workflowOutputs.{name} is no output of a workflow that runs before this one."
            raise ConfigurationError(f"workflows[{place}]", reason)


def _check_given(place: int, document: WorkflowDocument, given: set[str]) -> None:
    for output in document.outputs:
        if output.name in given:
            reason = f"The output '{output.name}' is declared by more than one workflow."
            raise ConfigurationError(f"workflows[{place}]", reason)
        given.add(output.name)
