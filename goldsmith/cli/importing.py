"""`goldsmith import`: a disk from elsewhere becomes an image here, and what was found on it is told."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

from goldsmith.catalog.images import AVAILABLE, ImageStore
from goldsmith.cli.images import describe
from goldsmith.cli.output import UsageError, print_json_line, print_table
from goldsmith.cli.view import choose_view
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.importing import ImportRequest, import_image

CONTAINERS = ("oci:", "docker:", "oci-archive:", "docker-archive:")


def run_import(file: str, *, name: str, version: str, kind: str, boot: bool, plain_http: bool, as_json: bool) -> None:
    """Import and print what came of it. Raises GoldsmithError for what cannot be an image here, and why."""
    if not file.startswith(CONTAINERS) and not Path(file).is_file():
        raise UsageError(f"There is no file {file}.", mend="Check the path; a container image's folder is oci:FOLDER.")
    home = Home.default().ready()
    view = choose_view(as_json=as_json)
    try:
        made = import_image(ImportRequest(file, name, version, kind, boot=boot, plain_http=plain_http), home, view)
    except GoldsmithError as error:
        if as_json:
            print_json_line({"event": "Failed", "message": error.message, "mend": error.mend})
        raise
    finally:
        view.close()
    ami = _catalogue(home) if made.image.status == AVAILABLE else ""
    if as_json:
        seen = {key: value for key, value in asdict(made.examination).items() if key != "packages"}
        facts = {"path": str(made.folder), **asdict(made.image), "examination": seen, **({"ami": ami} if ami else {})}
        print_json_line({"event": "Imported", **facts})
        return
    if made.examination.findings:
        print_table(
            ("FINDING", "WHAT", "WHAT TO DO"),
            [(each.severity, each.message, each.mend) for each in made.examination.findings],
        )
    for line in describe(made.image, ImageStore(home.images)):
        print(line)
    if ami:
        print(f"  ami         {ami}")
    print(f"\nNext: parentImage: {made.image.name}/x.x.x in a recipe", file=sys.stderr)


def _catalogue(home: Home) -> str:
    """Make an AMI of what was imported, where the home has a catalogue; return its id, empty for none."""
    if not (home.path / "catalog.sqlite").exists():
        return ""
    from goldsmith.aws.baked_images import adopt
    from goldsmith.aws.cloud import Cloud

    cloud = Cloud.open(home)
    try:
        return next(reversed(adopt(cloud)), "")
    finally:
        cloud.close()
