"""`goldsmith images` and `goldsmith show`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from goldsmith.catalog.images import UNTESTED, ImageStore
from goldsmith.cli.output import bytes_for_people, print_json, print_table
from goldsmith.pipelines.home import Home

if TYPE_CHECKING:
    from goldsmith.catalog.images import Image


def list_images(*, as_json: bool) -> None:
    """Print every image, the newest first."""
    store = ImageStore(Home.default().ready().images)
    found = store.all()
    if as_json:
        print_json([{**asdict(image), "path": str(store.path(image))} for image in found])
        return
    if not found:
        print("There are no images yet. Make one: goldsmith build examples/web-server/web-server.yml")
        return
    rows = [
        (
            image.reference,
            image.status,
            image.created[:16].replace("T", " "),
            image.parent_image,
            ", ".join(f"{disk.format} {bytes_for_people(disk.size)}" for disk in image.disks),
        )
        for image in found
    ]
    print_table(("IMAGE", "STATUS", "CREATED (UTC)", "PARENT", "DISKS"), rows)


def show_image(reference: str, *, packages: bool, as_json: bool) -> None:
    """Print one image's record."""
    store = ImageStore(Home.default().ready().images)
    image = store.find(reference)
    if as_json:
        print_json({**asdict(image), "path": str(store.path(image))})
        return
    for line in describe(image, store):
        print(line)
    if packages:
        rows = [
            (each["name"], each["version"], each["architecture"], ", ".join(each["licences"]))
            for each in image.packages
        ]
        print_table(("PACKAGE", "VERSION", "ARCHITECTURE", "LICENCES"), rows)


def describe(image: Image, store: ImageStore) -> list[str]:
    """Return the lines that tell a person about an image: where, what is in it, how it booted, what it passed."""
    folder = store.path(image)
    lines = [f"{image.reference}  {image.status}"]
    if image.description:
        lines.append(f"  {image.description}")
    lines += [f"  disk        {folder / disk.file} ({bytes_for_people(disk.size)})" for disk in image.disks]
    lines += [f"  sha256      {disk.sha256}  {disk.file}" for disk in image.disks]
    lines.append(f"  made from   {image.parent_image}, plan {image.plan[:12]}, {image.created}")
    components = ", ".join(each["name"] for each in image.components)
    lines.append(f"  contains    {len(image.packages)} packages{components and f'; {components}'}")
    lines += [
        f"  booted      {boot['firmware']} in {boot['seconds']:.1f} s ({boot['acceleration']})" for boot in image.boot
    ]
    if image.status == UNTESTED:
        lines.append("  booted      never here: imported with --no-boot, it is a parent for recipes and no AMI")
    elif not image.boot:
        lines.append("  booted      not tested: the pipeline turns image tests off")
    lines += [f"  test        {test['component']}: {test['steps']} steps passed" for test in image.tests]
    if image.status != UNTESTED:
        lines.append(f"  evidence    {folder / 'evidence'}")
    return lines
