"""The command line: `goldsmith build`, and what one does with the images that come of it."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from goldsmith.cli.event_commands import register as register_events
from goldsmith.cli.export_commands import NAMES
from goldsmith.cli.export_commands import register as register_export
from goldsmith.cli.import_commands import register as register_import
from goldsmith.cli.machines import register
from goldsmith.cli.marketplace_commands import marketplace_app
from goldsmith.cli.pipeline_commands import apply_file, pipeline_app
from goldsmith.cli.publish_commands import register as register_publish
from goldsmith.cli.template_commands import templates_app
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from types import FrameType

app = typer.Typer(
    name="goldsmith",
    help="The image factory that runs anywhere: golden machine images from EC2 Image Builder's own documents.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
component_app = typer.Typer(help="Validate, run and list component documents.", no_args_is_help=True)
app.add_typer(component_app, name="component")
storage_app = typer.Typer()
app.add_typer(storage_app, name="storage")
app.add_typer(marketplace_app, name="marketplace")
app.add_typer(templates_app, name="templates")
app.add_typer(pipeline_app, name="pipeline")

INTERRUPTED = 130
"""What Typer makes of Ctrl-C, as a shell does of SIGINT."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def _show_version(value: bool) -> None:
    if value:
        from goldsmith import __version__

        print(f"goldsmith {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: goldsmith build examples/web-server/web-server.yml --format qcow2,raw")
def build(
    pipeline: Annotated[str, typer.Argument(help="A pipeline file.", metavar="PIPELINE.yaml")],
    formats: Annotated[str, typer.Option("--format", help=f"Formats, separated by commas: {NAMES}.")] = "qcow2",
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Build every layer anew.")] = False,
    keep_failed: Annotated[
        bool, typer.Option("--keep-failed", help="Open a shell in the guest where a step failed.")
    ] = False,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--parameters", "-p", help="A parameter's value as name=value, for every component that has it."),
    ] = None,
    json: Json = False,
) -> None:
    """Bake a pipeline's image: build, clean, seal, boot, test."""
    from goldsmith.cli.build import run_build

    raise typer.Exit(
        run_build(
            pipeline,
            formats=formats,
            use_cache=not no_cache,
            keep_failed=keep_failed,
            parameters=parameters or [],
            as_json=json,
        )
    )


@app.command(epilog="Example: goldsmith images --public")
def images(
    amis: Annotated[bool, typer.Option("--amis", help="The account's own AMIs instead of this host's builds.")] = False,
    shared: Annotated[bool, typer.Option("--shared", help="AMIs that other accounts share with this one.")] = False,
    public: Annotated[bool, typer.Option("--public", help="AMIs that everybody may launch.")] = False,
    json: Json = False,
) -> None:
    """List the images of this host, or the catalogue's AMIs."""
    if amis or shared or public:
        from goldsmith.cli.amis import list_amis

        list_amis(which="public" if public else "shared" if shared else "own", as_json=json)
        return
    from goldsmith.cli.images import list_images

    list_images(as_json=json)


@app.command(epilog="Example: goldsmith show web-server")
def show(
    image: Annotated[str, typer.Argument(help="name, name/version or name/version/build.")],
    packages: Annotated[bool, typer.Option("--packages", help="List every package in it.")] = False,
    json: Json = False,
) -> None:
    """Show an image: its contents, boots and passed tests."""
    from goldsmith.cli.images import show_image

    show_image(image, packages=packages, as_json=json)


@app.command(epilog="Example: goldsmith validate examples/web-server/*.yml")
def validate(
    files: Annotated[list[str], typer.Argument(help="Component documents and pipeline files.", metavar="FILE…")],
    json: Json = False,
) -> None:
    """Check documents and tell every fault with its place."""
    from goldsmith.cli.validate import validate_files

    raise typer.Exit(validate_files(files, as_json=json))


@app.command(epilog="Example: goldsmith doctor")
def doctor(json: Json = False) -> None:
    """Check this host and say what mends it."""
    from goldsmith.cli.doctor import examine

    raise typer.Exit(examine(as_json=json))


