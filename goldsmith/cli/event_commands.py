"""`goldsmith events`: its options."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: goldsmith events -f --type '*State Change'")(events)


def events(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last events.")] = 20,
    since: Annotated[str, typer.Option(help="All from a day on instead, as in 2026-11-23.")] = "",
    kind: Annotated[str, typer.Option("--type", help="Only these detail types; * stands for anything.")] = "*",
    resource: Annotated[str, typer.Option(help="Only those of an ARN that begins so.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print each as EventBridge's JSON, one a line.")] = False,
) -> None:
    """Show what happened to images and pipelines."""
    from goldsmith.cli.events import show_events

    show_events(follow=follow, lines=lines, since=since, kind=kind, resource=resource, as_json=json)
