"""What a person asks of a build, and what comes of it: light, so that an image that is there is named at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.catalog.images import ImageStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldsmith.catalog.images import Image
    from goldsmith.guests.guest import Guest
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.plan import BuildPlan


@dataclass(frozen=True)
class BuildRequest:
    """What a person asks for beside the plan itself."""

    formats: tuple[str, ...] = ("qcow2",)
    use_cache: bool = True
    on_failure: Callable[[Guest], None] | None = None


@dataclass(frozen=True)
class Built:
    """An image and where it is; ``unchanged`` when an earlier build of the same plan is it."""

    image: Image
    folder: Path
    unchanged: bool = False


def unchanged(plan: BuildPlan, home: Home, request: BuildRequest) -> Built | None:
    """Return the image that was made of the very same plan, in the formats that are asked for."""
    if not request.use_cache or plan.volatile:
        return None
    store = ImageStore(home.images)
    earlier = store.with_plan(plan.digest)
    if earlier and {disk.format for disk in earlier.disks} >= set(request.formats):
        return Built(earlier, store.path(earlier), unchanged=True)
    return None
