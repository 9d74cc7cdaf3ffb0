"""Labels of parameters' versions: each is on one version of its parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ssm
from goldsmith.aws.ssm.names import LABEL
from goldsmith.aws.ssm.records import find_version, labels_of, own_parameter, versions_of

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

MOST = 10


@ssm.operation()
def label_parameter_version(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Put labels on a version, by default the newest, and take them off others."""
    version = _find(call, parameters)
    valid = [label for label in parameters["Labels"] if LABEL.fullmatch(label)]
    labels = list(dict.fromkeys((*labels_of(version), *valid)))
    if len(labels) > MOST:
        raise AwsError(
            "ParameterVersionLabelLimitExceeded",
            f"A parameter version can have maximum {MOST} labels.Move one or more labels to another version and try "
            "again.",
        )
    for other in versions_of(call.catalog, own_parameter(call, parameters["Name"])):
        kept = [label for label in labels_of(other) if label not in valid]
        if other.id != version.id and kept != labels_of(other):
            call.catalog.save(other.having(Labels=kept))
    call.catalog.save(version.having(Labels=labels))
    invalid = [label for label in parameters["Labels"] if label not in valid]
    return {"InvalidLabels": invalid, "ParameterVersion": version.document["Version"]}


@ssm.operation()
def unlabel_parameter_version(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take labels off a version."""
    version = _find(call, parameters)
    there = labels_of(version)
    removed = [label for label in parameters["Labels"] if label in there]
    call.catalog.save(version.having(Labels=[label for label in there if label not in removed]))
    return {
        "RemovedLabels": removed,
        "InvalidLabels": [label for label in parameters["Labels"] if label not in there],
    }


def _find(call: Call, parameters: dict[str, Any]) -> Resource:
    parameter = own_parameter(call, parameters["Name"])
    number = parameters.get("ParameterVersion") or parameter.document["Version"]
    version = find_version(call.catalog, parameter, str(number))
    if version is None:
        raise AwsError(
            "ParameterVersionNotFound",
            f"Systems Manager could not find version {number} of {parameter.name}. Verify the version and try again.",
        )
    return version
