"""A build's plan: everything that goes into an image, pinned and hashed before anything runs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from goldsmith.documents.expressions import ContextReference, ImdsReference, SsmReference, SsmResolve, parse_template
from goldsmith.trees.layers import LayerKey, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from goldsmith.blocks.store import BlockStore
    from goldsmith.documents.component import ComponentDocument
    from goldsmith.documents.image_tests import Firmware
    from goldsmith.trees.archives import ArchiveState
    from goldsmith.trees.distributions import Distribution

FORMAT = 1
"""Raised when the way of building changes, so that nothing older is taken for its result."""

BUILD_PHASES = ("build", "validate")

TOLD = (
    "IMAGE_VERSION",
    "IMAGE_BUILD_VERSION",
    "IMAGE_PIPELINE_ARN",
    "IMAGE_WORKFLOW_EXECUTION_ID",
    "IMAGE_STEP_EXECUTION_ID",
)
"""What a component's commands are told of the build in variables: it differs from build to build."""


@dataclass(frozen=True)
class BootstrapParent:
    """A distribution, as its archives are now."""

    distribution: Distribution
    states: tuple[ArchiveState, ...]
    format: int

    @property
    def key(self) -> LayerKey:
        """The key of the layer that holds the new tree."""
        parts = {"distribution": self.distribution.parent_image, "bootstrap": f"{self.format}.{FORMAT}"}
        parts["packages"] = digest_of(self.distribution.packages)
        parts |= {f"archive {state.uri}": state.sha256 for state in self.states}
        return LayerKey(f"parent {self.distribution.parent_image}", parts)

    @property
    def epoch(self) -> int:
        """The time that everything newer gets: when the newest of the indexes was made."""
        return max(state.date for state in self.states)


@dataclass(frozen=True)
class FileParent:
    """A disk or root archive: ``kind`` is that of its file's name; ``sha256`` is the file's."""

    file: Path
    kind: str
    sha256: str
    reference: str

    @property
    def key(self) -> LayerKey:
        """The key of the layer that holds the file's tree."""
        return LayerKey(f"parent {self.reference}", {"file": self.sha256, "kind": self.kind, "import": str(FORMAT)})


@dataclass(frozen=True)
class OciParent:
    """A container image's files: ``image`` is its whole name, ``digest`` its manifest's, ``plain`` without TLS."""

    image: str
    digest: str
    reference: str
    plain: bool = False

    @property
    def key(self) -> LayerKey:
        """The key of the layer that holds the image's files."""
        return LayerKey(f"parent {self.reference}", {"manifest": self.digest, "import": str(FORMAT)})


@dataclass(frozen=True)
class DiskParent:
    """The root disk of an AMI: ``map`` names its block map in ``store``; ``reference`` is the AMI's id."""

    map: str
    store: BlockStore
    reference: str

    @property
    def key(self) -> LayerKey:
        """The key of the layer that holds the disk's tree."""
        return LayerKey(f"parent {self.reference}", {"map": self.map, "import": str(FORMAT)})


Parent = BootstrapParent | FileParent | OciParent | DiskParent


