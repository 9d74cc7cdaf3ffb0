"""`goldsmith templates`: its commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

templates_app = typer.Typer(help="Launch templates: versioned blueprints of instances.")

Template = Annotated[str, typer.Argument(help="A launch template's name or id.", metavar="TEMPLATE")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Image = Annotated[str, typer.Option(help="An image's name or id, or resolve:ssm:PARAMETER.")]
Kind = Annotated[str, typer.Option("--type", help="An instance type.")]
Key = Annotated[str, typer.Option(help="A key pair's name.")]
Groups = Annotated[list[str] | None, typer.Option("--security-group", help="A security group's id.", metavar="SG…")]
UserData = Annotated[str, typer.Option(help="A file given to the instance as user data.", metavar="FILE")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A tag of the instances.", metavar="KEY=VALUE")]
Instance = Annotated[str, typer.Option("--from-instance", help="An instance, by name or id, to be like.")]
Data = Annotated[str, typer.Option("--data", help="A JSON file with AWS's launch template data.", metavar="FILE")]
Description = Annotated[str, typer.Option(help="What is new in this version.")]


@templates_app.callback(invoke_without_command=True)
def templates(context: typer.Context, json: Json = False) -> None:
    """List the launch templates."""
    from goldsmith.cli.templates import list_templates

    if context.invoked_subcommand is None:
        list_templates(as_json=json)


@templates_app.command("list", epilog="Example: goldsmith templates list")
def list_all(json: Json = False) -> None:
    """List the launch templates with what they launch."""
    from goldsmith.cli.templates import list_templates

    list_templates(as_json=json)


@templates_app.command(epilog="Example: goldsmith templates show web:2")
def show(
    template: Annotated[str, typer.Argument(help="TEMPLATE or TEMPLATE:VERSION.")],
    json: Json = False,
) -> None:
    """Show a version, by default the default one, and which there are."""
    from goldsmith.cli.templates import show_template

    show_template(template, as_json=json)


@templates_app.command(epilog="Example: goldsmith templates create web --image web-server --type t3.small")
def create(
    name: Annotated[str, typer.Argument(help="The template's name.")],
    image: Image = "",
    kind: Kind = "",
    key: Key = "",
    groups: Groups = None,
    user_data: UserData = "",
    tags: Tags = None,
    instance: Instance = "",
    data: Data = "",
    description: Description = "",
    json: Json = False,
) -> None:
    """Make a launch template."""
    from goldsmith.cli.templates import Blueprint, create_template

    blueprint = Blueprint(image, kind, key, tuple(groups or ()), user_data, tuple(tags or ()), instance, data)
    create_template(name, blueprint, description=description, as_json=json)


@templates_app.command(epilog="Example: goldsmith templates version web --image web-server --default")
def version(
    template: Template,
    image: Image = "",
    kind: Kind = "",
    key: Key = "",
    groups: Groups = None,
    user_data: UserData = "",
    tags: Tags = None,
    instance: Instance = "",
    data: Data = "",
    source: Annotated[str, typer.Option(help="The version to be like; empty for none.")] = "$Latest",
    default: Annotated[bool, typer.Option("--default", help="Make it the default.")] = False,
    description: Description = "",
    json: Json = False,
) -> None:
    """Add a version, like the latest but for what is given."""
    from goldsmith.cli.templates import Blueprint, add_version

    blueprint = Blueprint(image, kind, key, tuple(groups or ()), user_data, tuple(tags or ()), instance, data)
    add_version(template, blueprint, source=source, description=description, default=default, as_json=json)


@templates_app.command(epilog="Example: goldsmith templates default web 2")
def default(
    template: Template,
    version: Annotated[str, typer.Argument(help="A version's number, or $Latest.")],
) -> None:
    """Make a version the default."""
    from goldsmith.cli.templates import set_default

    set_default(template, version)


@templates_app.command(epilog="Example: goldsmith templates diff web 1 2")
def diff(
    template: Template,
    before: Annotated[str, typer.Argument(help="A version.")] = "$Default",
    after: Annotated[str, typer.Argument(help="A version.")] = "$Latest",
    json: Json = False,
) -> None:
    """Show what differs between two versions."""
    from goldsmith.cli.templates import diff_versions

    diff_versions(template, before, after, as_json=json)


@templates_app.command(epilog="Example: goldsmith templates delete web 1 2")
def delete(
    template: Template,
    versions: Annotated[list[str] | None, typer.Argument(help="Versions; all of it if none.")] = None,
) -> None:
    """Delete a template, or some of its versions."""
    from goldsmith.cli.templates import delete_template

    delete_template(template, versions or [])
