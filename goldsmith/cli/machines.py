"""The commands on instances and AMIs, as Typer sees them; the work is in modules that load when one is given."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - Typer reads annotations at run time
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Instances = Annotated[list[str], typer.Argument(help="Instances by id or Name tag.", metavar="INSTANCE…")]
Instance = Annotated[str, typer.Argument(help="An instance by id or Name tag.")]
ImageName = Annotated[str, typer.Argument(help="An image by AMI id, name, Name tag, or NAME[/VERSION[/BUILD]].")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="KEY=VALUE, as often as needed.")]

account_app = typer.Typer(help="Accounts and the access keys of their users.", no_args_is_help=True)


def run(
    image: Annotated[str, typer.Argument(help="An image by AMI id, name, or NAME[/VERSION[/BUILD]].")] = "",
    template: Annotated[
        str, typer.Option(help="A launch template by id or name, with :VERSION if not its default.")
    ] = "",
    kind: Annotated[str, typer.Option("--type", help="Instance type; t3.small without a template.")] = "",
    name: Annotated[str, typer.Option(help="Its Name tag.")] = "",
    user_data: Annotated[str, typer.Option(help="A file with user data.")] = "",
    tags: Tags = None,
    ports: Annotated[str, typer.Option(help="Ports to open besides SSH's, separated by commas.")] = "",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the guest's SSH.")] = False,
    json: Json = False,
) -> None:
    """Launch an instance of an image."""
    from goldsmith.cli.instances import run_image

    run_image(
        image,
        template=template,
        kind=kind,
        name=name,
        user_data=user_data,
        tags=tags or [],
        ports=ports,
        wait=not no_wait,
        as_json=json,
    )


def instances(
    everything: Annotated[bool, typer.Option("--all", help="Terminated ones, too.")] = False, json: Json = False
) -> None:
    """List instances."""
    from goldsmith.cli.instances import list_instances

    list_instances(everything=everything, as_json=json)


def ssh(
    instance: Instance,
    command: Annotated[list[str] | None, typer.Argument(help="A command instead of a shell.")] = None,
    user: Annotated[str, typer.Option("--user", "-u", help="The image's user; admin on Debian.")] = "",
) -> None:
    """Log in to an instance."""
    from goldsmith.cli.instances import ssh as log_in

    log_in(instance, user=user, command=command or [])


def console(
    instance: Instance,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as long as it runs.")] = False,
    screenshot: Annotated[str, typer.Option(help="Save its screen to this JPEG file instead.")] = "",
) -> None:
    """Show an instance's console."""
    from goldsmith.cli.instances import show_console

    show_console(instance, follow=follow, screenshot=screenshot)


def start(instances: Instances) -> None:
    """Start stopped instances."""
    from goldsmith.cli.instances import change_state

    change_state(instances, "StartInstances", "running")


def stop(instances: Instances) -> None:
    """Stop instances: their guests shut down."""
    from goldsmith.cli.instances import change_state

    change_state(instances, "StopInstances", "stopped")


def terminate(instances: Instances) -> None:
    """End instances for good, with the volumes that go with them."""
    from goldsmith.cli.instances import change_state

    change_state(instances, "TerminateInstances", "terminated")


def capture(
    instance: Instance,
    name: Annotated[str, typer.Option(help="The new image's name.")],
    reboot: Annotated[bool, typer.Option("--reboot", help="Shut the guest down for it, and start it again.")] = False,
    description: Annotated[str, typer.Option(help="A description.")] = "",
    tags: Tags = None,
    json: Json = False,
) -> None:
    """Make an image of a running or stopped instance."""
    from goldsmith.cli.instances import capture as capture_instance

    capture_instance(instance, name=name, reboot=reboot, description=description, tags=tags or [], as_json=json)


