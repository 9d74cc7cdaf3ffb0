"""Which packages of an image the archives that it comes from have in newer versions now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.pipelines.schedules.causes import Causes, Newer
from goldsmith.trees.debian_versions import version_key
from goldsmith.trees.distributions import debian, releases
from goldsmith.trees.offered import offered_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.world import World
    from goldsmith.trees.distributions import Archive

LONGEST_DESCENT = 20
"""Images that are looked at, each the parent of the one before, for the release that the first comes from."""

_DEBIAN = re.compile(r"debian[^0-9]{0,40}([0-9]{2})", re.IGNORECASE)


def newer_packages(world: World, image: Resource) -> tuple[tuple[Newer, ...], tuple[Newer, ...]]:
    """Return the image's packages that the archives offer newer, and of them those that it was built for in vain.

    There are none for an image whose packages are not known, or that is not known to be a Debian. Raises ArchiveError.
    """
    with world.catalog(image.account, image.region, writes=False) as catalog:
        kept = catalog.own("image-packages", image.id)
        archives = archives_of(catalog, image)
    installed = kept.document.get("packages", ()) if kept else ()
    if not installed or not archives:
        return (), ()
    found = compare(installed, offered_versions(archives, world.home.archives))
    return split_tried(found, image)


def compare(installed: Iterable[Mapping[str, Any]], offered: Mapping[str, str]) -> list[Newer]:
    """Return the packages (ImagePackage shapes) that are offered in a newer version, by name."""
    newer = []
    for package in installed:
        name, version = str(package.get("packageName", "")), str(package.get("packageVersion", ""))
        now = offered.get(name, "")
        if now and version and now != version and version_key(version) < version_key(now):
            newer.append(Newer(name, version, now))
    return sorted(newer, key=lambda each: each.name)


def split_tried(found: Sequence[Newer], image: Resource) -> tuple[tuple[Newer, ...], tuple[Newer, ...]]:
    """Part newer packages into new ones and those that the image, or one before it, was built for without getting them.

    A recipe on a finished parent may have nothing that upgrades packages: without this it would build for ever.
    """
    because = Causes.from_json(image.inner.get("because", {}))
    tried = {(each.name, each.now) for each in (*because.packages, *because.passed_over)}
    return (
        tuple(each for each in found if (each.name, each.now) not in tried),
        tuple(each for each in found if (each.name, each.now) in tried),
    )


def archives_of(catalog: Catalog, image: Resource) -> tuple[Archive, ...]:
    """Return the archives of the Debian that an image descends from; none for another system."""
    release = release_of(catalog, image)
    return debian(release).archives if release in releases() else ()


def release_of(catalog: Catalog, image: Resource) -> str:
    """Return the Debian release that an image descends from by its parents, or else is by what was collected; or ""."""
    current: Resource | None = image
    for _ in range(LONGEST_DESCENT):
        if current is None:
            break
        parent = current.inner.get("parent", {})
        if parent.get("kind") == "bootstrap":
            name, _, release = str(parent.get("reference", "")).partition("/")
            return release if name == "debian" else ""
        current = catalog.get("image-build", parent["image_arn"]) if parent.get("image_arn") else None
    match = _DEBIAN.search(str(image.document.get("osVersion", "")))
    return match[1] if match else ""
