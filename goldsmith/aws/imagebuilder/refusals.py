"""Image Builder's refusals: which of its errors, and in which words (messages as AWS's, appendix C.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.aws.models import Operation

MOST_NAMED = 10
"""Dependants that a refusal names; of more it tells the number."""


def invalid(operation: Operation, path: str, reason: str) -> AwsError:
    """Refuse a value, with the error that the model has for it at this operation."""
    declared = {shape.name for shape in operation.model.error_shapes}
    known = ("InvalidParameterValueException", "InvalidParameterException", "InvalidRequestException")
    code = next((each for each in known if each in declared), "ClientException")
    if path == "semanticVersion" and "InvalidVersionNumberException" in declared:
        code = "InvalidVersionNumberException"
    return AwsError(code, f"The value supplied for parameter '{path}' is not valid. {reason}")


def contradictory(operation: Operation, reason: str) -> AwsError:
    """Refuse members that do not go together."""
    declared = {shape.name for shape in operation.model.error_shapes}
    code = "InvalidParameterCombinationException"
    return AwsError(code if code in declared else "InvalidRequestException", reason)


def not_found(arn: str) -> AwsError:
    """Tell that there is no such resource, whether it never was or is another's."""
    return AwsError("ResourceNotFoundException", f"The resource '{arn[:1024]}' does not exist.")


def exists(title: str, arn: str) -> AwsError:
    """Tell that a resource is there already."""
    return AwsError("ResourceAlreadyExistsException", f"The following resource '{title}' already exists: '{arn}'.")


def depended_on(arn: str, dependants: Iterable[str]) -> AwsError:
    """Refuse to delete what others refer to, and name them."""
    named = sorted(dependants)
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return AwsError(
        "ResourceDependencyException",
        f"Resource dependency error: The resource ARN '{arn}' has other resources depended on it. "
        f"They are: {', '.join(named[:MOST_NAMED])}{more}.",
    )


def over_quota(what: str, most: int) -> AwsError:
    """Tell that there are as many as there may be."""
    return AwsError(
        "ServiceQuotaExceededException",
        f"You have reached the maximum number of {what}: {most}. `quotas` in the server's cloud.yml sets another.",
    )
