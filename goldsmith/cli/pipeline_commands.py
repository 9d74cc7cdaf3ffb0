"""`goldsmith pipeline`: its commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

pipeline_app = typer.Typer(help="Image Builder's pipelines: applied, run, followed.", no_args_is_help=True)

Pipeline = Annotated[str, typer.Argument(help="A pipeline's name or ARN.", metavar="PIPELINE")]
Image = Annotated[str, typer.Argument(help="NAME[/VERSION[/BUILD]], an ARN or a pipeline's name.", metavar="IMAGE")]
Wait = Annotated[bool, typer.Option("--wait", help="Follow the server's build to its end.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@pipeline_app.command("apply", epilog="Example: goldsmith pipeline apply web-server.yml --yes")
def apply_file(
    path: Annotated[str, typer.Argument(help="A pipeline file, a template, a component or a folder.", metavar="FILE")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be done.")] = False,
    parameters: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="A template's parameter.", metavar="NAME=VALUE")
    ] = None,
    parent: Annotated[
        str, typer.Option(help="The parent image of recipes whose own is not here, as debian/12.", metavar="IMAGE")
    ] = "",
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Leave components out that are not here.")
    ] = False,
    json: Json = False,
) -> None:
    """Make the catalogue's pipelines as files and templates say."""
    from goldsmith.cli.apply import Request
    from goldsmith.cli.apply import apply as apply_files
    from goldsmith.cli.applying.parts import Replacements

    apply_files(Request(path, yes, plan, tuple(parameters or ()), Replacements(parent, skip_missing), as_json=json))


@pipeline_app.command("list", epilog="Example: goldsmith pipeline list")
def list_all(json: Json = False) -> None:
    """List the pipelines with their schedules and last runs."""
    from goldsmith.cli.pipelines import list_pipelines

    list_pipelines(as_json=json)


@pipeline_app.command(epilog="Example: goldsmith pipeline show web-server")
def show(pipeline: Pipeline, json: Json = False) -> None:
    """Show a pipeline, its last images and why it would build."""
    from goldsmith.cli.pipelines import show_pipeline

    show_pipeline(pipeline, as_json=json)


@pipeline_app.command(epilog="Example: goldsmith pipeline images web-server")
def images(pipeline: Pipeline, json: Json = False) -> None:
    """List a pipeline's images, newest first."""
    from goldsmith.cli.pipelines import list_images

    list_images(pipeline, as_json=json)


@pipeline_app.command(epilog="Example: goldsmith pipeline run web-server --wait")
def run(
    pipeline: Pipeline,
    wait: Wait = False,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="A tag of the image.", metavar="KEY=VALUE")] = None,
    json: Json = False,
) -> None:
    """Build a pipeline's image now; without a server, in this process."""
    from goldsmith.cli.pipelines import run_pipeline

    run_pipeline(pipeline, wait=wait, tags=tags or [], as_json=json)


@pipeline_app.command(epilog="Example: goldsmith pipeline logs -f web-server")
def logs(
    image: Image,
    following: Annotated[bool, typer.Option("--follow", "-f", help="Go on until its build is over.")] = False,
) -> None:
    """Print an image's log, or that of a pipeline's newest."""
    from goldsmith.cli.pipelines import show_logs

    show_logs(image, following=following)


@pipeline_app.command(epilog="Example: goldsmith pipeline cancel web-server")
def cancel(image: Image, json: Json = False) -> None:
    """End the build of an image that is not over."""
    from goldsmith.cli.pipelines import cancel_image

    cancel_image(image, as_json=json)


@pipeline_app.command(epilog="Example: goldsmith pipeline retry web-server/1.0.1/2")
def retry(image: Image, wait: Wait = False, json: Json = False) -> None:
    """Try a failed or cancelled image again."""
    from goldsmith.cli.pipelines import retry_image

    retry_image(image, wait=wait, as_json=json)


@pipeline_app.command(epilog="Example: goldsmith pipeline approve web-server --reason 'looks right'")
def approve(
    image: Image,
    stop: Annotated[bool, typer.Option("--stop", help="Refuse: the step fails.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the step's outputs.")] = "",
    json: Json = False,
) -> None:
    """Answer the step that an image's build waits at."""
    from goldsmith.cli.pipelines import approve as approve_image

    approve_image(image, stop=stop, reason=reason, as_json=json)
