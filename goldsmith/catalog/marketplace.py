"""The marketplace: product codes under which owners offer AMIs, and who has subscribed to them.

Everybody sees the AMIs of a product; to launch them takes a subscription, except for the product's owner.
"""

from __future__ import annotations

import re
import secrets
import string
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from goldsmith.catalog.resources import EVERYBODY, LISTED, Query, Resource
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from goldsmith.catalog.catalog import Catalog

PRODUCT = "marketplace-product"
SUBSCRIPTION = "marketplace-subscription"
EVERYWHERE = "global"
"""The region of products and subscriptions: they hold in all regions."""

CODE = re.compile(r"[a-z0-9]{25}")


class MarketplaceError(GoldsmithError):
    """A product cannot be offered or subscribed to."""


@dataclass(frozen=True)
class Product:
    """A product: its code, name and price in words, the account that offers it, and its AMIs by region."""

    code: str
    name: str
    owner: str
    price: str
    images: tuple[tuple[str, str], ...]
    subscribed: bool


def publish(catalog: Catalog, images: Sequence[str], name: str, *, price: str = "", code: str = "") -> Product:
    """Offer AMIs of the caller's under a product code: that of a product of its own, or a fresh one.

    Raises MarketplaceError for AMIs that are not the caller's, not available, encrypted, or of another product.
    """
    products = catalog.elsewhere(EVERYWHERE)
    there = products.own(PRODUCT, code) if code else None
    if code and there is None:
        raise MarketplaceError(f"There is no product {code} of this account.", mend="Leave the code out for a new one.")
    code = code or "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(25))
    offered = [_offerable(catalog, image, code) for image in images]
    for image in offered:
        catalog.save(image.having(ProductCodes=[{"ProductCodeId": code, "ProductCodeType": "marketplace"}]))
        catalog.share(image, add=(LISTED,), remove=(EVERYBODY,))
    listed = {(catalog.region, image.id) for image in offered} | (set(_images(there)) if there else set())
    facts: dict[str, Any] = {"price": price, "images": [list(each) for each in sorted(listed)]}
    if there:
        products.save(replace(there.having(**facts), name=name))
    else:
        made = Resource(code, PRODUCT, catalog.account.id, EVERYWHERE, name, "available", time.time(), facts)
        products.share(products.add(made), add=(LISTED,))
    return _require_product(products, code)


def all_products(catalog: Catalog) -> list[Product]:
    """Return every product that is offered."""
    products = catalog.elsewhere(EVERYWHERE)
    return [_product(products, each) for each in products.find(Query(PRODUCT))]


def subscribe(catalog: Catalog, code: str) -> Product:
    """Subscribe the caller to a product; to do so again changes nothing. Raises MarketplaceError for no product."""
    products = catalog.elsewhere(EVERYWHERE)
    product = _require_product(products, code)
    if not product.subscribed:
        made = Resource(_subscription(products, code), SUBSCRIPTION, products.account.id, EVERYWHERE, code)
        products.add(made)
    return _require_product(products, code)


def unsubscribe(catalog: Catalog, code: str) -> Product:
    """End the caller's subscription of a product; what was launched lives on. Raises MarketplaceError for none."""
    products = catalog.elsewhere(EVERYWHERE)
    if there := products.own(SUBSCRIPTION, _subscription(products, code)):
        products.remove(there)
    return _require_product(products, code)


def missing_subscriptions(catalog: Catalog, image: Resource) -> list[str]:
    """Return the product codes of an AMI to which the caller is not subscribed, and which are not its own."""
    products = catalog.elsewhere(EVERYWHERE)
    return [
        code
        for code in product_codes(image)
        if products.own(PRODUCT, code) is None and products.own(SUBSCRIPTION, _subscription(products, code)) is None
    ]


def foreign_codes(catalog: Catalog, image: Resource) -> list[str]:
    """Return the product codes of an AMI that are not the caller's own."""
    products = catalog.elsewhere(EVERYWHERE)
    return [code for code in product_codes(image) if products.own(PRODUCT, code) is None]


def product_codes(image: Resource) -> list[str]:
    """Return the product codes of an AMI."""
    return [str(each["ProductCodeId"]) for each in image.document.get("ProductCodes", ())]


def _offerable(catalog: Catalog, identifier: str, code: str) -> Resource:
    image = catalog.own("image", identifier)
    if image is None or image.state != "available":
        raise MarketplaceError(
            f"{identifier} is no available AMI of this account in {catalog.region}.",
            mend="`goldsmith images` and `aws ec2 describe-images --owners self` list them.",
        )
    if any(mapping.get("Ebs", {}).get("Encrypted") for mapping in image.document.get("BlockDeviceMappings", ())):
        raise MarketplaceError(f"{identifier} is encrypted; nobody else could launch it.")
    if others := [each for each in product_codes(image) if each != code]:
        raise MarketplaceError(f"{identifier} has the product code {others[0]} already.")
    return image


def _require_product(products: Catalog, code: str) -> Product:
    found = products.get(PRODUCT, code) if CODE.fullmatch(code) else None
    if found is None:
        raise MarketplaceError(f"There is no product {code[:50]!r}.", mend="`goldsmith marketplace list` shows them.")
    return _product(products, found)


def _product(products: Catalog, found: Resource) -> Product:
    subscribed = products.own(SUBSCRIPTION, _subscription(products, found.id)) is not None
    price = str(found.document.get("price", ""))
    return Product(found.id, found.name, found.account, price, tuple(_images(found)), subscribed)


def _images(product: Resource) -> Iterable[tuple[str, str]]:
    return ((str(region), str(image)) for region, image in product.document.get("images", ()))


def _subscription(products: Catalog, code: str) -> str:
    return f"{products.account.id}/{code}"
