"""Names of container images: as the distribution project's grammar has them, with what Docker takes for granted."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

from goldsmith.errors import GoldsmithError

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*")
LONGEST = 255
DOCKER_HUB = "docker.io"
"""The registry of a name that says none: it is part of how names are read."""

_REFERENCE = re.compile(
    rf"(?:(?P<host>localhost(?::[0-9]+)?|[A-Za-z0-9.-]+(?::[0-9]+|\.[A-Za-z0-9-]+(?::[0-9]+)?))/)?"
    rf"(?P<path>{REPOSITORY.pattern})(?::(?P<tag>{TAG.pattern}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?"
)
_ECR = re.compile(r"[0-9]{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")


class ReferenceFault(GoldsmithError):  # noqa: N818 - what it says is what a person reads
    """A text is no name of a container image, a repository or a tag."""


@dataclass(frozen=True)
class Reference:
    """An image in a registry: ``host`` with its port, ``path`` of the repository, and ``tag`` or ``digest``."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name as docker pull does: "debian" is docker.io/library/debian:latest.

        It may stand behind ``oci://`` or ``docker://``. Raises ReferenceFault.
        """
        name = text.removeprefix("docker://").removeprefix("oci://")
        found = _REFERENCE.fullmatch(name)
        if not found or len(text) > 2 * LONGEST:
            raise ReferenceFault(
                f"{text[:80]!r} is no name of a container image.",
                mend="Write it as registry/repository:tag, or give the ARN of a container image made here.",
            )
        host, path, digest = found["host"] or DOCKER_HUB, found["path"], found["digest"] or ""
        if host == DOCKER_HUB and "/" not in path:
            path = f"library/{path}"
        return cls(host, path, found["tag"] or ("" if digest else "latest"), digest)

    def __str__(self) -> str:
        pinned = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"{self.host}/{self.path}{pinned}"

    @property
    def ecr_region(self) -> str:
        """The region whose ECR this is, "" for any other registry."""
        found = _ECR.fullmatch(self.host)
        return found["region"] if found else ""

    @property
    def is_loopback(self) -> bool:
        """Whether the registry is on this host, where Docker asks for no TLS."""
        name = self.host.rpartition(":")[0] or self.host
        try:
            return name == "localhost" or ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False


def require_repository(name: str) -> str:
    """Return a repository's name as it is. Raises ReferenceFault for one that no registry takes."""
    if not REPOSITORY.fullmatch(name) or len(name) > LONGEST:
        raise ReferenceFault(
            f"The target repository {name[:80]!r} is no repository's name.",
            mend="Use lower-case letters and digits, with . _ - between them, and / between parts.",
        )
    return name


def require_tag(tag: str) -> str:
    """Return a tag as it is. Raises ReferenceFault for one that no registry takes."""
    if not TAG.fullmatch(tag):
        raise ReferenceFault(
            f"The container tag {tag[:80]!r} is no tag.",
            mend="Use up to 128 letters, digits and . _ -, and none of . and - at the beginning.",
        )
    return tag
