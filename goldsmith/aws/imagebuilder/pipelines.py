"""Image pipelines (2.9, 3.3 to 3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.aws.imagebuilder.documents import read_members
from goldsmith.aws.imagebuilder.managed import PLATFORM
from goldsmith.aws.imagebuilder.references import find, parse_arn
from goldsmith.aws.imagebuilder.refusals import contradictory, invalid
from goldsmith.aws.imagebuilder.workflow_configurations import require_workflows
from goldsmith.documents.schedule import Schedule
from goldsmith.documents.schedules.expression import parse_schedule
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

NOT_SHOWN = ("clientToken", "tags", "dryRun", "name", "imagePipelineArn")
KEPT = ("dateLastRun", "lastRunStatus")
RECIPES = {"imageRecipeArn": "image-recipe", "containerRecipeArn": "container-recipe"}
LOG_GROUPS = "/aws/imagebuilder/"
"""What the names of log groups begin with to which anybody's builds may write."""

TESTS = {"imageTestsEnabled": True, "timeoutMinutes": 720}


def describe(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a pipeline."""
    require_parts(call, parameters)
    if parameters.get("schedule"):
        _require_schedule(call, parameters["schedule"])
    document = {name: value for name, value in parameters.items() if name not in NOT_SHOWN}
    schedule = {"schedule": _schedule(parameters["schedule"])} if parameters.get("schedule") else {}
    return {
        "platform": PLATFORM,
        "enhancedImageMetadataEnabled": True,
        "status": "ENABLED",
        **document,
        **schedule,
        "imageTestsConfiguration": TESTS | (parameters.get("imageTestsConfiguration") or {}),
        "consecutiveFailures": 0,
    }


def require_parts(call: Call, parameters: Mapping[str, Any]) -> None:
    """Refuse a pipeline, or an image, whose recipe, configurations or workflows are not there."""
    given = [name for name in RECIPES if parameters.get(name)]
    if len(given) != 1:
        raise contradictory(call.operation, "Exactly one of imageRecipeArn and containerRecipeArn is needed.")
    recipe = _require(call, parameters[given[0]], RECIPES[given[0]], given[0])
    _require(
        call,
        parameters["infrastructureConfigurationArn"],
        "infrastructure-configuration",
        "infrastructureConfigurationArn",
    )
    if arn := parameters.get("distributionConfigurationArn"):
        distribution = _require(call, arn, "distribution-configuration", "distributionConfigurationArn")
        _require_private(call, recipe, distribution)
    _require_scanned(call, parameters)
    _require_log_role(call, parameters)
    require_workflows(call, parameters, container=given[0] == "containerRecipeArn")


def keep(call: Call, before: Mapping[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return what an update leaves as it was; refuse one from one kind of recipe to the other."""
    for name in RECIPES:
        if (name in before) != (name in after):
            raise contradictory(call.operation, "A pipeline cannot change between image and container recipes.")
    return {name: before[name] for name in KEPT if name in before}


def _require(call: Call, text: str, noun: str, path: str) -> Resource:
    found = find(call.catalog, parse_arn(call.operation, text, noun, path=path))
    if found is None:
        raise invalid(call.operation, path, f"The resource '{text}' does not exist.")
    return found


def _require_private(call: Call, recipe: Resource, distribution: Resource) -> None:
    """Refuse to make an AMI with watermarks public, which EC2 refuses when it has been built."""
    if not recipe.document.get("amiWatermarks"):
        return
    for each in distribution.document["distributions"]:
        permission = (each.get("amiDistributionConfiguration") or {}).get("launchPermission") or {}
        if "all" in (permission.get("userGroups") or ()):
            raise contradictory(
                call.operation,
                f"The recipe '{recipe.id}' has amiWatermarks, and an AMI with watermarks cannot be public as "
                f"'{distribution.id}' wants it in {each['region']}.",
            )


def _require_scanned(call: Call, parameters: Mapping[str, Any]) -> None:
    """Refuse scans that could not take place as they are configured (6.4)."""
    scanning = parameters.get("imageScanningConfiguration") or {}
    types = scanning.get("imageScanningTypes") or ["TEST_INSTANCE_CVE"]
    if scanning.get("scanResultCondition") and "ON_DEMAND_AMI_CVE" not in types:
        raise contradictory(call.operation, "A scanResultCondition needs the imageScanningTypes ON_DEMAND_AMI_CVE.")
    tested = TESTS | (parameters.get("imageTestsConfiguration") or {})
    if scanning.get("imageScanningEnabled") and "TEST_INSTANCE_CVE" in types and not tested["imageTestsEnabled"]:
        raise contradictory(call.operation, "Images are scanned for TEST_INSTANCE_CVE only where tests are enabled.")


def _require_log_role(call: Call, parameters: Mapping[str, Any]) -> None:
    for name, group in (parameters.get("loggingConfiguration") or {}).items():
        if not group.startswith(LOG_GROUPS) and not parameters.get("executionRole"):
            raise contradictory(
                call.operation, f"loggingConfiguration.{name} is outside of {LOG_GROUPS}, which needs an executionRole."
            )


def _require_schedule(call: Call, schedule: Mapping[str, Any]) -> None:
    if not schedule.get("scheduleExpression"):
        raise invalid(call.operation, "schedule.scheduleExpression", "A schedule needs an expression.")
    read_members(call.operation, Schedule, dict(schedule), under="schedule")
    try:
        parse_schedule(schedule["scheduleExpression"], schedule.get("timezone") or "UTC")
    except GoldsmithError as wrong:
        raise invalid(call.operation, "schedule.scheduleExpression", f"{wrong.message} {wrong.mend}".strip()) from wrong


def _schedule(schedule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "timezone": "UTC",
        "pipelineExecutionStartCondition": "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE",
        **schedule,
    }
