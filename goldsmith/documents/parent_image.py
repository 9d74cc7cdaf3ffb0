"""What an image is built on: every form of a recipe's ``parentImage`` (6.1 and the local additions)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from goldsmith.documents.arns import Arn, ArnError
from goldsmith.documents.faults import near_name
from goldsmith.documents.versions import VersionError, VersionPattern
from goldsmith.errors import GoldsmithError

FileKind = Literal["qcow2", "raw", "vmdk", "vhd", "vhdx", "ova", "raw.xz", "raw.zst", "tar"]

DISTRIBUTIONS = {"debian": ("11", "12", "13")}

_CODENAMES = {"bullseye": "11", "bookworm": "12", "trixie": "13"}
_ENDINGS: dict[str, FileKind] = {
    ".qcow2": "qcow2",
    ".raw": "raw",
    ".img": "raw",
    ".vmdk": "vmdk",
    ".vhd": "vhd",
    ".vhdx": "vhdx",
    ".ova": "ova",
    ".raw.xz": "raw.xz",
    ".img.xz": "raw.xz",
    ".raw.zst": "raw.zst",
    ".img.zst": "raw.zst",
    ".tar": "tar",
    ".tar.gz": "tar",
    ".tgz": "tar",
    ".tar.xz": "tar",
    ".txz": "tar",
    ".tar.zst": "tar",
}
_REGISTRIES = ("oci://", "docker://")
_ARCHIVES = (".oci.tar", ".oci.tar.gz", ".oci")
_CONTAINERS = ("oci:", "oci-archive:", "docker-archive:")
_PATH_STARTS = ("./", "../", "/", "~/")
_AMI = re.compile(r"ami-[0-9a-f]{8,17}")
_CATALOGUE = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9_ -]{1,126}[A-Za-z0-9_-])/([0-9x]+\.[0-9x]+\.[0-9x]+(?:/[0-9]+)?)")
_NAME_OR_RELEASE = re.compile(r"([A-Za-z0-9_-]+)(?:/(.*))?")
_FORMS = (
    "Write debian/11, debian/12 or debian/13, a file such as ./disk.qcow2 or ./root.tar.zst, a container image such as"
    " oci://registry/repository:tag or oci:./layout, an image of the catalogue such as web-server/x.x.x, an image's"
    " ARN, an AMI id or ssm:<parameter>."
)


class ParentImageError(GoldsmithError):
    """A ``parentImage`` of no known form; ``meant`` is the near one, if any."""

    exit_code = 2

    def __init__(self, message: str, *, mend: str = _FORMS, meant: str = "") -> None:
        super().__init__(message, mend=mend)
        self.meant = meant


@dataclass(frozen=True)
class Bootstrap:
    """A distribution's release, made afresh from its package archives."""

    distribution: str
    release: str


@dataclass(frozen=True)
class LocalFile:
    """A disk or a root file system's archive; ``path`` as written, relative to the file that names it."""

    path: str
    kind: FileKind


@dataclass(frozen=True)
class ContainerImage:
    """A container image's files: ``transport`` is docker for a registry, or oci, oci-archive or docker-archive.

    ``name`` is the registry's name of it, or a path as written, relative to the file that names it, with what stands
    behind it (``:NAME``).
    """

    transport: str
    name: str

    def seen_from(self, folder: Path) -> str:
        """Return its whole name: a path is ``folder``'s."""
        if self.transport == "docker":
            return f"oci://{self.name}"
        return f"{self.transport}:{folder / Path(self.name).expanduser()}"


@dataclass(frozen=True)
class CatalogueImage:
    """An image of the local catalogue; the pattern holds the build's number when one is named."""

    name: str
    version: VersionPattern


@dataclass(frozen=True)
class ImageArn:
    """An Image Builder image."""

    arn: Arn


@dataclass(frozen=True)
class AmiId:
    """An AMI."""

    id: str


@dataclass(frozen=True)
class SsmParameter:
    """A parameter of the Parameter Store that holds an AMI's id: its name or ARN."""

    name: str


ParentImage = Bootstrap | LocalFile | ContainerImage | CatalogueImage | ImageArn | AmiId | SsmParameter


def parse_parent_image(value: str) -> ParentImage:
    """Return what a ``parentImage`` names; raises ParentImageError."""
    if value.startswith("arn:"):
        return _image_arn(value)
    if value.startswith("ssm:") and value != "ssm:":
        return SsmParameter(value.removeprefix("ssm:"))
    if _AMI.fullmatch(value):
        return AmiId(value)
    if found := _container_image(value) or _local_file(value):
        return found
    if match := _CATALOGUE.fullmatch(value):
        return _catalogue_image(match[1], match[2], value)
    return _bootstrap(value)


def _image_arn(value: str) -> ImageArn:
    try:
        arn = Arn.parse(value)
    except ArnError as error:
        raise ParentImageError(error.message, mend=error.mend) from None
    if arn.kind != "image":
        raise ParentImageError(f"'{value}' is the ARN of a {arn.kind}; a parent is an image.")
    return ImageArn(arn)


def _container_image(value: str) -> ContainerImage | None:
    registry = next((each for each in _REGISTRIES if value.startswith(each)), "")
    transport = next((each for each in _CONTAINERS if value.startswith(each)), "")
    if registry:
        found = ContainerImage("docker", value.removeprefix(registry))
    elif transport:
        found = ContainerImage(transport.removesuffix(":"), value.removeprefix(transport))
    elif value.lower().endswith(_ARCHIVES):
        found = ContainerImage("oci-archive", value)
    else:
        return None
    if not found.name:
        raise ParentImageError(
            f"'{value}' names no container image.",
            mend="Write oci://registry/repository:tag, oci:./layout, oci-archive:./file or docker-archive:./file.",
        )
    return found


def _local_file(value: str) -> LocalFile | None:
    lower = value.lower()
    kind = next((kind for ending, kind in _ENDINGS.items() if lower.endswith(ending)), None)
    if kind:
        return LocalFile(value, kind)
    if value.startswith(_PATH_STARTS):
        raise ParentImageError(
            f"'{value}' is a file of no known kind.",
            mend=f"A disk or root archive ends in {', '.join(_ENDINGS)}.",
        )
    return None


def _catalogue_image(name: str, version: str, value: str) -> CatalogueImage:
    try:
        return CatalogueImage(name, VersionPattern.parse(version))
    except VersionError as error:
        raise ParentImageError(f"'{value}' names no version: {error.message}", mend=error.mend) from None


def _bootstrap(value: str) -> Bootstrap:
    match = _NAME_OR_RELEASE.fullmatch(value)
    name, release = (match[1], match[2] or "") if match else ("", "")
    if name in DISTRIBUTIONS and release in DISTRIBUTIONS[name]:
        return Bootstrap(name, release)
    known = [f"{each}/{number}" for each, numbers in DISTRIBUTIONS.items() for number in numbers]
    if name in DISTRIBUTIONS:
        meant = f"{name}/{_CODENAMES[release]}" if release in _CODENAMES else ""
        mend = f"Known are {', '.join(known)}."
        raise ParentImageError(f"There is no '{value}' to bootstrap.", mend=mend, meant=meant)
    if match and not release:
        raise ParentImageError(f"'{value}' names an image without a version.", meant=f"{value}/x.x.x")
    raise ParentImageError(f"'{value[:200]}' is no parent image.", meant=near_name(value, known))