def share(
    image: ImageName,
    accounts: Annotated[list[str] | None, typer.Argument(help="Accounts by name or id, organisations by ARN.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Everybody may launch it.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="They no longer may.")] = False,
) -> None:
    """Let other accounts launch an image."""
    from goldsmith.cli.amis import share as share_image

    share_image(image, accounts=accounts or [], public=public, remove=remove)


def copy(
    image: ImageName,
    to: Annotated[str, typer.Option("--to", help="The region to copy to.")],
    name: Annotated[str, typer.Option(help="Another name there.")] = "",
    json: Json = False,
) -> None:
    """Copy an image to another region."""
    from goldsmith.cli.amis import copy as copy_image

    copy_image(image, to=to, name=name, as_json=json)


def deprecate(
    image: ImageName,
    at: Annotated[str, typer.Option("--at", help="A date, a time, or 30d for in 30 days.")] = "1d",
    undo: Annotated[bool, typer.Option("--undo", help="Take the deprecation back.")] = False,
) -> None:
    """Tell that an image should be used no more."""
    from goldsmith.cli.amis import deprecate as deprecate_image

    deprecate_image(image, when=at, undo=undo)


def snapshots(json: Json = False) -> None:
    """List snapshots."""
    from goldsmith.cli.amis import list_snapshots

    list_snapshots(as_json=json)


@account_app.command("add", epilog="Example: goldsmith account add partner")
def account_add(
    name: Annotated[str, typer.Argument(help="The account's name.")],
    account_id: Annotated[str, typer.Option(help="Its 12 digits; drawn if not given.")] = "",
    organization: Annotated[str, typer.Option(help="The ARN of its organisation.")] = "",
    units: Annotated[list[str] | None, typer.Option("--unit", help="The ARN of an organisational unit.")] = None,
) -> None:
    """Add an account."""
    from goldsmith.cli.account import add_account

    add_account(name, number=account_id, organization=organization, units=units or [])


@account_app.command("list", epilog="Example: goldsmith account list")
def account_list(json: Json = False) -> None:
    """List accounts."""
    from goldsmith.cli.account import list_accounts

    list_accounts(as_json=json)


@account_app.command("key", epilog="Example: goldsmith account key partner --user ci --role builder --profile partner")
def account_key(
    name: Annotated[str, typer.Argument(help="The account by name or id.")],
    user: Annotated[str, typer.Option(help="Whose key it is.")] = "admin",
    role: Annotated[str, typer.Option(help="What it may do: reader, launcher, builder or admin.")] = "admin",
    profile: Annotated[str, typer.Option(help="Write it to this AWS profile instead of printing it.")] = "",
    endpoint: Annotated[str, typer.Option(help="Where the profile's clients find the APIs.")] = "http://127.0.0.1:8580",
    json: Json = False,
) -> None:
    """Make an access key."""
    from goldsmith.cli.account import make_key

    make_key(name, user=user, role=role, profile=profile, endpoint=endpoint, as_json=json)


@account_app.command("keys", epilog="Example: goldsmith account keys partner")
def account_keys(name: Annotated[str, typer.Argument(help="The account by name or id.")], json: Json = False) -> None:
    """List an account's keys."""
    from goldsmith.cli.account import list_keys

    list_keys(name, as_json=json)


@account_app.command("revoke", epilog="Example: goldsmith account revoke AKIA…")
def account_revoke(key: Annotated[str, typer.Argument(help="An access key's id.")]) -> None:
    """Make a key useless."""
    from goldsmith.cli.account import revoke

    revoke(key)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    examples: dict[Callable[..., None], str] = {
        run: "goldsmith run web-server --ports 80",
        instances: "goldsmith instances",
        ssh: "goldsmith ssh web -- systemctl status nginx",
        console: "goldsmith console web --follow",
        start: "goldsmith start web",
        stop: "goldsmith stop web",
        terminate: "goldsmith terminate web",
        capture: "goldsmith capture web --name web-configured",
        share: "goldsmith share web-configured partner",
        copy: "goldsmith copy web-configured --to eu-west-1",
        deprecate: "goldsmith deprecate web-configured --at 30d",
        snapshots: "goldsmith snapshots",
    }
    for command, example in examples.items():
        app.command(epilog=f"Example: {example}")(command)
    app.add_typer(account_app, name="account")
