"""Infrastructure and distribution configurations (2.7, 2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.documents import read_members
from goldsmith.aws.imagebuilder.refusals import invalid
from goldsmith.documents.distribution import DistributionConfiguration
from goldsmith.documents.infrastructure import InfrastructureConfiguration

if TYPE_CHECKING:
    from goldsmith.aws.call import Call

NOT_SHOWN = ("clientToken", "tags", "dryRun", "name", "infrastructureConfigurationArn", "distributionConfigurationArn")
TIMEOUT_MINUTES = 720
"""What every distribution configuration answers as timeoutMinutes, which nobody can set."""


def describe_infrastructure(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the document of an infrastructure configuration."""
    read_members(call.operation, InfrastructureConfiguration, parameters)
    document = {name: value for name, value in parameters.items() if name not in NOT_SHOWN}
    return {
        "terminateInstanceOnFailure": True,
        "terminateInstanceOnCompletion": True,
        **document,
    }


def describe_distribution(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a distribution configuration."""
    read_members(call.operation, DistributionConfiguration, parameters)
    regions = call.cloud.settings.regions_of(call.account.id)
    for number, each in enumerate(parameters["distributions"]):
        if each["region"] not in regions:
            known = ", ".join(regions)
            raise invalid(
                call.operation,
                f"distributions[{number}].region",
                f"There is no region {each['region'][:64]} here. There are: {known}; `regions` in the server's "
                "cloud.yml adds others, and `aws` there those of AWS's own.",
            )
    document = {name: value for name, value in parameters.items() if name not in NOT_SHOWN}
    return {
        **document,
        "timeoutMinutes": TIMEOUT_MINUTES,
        "regions": [each["region"] for each in parameters["distributions"]],
    }
