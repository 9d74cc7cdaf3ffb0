"""An image's record after a lifecycle action: its state, when it is deprecated, and what is said of its AMIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import Resource
from goldsmith.pipelines.engine.states import in_state
from goldsmith.pipelines.events.event import IMAGE_STATE_CHANGE, state_change
from goldsmith.pipelines.moments import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from goldsmith.catalog.catalog import Catalog
    from goldsmith.pipelines.world import World

    Emit = Callable[..., None]
    """Tells an event: detail type, resources, detail, and as keywords account and region."""

TARGETS = {"DEPRECATE": "DEPRECATED", "DISABLE": "DISABLED", "DELETE": "DELETED", "AVAILABLE": "AVAILABLE"}
FUTURE = "image-deprecation"
"""The kind of a note that an image becomes deprecated at a later moment; its id is the image's ARN."""


def change_image(
    catalog: Catalog, image: Resource, action: str, now: float, *, amis: Collection[str] = (), at: float | None = None
) -> Resource:
    """Save an image in the state that an action leads to; ``amis`` are those that were acted on.

    With ``at`` in the future a deprecation only becomes known: the image stays as it is until then.
    """
    noted = catalog.own(FUTURE, image.id)
    if noted is not None:
        catalog.remove(noted)
    if action == "DEPRECATE" and at is not None and at > now:
        catalog.add(Resource(image.id, FUTURE, image.account, image.region, "", "", now, {}, {"at": at}))
        return catalog.save(image.having(deprecationTime=iso(at)))
    target = TARGETS[action]
    changed = in_state(image, target)
    if action == "DEPRECATE":
        changed = changed.having(deprecationTime=iso(now))
    if action == "AVAILABLE":
        changed = changed.having(deprecationTime=None)
    return catalog.save(changed.having(outputResources=_outputs(image, target, amis)))


def tell_change(emit: Emit, before: Resource, after: Resource) -> None:
    """Tell an event if an image's state has changed."""
    if before.state != after.state:
        detail = state_change(before.state, after.state)
        emit(IMAGE_STATE_CHANGE, [after.id], detail, account=after.account, region=after.region)


def deprecate_due(world: World, emit: Emit) -> None:
    """Deprecate the images whose later moment has come; one that is no longer AVAILABLE stays as it is."""
    now = world.clock()
    for note in world.every(FUTURE):
        if note.inner["at"] > now:
            continue
        with world.catalog(note.account, note.region) as catalog:
            image, current = catalog.own("image-build", note.id), catalog.own(FUTURE, note.id)
            if current is None or current.inner["at"] > now:
                continue
            if image is None or image.state != "AVAILABLE":
                catalog.remove(current)
                continue
            changed = change_image(catalog, image, "DEPRECATE", now)
            changed = catalog.save(changed.having(deprecationTime=iso(note.inner["at"])))
        tell_change(emit, image, changed)


def _outputs(image: Resource, status: str, amis: Collection[str]) -> dict[str, Any] | None:
    outputs = image.document.get("outputResources")
    if not outputs or not amis:
        return outputs
    shown = [
        {**each, "state": {"status": status}} if each.get("image") in amis else each for each in outputs.get("amis", ())
    ]
    return {**outputs, "amis": shown}
