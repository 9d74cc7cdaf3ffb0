"""`goldsmith marketplace`: its commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

marketplace_app = typer.Typer(help="Offer AMIs to every account, and subscribe to them.", no_args_is_help=True)

Account = Annotated[str, typer.Option(help="The account that acts; the first of the catalogue if not given.")]
Code = Annotated[str, typer.Argument(help="A product code.", metavar="PRODUCT")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@marketplace_app.command(epilog="Example: goldsmith marketplace publish ami-0123456789abcdef0 --name 'Web server'")
def publish(
    images: Annotated[list[str], typer.Argument(help="AMIs of the account's own.", metavar="AMI…")],
    name: Annotated[str, typer.Option(help="The product's name.")],
    price: Annotated[str, typer.Option(help="What it costs, in words; nothing is billed.")] = "",
    product: Annotated[str, typer.Option(help="A product of the account's own to add to; a new one if empty.")] = "",
    account: Account = "",
    region: Annotated[str, typer.Option(help="The region of the AMIs.")] = "",
    json: Json = False,
) -> None:
    """Offer AMIs under a product code: everybody sees them, and launches them after subscribing."""
    from goldsmith.cli.marketplace import publish as publish_images

    publish_images(images, name=name, price=price, code=product, account=account, region=region, as_json=json)


@marketplace_app.command("list", epilog="Example: goldsmith marketplace list --account acme")
def list_products(account: Account = "", json: Json = False) -> None:
    """List the products, and whether the account has subscribed to them."""
    from goldsmith.cli.marketplace import list_products as show_products

    show_products(account=account, as_json=json)


@marketplace_app.command(epilog="Example: goldsmith marketplace subscribe PRODUCT --account acme")
def subscribe(product: Code, account: Account = "", json: Json = False) -> None:
    """Subscribe an account to a product, so that it can launch its AMIs."""
    from goldsmith.cli.marketplace import subscribe as subscribe_account

    subscribe_account(product, account=account, as_json=json)


@marketplace_app.command(epilog="Example: goldsmith marketplace unsubscribe PRODUCT --account acme")
def unsubscribe(product: Code, account: Account = "", json: Json = False) -> None:
    """End a subscription; instances that were launched live on."""
    from goldsmith.cli.marketplace import unsubscribe as unsubscribe_account

    unsubscribe_account(product, account=account, as_json=json)
