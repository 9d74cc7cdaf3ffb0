"""StartResourceStateUpdate: one image is deprecated, disabled, deleted or made available again (8.6)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from goldsmith.aws.errors import AwsError
from goldsmith.aws.imagebuilder.documents import read_members
from goldsmith.aws.imagebuilder.references import IMAGE_BUILD, parse_arn
from goldsmith.aws.imagebuilder.refusals import contradictory, invalid, not_found
from goldsmith.aws.imagebuilder.world import CloudWorld
from goldsmith.aws.operations import imagebuilder
from goldsmith.documents.lifecycle import StateUpdate
from goldsmith.pipelines.events.events import Events
from goldsmith.pipelines.lifecycle.decision import BROKEN, WHOLE
from goldsmith.pipelines.lifecycle.image_changes import change_image, tell_change
from goldsmith.pipelines.lifecycle.planning import plan_image
from goldsmith.pipelines.lifecycle.records import add_execution, add_plans, running_execution
from goldsmith.pipelines.lifecycle.running import run_execution

if TYPE_CHECKING:
    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

ACTIONS = {"DEPRECATED": "DEPRECATE", "DISABLED": "DISABLE", "DELETED": "DELETE", "AVAILABLE": "AVAILABLE"}
ARN = "resourceArn"
REASON = "StartResourceStateUpdate asked for it."


@imagebuilder.operation(
    deviation="With an updateAt the AMIs get it as their deprecation time at once; the image becomes DEPRECATED then."
)
def start_resource_state_update(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Change an image's record at once, or with includeResources also its AMIs and snapshots, beside the answer."""
    update = read_members(call.operation, StateUpdate, parameters)
    image = _image(call, parameters[ARN])
    _require_possible(call, image, update)
    action, at = ACTIONS[update.state.status], update.update_at
    if update.include_resources is None:
        changed = change_image(call.catalog, image, action, call.now, at=at)
        call.later(partial(tell_change, _events(call).emit, image, changed))
        return {ARN: image.id}
    rules = update.exclusion_rules.amis if update.exclusion_rules else None
    plan = plan_image(call.catalog, image, action, REASON, update.include_resources, rules, call.now, at=at)
    execution = add_execution(call.catalog, image.id, call.now)
    add_plans(call.catalog, execution, [plan], call.now)
    run_later(call, execution)
    return {"lifecycleExecutionId": execution.id, ARN: image.id}


def run_later(call: Call, execution: Resource) -> None:
    """Run an execution when the call's changes are in the catalogue."""
    where = (execution.account, execution.region, execution.id)
    call.later(partial(run_execution, CloudWorld(call.cloud), *where, _events(call).emit))


def _events(call: Call) -> Events:
    """Return the home's events; who hears of them reads the log."""
    return Events(call.cloud.home, (), call.cloud.clock)


def _image(call: Call, text: str) -> Resource:
    arn = parse_arn(call.operation, text, "image", path=ARN)
    if arn.version is None or not arn.version.build:
        raise invalid(call.operation, ARN, "It names no build.")
    image = call.catalog.own(IMAGE_BUILD, str(arn))
    if image is None:
        raise not_found(text)
    return image


def _require_possible(call: Call, image: Resource, update: StateUpdate) -> None:
    """Refuse what cannot become of an image of its state and type, and a second update at once."""
    status = update.state.status
    if image.state not in {*WHOLE, *BROKEN}:
        busy = "ResourceInUseException" if image.state != "DELETED" else "InvalidRequestException"
        raise AwsError(busy, f"The image '{image.id}' is {image.state}: its state cannot be changed.")
    if image.state in BROKEN and status != "DELETED":
        raise contradictory(call.operation, f"The image '{image.id}' is {image.state} and can only become DELETED.")
    is_container = image.document.get("type") == "DOCKER"
    if is_container and status != "DELETED":
        raise contradictory(call.operation, "A container image can only become DELETED.")
    include = update.include_resources
    if include and (include.amis if is_container else include.containers):
        raise contradictory(call.operation, "Of an AMI image amis are included, of a container image containers.")
    if update.update_at is not None and update.update_at <= call.now:
        raise invalid(call.operation, "updateAt", "It must be in the future.")
    if running := running_execution(call.catalog, image):
        raise AwsError(
            "ResourceInUseException", f"The lifecycle execution '{running}' of the image '{image.id}' is not over."
        )
