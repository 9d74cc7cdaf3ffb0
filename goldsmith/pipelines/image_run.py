"""What one build of an image knows from its first moment on: everything it refers to, resolved and pinned."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from goldsmith.pipelines.home import Home


@dataclass(frozen=True)
class PinnedComponent:
    """A component with its document's text and its parameters' values; ``arn`` is the build version's."""

    arn: str
    name: str
    text: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PinnedParent:
    """What the image is built on.

    ``kind`` is "bootstrap" (``reference`` debian/12), "ami" (``reference`` its id, ``map`` the name of its root disk's
    block map in the region's store), "file" (``reference`` an absolute path) or "container" (``reference`` an image).
    ``written`` is what the recipe says; ``image_arn`` that of the Image Builder image it came from, if any.
    """

    kind: str
    reference: str
    written: str
    map: str = ""
    image_arn: str = ""


@dataclass(frozen=True)
class ImageRun:
    """One build. ``recipe``, ``infrastructure`` and ``distribution`` are AWS's shapes as GetImage gives them.

    ``arn`` is the image build version's; ``version`` is "1.0.0", ``date_time`` the start in ISO 8601.
    ``kind`` is AMI or DOCKER. ``cleanup`` holds the local additions of a pipeline file (skip, enable, allow, accounts).
    """

    arn: str
    account: str
    region: str
    name: str
    slug: str
    version: str
    build: int
    date_time: str
    kind: str
    platform: str
    recipe: Mapping[str, Any]
    infrastructure: Mapping[str, Any]
    parent: PinnedParent
    components: tuple[PinnedComponent, ...]
    distribution: Mapping[str, Any] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    pipeline_arn: str = ""
    tests_enabled: bool = True
    collect_metadata: bool = True
    collect_findings: bool = False
    execution_role: str = ""
    cleanup: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `as_json` made a value of."""
        parent = PinnedParent(**value["parent"])
        components = tuple(PinnedComponent(**each) for each in value["components"])
        return cls(**{**value, "parent": parent, "components": components})

    def folder(self, home: Home) -> Path:
        """Return the folder of the build's logs and of what its sandboxes need to go on after a restart."""
        return image_folder(home, self.arn)


def image_folder(home: Home, arn: str) -> Path:
    """Return the folder of an image build version's logs and working state."""
    _, _, _, region, account, tail = arn.split(":", 5)
    _, slug, version, build = tail.split("/")
    return home.path / "imagebuilder" / account / region / slug / version / build
