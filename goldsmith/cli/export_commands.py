"""`goldsmith export`: the command and its options."""

from __future__ import annotations

from typing import Annotated

import typer

NAMES = (
    "qcow2, raw, vmdk, vmdk-sparse, vhd, vhdx, ova, raw.xz, raw.zst, root-tar, netboot, netboot-erofs, box, incus, "
    "glance, oci, docker-archive"
)
"""The names of all formats: the table itself is loaded only by what writes one."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", epilog="Example: goldsmith export web-server --format ova -o web-server.ova")(export_image)


def export_image(
    image: Annotated[str, typer.Argument(help="name, name/version, name/version/build, or an AMI.", metavar="IMAGE")],
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help=f"One of {NAMES}.")],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to; here, by the image's name, if empty.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is there.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read the file back and compare it with the image's disk.")
    ] = False,
    region: Annotated[str, typer.Option(help="Where an AMI is looked for; the default region if empty.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Write an image as a file, in any format."""
    from goldsmith.cli.exporting import ExportRequest, run_export

    run_export(ExportRequest(image, form, output, region, force=force, verify=verify), as_json=json)
