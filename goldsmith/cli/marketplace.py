"""`goldsmith marketplace`: AMIs offered to every account, and who has subscribed to them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from goldsmith.catalog import marketplace
from goldsmith.cli.here import here
from goldsmith.cli.output import print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from goldsmith.catalog.marketplace import Product


def publish(
    images: Sequence[str], *, name: str, price: str, code: str, account: str, region: str, as_json: bool
) -> None:
    """Offer AMIs under a product code."""
    with here(account=account, region=region) as mine, mine.cloud.catalog(mine.account, mine.region) as catalog:
        product = marketplace.publish(catalog, images, name, price=price, code=code)
    if as_json:
        print_json(asdict(product))
        return
    print(f"{product.name} is offered as {product.code}, with {len(product.images)} AMIs.")
    print(f"Subscribe: goldsmith marketplace subscribe {product.code} --account NAME")


def list_products(*, account: str, as_json: bool) -> None:
    """Print every product, and whether the account has subscribed to it."""
    with here(account=account) as mine, mine.cloud.catalog(mine.account, mine.region, writes=False) as catalog:
        products = marketplace.all_products(catalog)
    if as_json:
        print_json([asdict(each) for each in products])
        return
    rows = [
        (each.code, each.name, each.owner, each.price or "-", str(len(each.images)), _standing(each, mine.account.id))
        for each in products
    ]
    print_table(("PRODUCT", "NAME", "OWNER", "PRICE", "AMIS", "SUBSCRIBED"), rows)


def subscribe(code: str, *, account: str, as_json: bool) -> None:
    """Subscribe an account to a product."""
    with here(account=account) as mine, mine.cloud.catalog(mine.account, mine.region) as catalog:
        product = marketplace.subscribe(catalog, code)
    _tell(product, f"{mine.account.name} is subscribed to {product.name} and can launch its AMIs.", as_json=as_json)


def unsubscribe(code: str, *, account: str, as_json: bool) -> None:
    """End an account's subscription of a product."""
    with here(account=account) as mine, mine.cloud.catalog(mine.account, mine.region) as catalog:
        product = marketplace.unsubscribe(catalog, code)
    _tell(product, f"{mine.account.name} is not subscribed to {product.name}.", as_json=as_json)


def _standing(product: Product, account: str) -> str:
    if product.owner == account:
        return "own"
    return "yes" if product.subscribed else "no"


def _tell(product: Product, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(product))
    else:
        print(sentence)