@app.command(epilog="Example: goldsmith gc --days 7")
def gc(
    days: Annotated[
        float, typer.Option(help="Remove layers, packages and failed logs unused for that many days.")
    ] = 30,
    json: Json = False,
) -> None:
    """Remove what is old, and what killed builds left."""
    from goldsmith.cli.gc import collect

    collect(days=days, as_json=json)


@app.command(epilog="Example: goldsmith init --account acme")
def init(
    account: Annotated[str, typer.Option(help="The first account's name.")] = "main",
    account_id: Annotated[str, typer.Option(help="Its 12 digits; drawn if not given.")] = "",
    profile: Annotated[str, typer.Option(help="The AWS profile to write.")] = "goldsmith",
    endpoint: Annotated[str, typer.Option(help="Where the profile's clients find the APIs.")] = "http://127.0.0.1:8580",
    json: Json = False,
) -> None:
    """Make the catalogue, its first account and an AWS profile."""
    from goldsmith.cli.serve import initialise

    initialise(account=account, number=account_id, profile=profile, endpoint=endpoint, as_json=json)


@app.command(epilog="Example: goldsmith serve --port 8580")
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8580,
    certificate: Annotated[str, typer.Option("--tls-certificate", help="A PEM file with the certificate chain.")] = "",
    key: Annotated[str, typer.Option("--tls-key", help="A PEM file with its private key.")] = "",
) -> None:
    """Serve the EC2, EBS, Image Builder and other AWS APIs."""
    from goldsmith.cli.serve import serve as serve_apis

    serve_apis(host=host, port=port, certificate=certificate, key=key)


@storage_app.callback(invoke_without_command=True)
def storage(context: typer.Context, json: Json = False) -> None:
    """Show what the regions' block stores hold, share and take."""
    if context.invoked_subcommand is None:
        from goldsmith.cli.storage import show_storage

        show_storage(as_json=json)


@storage_app.command("check", epilog="Example: goldsmith storage check --repair")
def storage_check(
    region: Annotated[str, typer.Option(help="Only that region's store.")] = "",
    repair: Annotated[
        bool, typer.Option("--repair", help="Set damaged blocks aside, and take from other regions what they have.")
    ] = False,
    json: Json = False,
) -> None:
    """Read and verify every block, and tell which snapshots are hit by what is wrong."""
    from goldsmith.cli.storage import check_storage

    raise typer.Exit(check_storage(region=region, repair=repair, as_json=json))


app.command("apply", epilog="Example: goldsmith apply pipelines/ --yes")(apply_file)


@component_app.command("list", epilog="Example: goldsmith component list")
def component_list(json: Json = False) -> None:
    """List the managed components."""
    from goldsmith.cli.component import list_components

    list_components(as_json=json)


@component_app.command("validate", epilog="Example: goldsmith component validate hello.yml")
def component_validate(
    files: Annotated[list[str] | None, typer.Argument(help="Component documents.", metavar="FILE…")] = None,
    documents: Annotated[str, typer.Option("--documents", "-d", help="Documents, separated by commas.")] = "",
    blocked: Annotated[
        str, typer.Option("--blocked-action-modules", help="Modules to refuse, separated by commas.")
    ] = "",
) -> None:
    """Check component documents, as `awstoe validate` does."""
    from goldsmith.cli.component import validate_components

    raise typer.Exit(validate_components([*(files or []), *_words(documents)], blocked=_words(blocked)))