@dataclass(frozen=True)
class PlannedComponent:
    """A component with its parameters' values; ``nested`` are the documents it runs, by digest."""

    reference: str
    document: ComponentDocument
    parameters: Mapping[str, str]
    nested: tuple[str, ...] = ()

    @property
    def builds(self) -> bool:
        """Whether it has something to do while the image is built."""
        return any(phase.name in BUILD_PHASES for phase in self.document.phases)

    @property
    def tests(self) -> bool:
        """Whether it has something to do in the booted machine."""
        return self.document.phase("test") is not None

    @cached_property
    def volatile(self) -> str:
        """Why its result may differ although nothing that went in has changed; empty where it may not."""
        told = next((name for name in TOLD if name in self.document.source), "")
        if told and self.builds:
            return f"it uses {told}"
        for phase in self.document.phases:
            for step in phase.steps:
                if phase.name not in BUILD_PHASES:
                    continue
                if step.action in {"S3Download", "S3Upload"}:
                    return f"{step.name} reads or writes S3"
                operations = step.inputs if isinstance(step.inputs, list) else []
                if step.action == "WebDownload" and not all("checksum" in each for each in operations):
                    return f"{step.name} downloads without a checksum"
                said = next(filter(None, map(_differing, _references(step.inputs))), "")
                if said:
                    return f"{step.name} {said}"
        return ""

    def key(self, parent: LayerKey) -> LayerKey:
        """The key of the layer that its build leaves on top of ``parent``."""
        return LayerKey(
            f"component {self.reference}",
            {
                "the layer below": parent.digest,
                "document": hashlib.sha256(self.document.source.encode()).hexdigest(),
                "parameters": digest_of(dict(self.parameters)),
                "nested documents": digest_of(self.nested),
            },
        )


_EVER_NEW = frozenset({"executionId", "dateTime", "uuid", "accountId", "region"})
"""What differs from build to build, or between those who build the same."""


def _differing(reference: object) -> str:
    """Say why a reference's value may differ from build to build; "" where it may not."""
    if isinstance(reference, SsmReference | SsmResolve):
        return "reads Parameter Store"
    if isinstance(reference, ImdsReference):
        return "reads instance metadata"
    if isinstance(reference, ContextReference) and reference.key in _EVER_NEW:
        return f"uses context:{reference.key}"
    return ""


def _references(value: object) -> Iterator[object]:
    """Yield the references in every string of a step's inputs."""
    if isinstance(value, str):
        yield from (part for part in parse_template(value) if not isinstance(part, str))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _references(each)


@dataclass(frozen=True)
class BuildPlan:
    """All that makes an image. ``seal`` holds what the sealing depends on: cleanup rules, skips, disk size."""

    name: str
    version: str
    description: str
    parent_image: str
    parent: Parent
    components: tuple[PlannedComponent, ...]
    working_directory: str
    skip_cleanup: frozenset[str]
    enable_cleanup: frozenset[str]
    remove_accounts: bool
    allow: tuple[str, ...]
    disk_bytes: int
    firmware: tuple[Firmware, ...]
    tests_enabled: bool
    test_minutes: int
    tags: Mapping[str, str]
    seal: Mapping[str, str]

    @cached_property
    def layers(self) -> tuple[tuple[PlannedComponent, LayerKey], ...]:
        """The components that build, each with its layer's key."""
        below, layers = self.parent.key, []
        for component in self.components:
            if component.builds:
                below = component.key(below)
                layers.append((component, below))
        return tuple(layers)

    @property
    def volatile(self) -> str:
        """Why the image cannot be taken from an earlier build; empty where it can."""
        return next((f"{each.reference}: {each.volatile}" for each in self.components if each.volatile), "")

    @property
    def identity(self) -> str:
        """What the disk's identifiers come from: the same for all versions of an image, so that they share blocks."""
        return disk_identity(self.name, self.parent_image)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that goes into the image and its tests."""
        top = self.layers[-1][1] if self.layers else self.parent.key
        tests = [
            [each.reference, each.document.source, dict(each.parameters)] for each in self.components if each.tests
        ]
        return digest_of(
            {
                "format": FORMAT,
                "name": self.name,
                "tree": top.digest,
                "seal": dict(self.seal),
                "skip": sorted(self.skip_cleanup),
                "enable": sorted(self.enable_cleanup),
                "accounts": self.remove_accounts,
                "allow": sorted(self.allow),
                "disk": self.disk_bytes,
                "tests": json.dumps(tests) if self.tests_enabled else "",
                "firmware": self.firmware,
            }
        )


def disk_identity(name: str, parent_image: str) -> str:
    """Return what a disk's identifiers come from, of the image's name and its recipe's ``parentImage``."""
    return digest_of({"name": name, "parent": parent_image})
