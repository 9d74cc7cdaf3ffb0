"""A pipeline's own log: what its schedule decided, a file a day (9.5: streams YYYY/MM/DD)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from goldsmith.pipelines.moments import iso

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.home import Home


def pipeline_log(home: Home, pipeline: Resource, moment: float) -> Path:
    """Return the file of a pipeline's log for the day, in UTC, of a moment in seconds."""
    day = datetime.fromtimestamp(moment, UTC)
    folder = home.path / "imagebuilder" / pipeline.account / pipeline.region / "pipelines" / pipeline.name
    return folder / f"{day:%Y}" / f"{day:%m}" / f"{day:%d}.log"


def write_line(home: Home, pipeline: Resource, moment: float, text: str) -> None:
    """Add a line to a pipeline's log: the moment, and a text whose own line breaks become spaces."""
    file = pipeline_log(home, pipeline, moment)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as log:
        log.write(f"{iso(moment)} {' '.join(text.split())}\n")
