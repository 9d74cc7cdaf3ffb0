"""Lists in pages: a token says where the next one begins, and fits only the question that it was given for."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, TypeVar

from goldsmith.aws.errors import AwsError
from goldsmith.catalog.vault import VaultError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from goldsmith.aws.call import Call

T = TypeVar("T")
PAGE = "page"
TOKENS = ("NextToken", "nextToken", "Marker")
SIZES = ("MaxResults", "maxResults", "MaxItems", "MaxRecords")


def paginate(
    call: Call,
    parameters: Mapping[str, Any],
    items: Callable[[Any], Iterator[T]],
    mark: Callable[[T], Any],
    *,
    default: int = 0,
    most: int = 1000,
) -> tuple[list[T], dict[str, str]]:
    """Return one page and, where there are more, {"NextToken": …} for the answer.

    ``items`` yields what there is after a mark (None: from the beginning); ``mark`` gives an item's own, a JSON value.
    Without MaxResults the page holds ``default`` items, 0 for all. A size over ``most`` counts as ``most``.
    """
    asked = next((int(parameters[name]) for name in SIZES if parameters.get(name) is not None), 0)
    if asked < 0:
        raise AwsError("InvalidParameterValue", f"Value ( {asked} ) for parameter maxResults is invalid.")
    limit = min(asked, most) or default
    page: list[T] = []
    for item in items(_after(call, parameters)):
        if limit and len(page) == limit:
            token = call.cloud.vault.seal_text(PAGE, [_question(call, parameters), mark(page[-1])])
            return page, {"NextToken": token}
        page.append(item)
    return page, {}


def _after(call: Call, parameters: Mapping[str, Any]) -> Any:
    token = next((parameters[name] for name in TOKENS if parameters.get(name)), None)
    if token is None:
        return None
    try:
        question, after = call.cloud.vault.unseal_text(PAGE, token)
    except (VaultError, ValueError, TypeError):
        question, after = "", None
    if question != _question(call, parameters):
        raise AwsError("InvalidNextToken", "The pagination token is not valid for this request.")
    return after


def _question(call: Call, parameters: Mapping[str, Any]) -> str:
    asked = {name: value for name, value in parameters.items() if name not in {*TOKENS, *SIZES, "DryRun"}}
    text = json.dumps([call.account.id, call.region, call.operation.name, asked], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
