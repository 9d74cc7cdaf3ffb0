"""`goldsmith import`: the command and its options."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import", epilog="Example: goldsmith import disk.vmdk --name base")(import_file)


def import_file(
    file: Annotated[
        str,
        typer.Argument(
            help="A disk, a root archive, or oci:…, oci-archive:…, docker-archive:…, oci://…", metavar="FILE"
        ),
    ],
    name: Annotated[str, typer.Option(help="The image's name; the file's if empty.")] = "",
    version: Annotated[str, typer.Option(help="The image's version.")] = "1.0.0",
    kind: Annotated[str, typer.Option(help="The disk's kind, or tar; what the file's name says if empty.")] = "",
    no_boot: Annotated[bool, typer.Option("--no-boot", help="Keep it without a boot, as a parent and no AMI.")] = False,
    plain_http: Annotated[bool, typer.Option("--plain-http", help="The registry speaks no TLS.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Make an image of a disk or system from elsewhere."""
    from goldsmith.cli.importing import run_import

    run_import(file, name=name, version=version, kind=kind, boot=not no_boot, plain_http=plain_http, as_json=json)