@component_app.command(
    "run",
    epilog="Example: goldsmith component run hello.yml --parameters Greeting=Hi --phases build,validate",
)
def component_run(
    files: Annotated[list[str] | None, typer.Argument(help="Component documents.", metavar="FILE…")] = None,
    documents: Annotated[str, typer.Option("--documents", "-d", help="Documents, separated by commas.")] = "",
    config: Annotated[str, typer.Option("--config", "-c", help="A JSON file of awstoe's run configuration.")] = "",
    phases: Annotated[str, typer.Option("--phases", "-p", help="Phases, separated by commas; all if omitted.")] = "",
    parameters: Annotated[str, typer.Option("--parameters", help="n1=v1,n2=v2")] = "",
    parent: Annotated[str, typer.Option(help="What to run on, in a sandbox that is thrown away.")] = "debian/12",
    host: Annotated[bool, typer.Option("--host", help="Run on this host itself, for better or worse.")] = False,
    execution_id: Annotated[str, typer.Option("--execution-id", "-i")] = "",
    log_directory: Annotated[str, typer.Option("--log-directory", "-l", help="Where the TOE_… folder goes.")] = "",
    state_directory: Annotated[str, typer.Option("--state-directory", "-s", help="Accepted; nothing is kept.")] = "",
    log_bucket: Annotated[str, typer.Option("--log-s3-bucket-name", "-b")] = "",
    log_bucket_owner: Annotated[str, typer.Option("--log-s3-bucket-owner")] = "",
    log_prefix: Annotated[str, typer.Option("--log-s3-key-prefix", "-k")] = "",
    blocked: Annotated[str, typer.Option("--blocked-action-modules")] = "",
    log_group: Annotated[str, typer.Option("--cw-log-group", help="CloudWatch log group for console.log.")] = "",
    log_stream: Annotated[str, typer.Option("--cw-log-stream", help="CloudWatch log stream for console.log.")] = "",
    log_region: Annotated[str, typer.Option("--cw-log-region", help="The log group's region.")] = "",
    ignore_log_failures: Annotated[
        bool, typer.Option("--cw-ignore-failures", help="Go on when CloudWatch refuses.")
    ] = False,
    document_owner: Annotated[
        str, typer.Option("--document-s3-bucket-owner", help="Account that owns the documents' bucket.")
    ] = "",
    trace: Annotated[bool, typer.Option("--trace", "-t", help="Print the whole log.")] = False,
) -> None:
    """Run component documents in a sandbox, as `awstoe run` does."""
    from goldsmith.cli.component import RunRequest, run_components
    from goldsmith.executor.configuration import RunConfiguration

    flags = RunConfiguration(
        phases=phases or None,
        execution_id=execution_id or None,
        log_directory=log_directory or None,
        state_directory=state_directory or None,
        log_s3_bucket_name=log_bucket or None,
        log_s3_bucket_owner=log_bucket_owner or None,
        log_s3_key_prefix=log_prefix or None,
        cw_log_group=log_group or None,
        cw_log_stream=log_stream or None,
        cw_log_region=log_region or None,
        cw_ignore_failures=ignore_log_failures or None,
        document_s3_bucket_owner=document_owner or None,
        trace=trace or None,
    )
    request = RunRequest(
        documents=(*(files or ()), *_words(documents)),
        flags=flags,
        config=config,
        parameters=parameters,
        parent=parent,
        host=host,
        blocked=_words(blocked),
    )
    raise typer.Exit(run_components(request))


register(app)
register_events(app)
register_publish(app)
register_export(app)
register_import(app)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _interrupt(number: int, _: FrameType | None) -> NoReturn:
    """Clean up as after Ctrl-C when a service manager or a closing terminal ends us."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _refuse(error: GoldsmithError) -> NoReturn:
    from goldsmith.cli.failures import told
    from goldsmith.pipelines.home import Home

    print(told(error, Home.default()), file=sys.stderr)
    sys.exit(error.exit_code)


def main() -> None:
    """Run the command line; a refusal is a sentence and an exit code, never a traceback."""
    from goldsmith.cli.programs import search_system_folders

    search_system_folders()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        app()
    except GoldsmithError as error:
        _refuse(error)
    except OSError as error:
        from goldsmith.cli.failures import sentence
        from goldsmith.pipelines.home import Home

        refusal = sentence(error, Home.default())
        if refusal is None:
            raise
        _refuse(refusal)
    except SystemExit as ending:
        if ending.code == INTERRUPTED:
            print("goldsmith: interrupted; nothing is left behind.", file=sys.stderr)
        raise
