"""Container images that are kept on this host, as OCI archives: one for each tag, where no registry is set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goldsmith.oci.reference import require_repository, require_tag
from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.pipelines.home import Home

FOLDER = "containers"
_REGION = re.compile(r"[a-z0-9-]{1,40}")


def archive_place(home: Home, account: str, region: str, repository: str, tag: str) -> Path:
    """Return where the image of a tag is kept. Raises GoldsmithError for names that no registry takes."""
    return _folder(home, account, region) / require_repository(repository) / f"{require_tag(tag)}.tar"


def container_archive(home: Home, account: str, region: str, named: Path) -> Path:
    """Return a kept image's file as it is named. Raises ActionFailedError for any other file of the host."""
    folder = _folder(home, account, region).resolve()
    if not named.resolve().is_relative_to(folder) or not named.is_file():
        raise ActionFailedError(
            f"The parent image {named} is none of the container images that are kept here for the account.",
            mend="Name a registry's image, or the ARN of a container image made here.",
        )
    return named


def _folder(home: Home, account: str, region: str) -> Path:
    if not _REGION.fullmatch(region):
        raise ActionFailedError(f"{region[:40]!r} is no region.")
    return home.path / FOLDER / account / region
