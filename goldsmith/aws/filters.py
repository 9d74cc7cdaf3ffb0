"""Filters: values are alternatives, filters must all hold; * and ? are wildcards (EC2 API reference, "Filter")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jmespath

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_VALUES = 200
"""Values of one request's filters."""

_SPECIAL = re.compile(r"[*?\\]")


@dataclass(frozen=True)
class Filter:
    """One filter: its name in kebab case and its values."""

    name: str
    values: tuple[str, ...]

    def matches(self, value: Any) -> bool:
        """Tell whether a value, or one of several, is among the filter's."""
        texts = [_text(each) for each in (value if isinstance(value, list) else [value]) if each is not None]
        return any(_pattern(wanted).fullmatch(text) for wanted in self.values for text in texts)

    @property
    def exact(self) -> tuple[str, ...] | None:
        """The values where none has a wildcard, else None: what an index can look up."""
        return None if any(_SPECIAL.search(value) for value in self.values) else self.values

    @property
    def prefix(self) -> str:
        """The beginning that all matching texts have, where there is one value."""
        return _SPECIAL.split(self.values[0])[0] if len(self.values) == 1 else ""


class Filters:
    """The filters of one request, checked against ``known``: filter names to JMESPath expressions.

    An expression is asked of the answer's own item; "tag:…" and "tag-key" are asked of its Tags.
    """

    def __init__(self, asked: Sequence[Mapping[str, Any]] | None, known: Mapping[str, str]) -> None:
        self._known = known
        self.filters = [self._read(each) for each in asked or ()]
        if sum(len(each.values) for each in self.filters) > MOST_VALUES:
            raise AwsError("FilterLimitExceeded", f"The maximum number of filter values is {MOST_VALUES}.")

    def __iter__(self) -> Any:
        return iter(self.filters)

    def __bool__(self) -> bool:
        return bool(self.filters)

    def named(self, name: str) -> Filter | None:
        """Return the filter of that name, if the request has just one."""
        found = [each for each in self.filters if each.name == name]
        return found[0] if len(found) == 1 else None

    def exact(self, name: str) -> tuple[str, ...]:
        """Return the values of a filter that an index can look up, () where it has none."""
        found = self.named(name)
        return (found.exact or ()) if found else ()

    def exact_tags(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return the tags that all matches have, as a catalogue's query takes them."""
        pairs: list[tuple[str, tuple[str, ...]]] = []
        for each in self.filters:
            if each.name.startswith("tag:") and not _SPECIAL.search(each.name):
                pairs.append((each.name[4:], each.exact or ()))
            elif each.name == "tag-key" and each.exact and len(each.exact) == 1:
                pairs.append((each.exact[0], ()))
        return tuple(pairs)

    def match(self, item: Mapping[str, Any]) -> bool:
        """Tell whether an item of the answer passes all filters."""
        return all(each.matches(self._look(each, item)) for each in self.filters)

    def _look(self, asked: Filter, item: Mapping[str, Any]) -> Any:
        tags = item.get("Tags") or ()
        if asked.name.startswith("tag:"):
            return [tag["Value"] for tag in tags if tag["Key"] == asked.name[4:]]
        if asked.name == "tag-key":
            return [tag["Key"] for tag in tags]
        if asked.name == "tag-value":
            return [tag["Value"] for tag in tags]
        return _compiled(self._known[asked.name]).search(item)

    def _read(self, asked: Mapping[str, Any]) -> Filter:
        name = asked.get("Name")
        if not name:
            raise AwsError("InvalidParameterValue", "A filter needs a name.")
        if not name.startswith("tag:") and name not in {"tag-key", "tag-value"}:
            kebab = name if name in self._known else re.sub(r"(?<=[a-z0-9])([A-Z])", r"-\1", name).lower()
            if kebab not in self._known:
                raise AwsError("InvalidParameterValue", f"The filter '{name[:200]}' is invalid")
            name = kebab
        values = tuple(asked.get("Values") or ())
        if not values:
            raise AwsError("InvalidParameterValue", f"The filter '{name[:200]}' must have at least one value.")
        return Filter(name, values)


def apply(
    asked: Sequence[Mapping[str, Any]] | None, known: Mapping[str, str], items: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the items that pass a request's filters."""
    filters = Filters(asked, known)
    return [item for item in items if filters.match(item)]


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


@lru_cache(maxsize=4096)
def _pattern(wildcards: str) -> re.Pattern[str]:
    """Return the expression of a text with wildcards; a backslash makes the next character ordinary.

    Runs of * are one, and each is possessive up to what follows, so that no pattern takes long on any text.
    """
    out: list[str] = []
    characters = iter(re.sub(r"(?<!\\)\*+", "*", wildcards))
    for character in characters:
        if character == "*":
            out.append(".*")
        elif character == "?":
            out.append(".")
        else:
            out.append(re.escape(next(characters, "\\") if character == "\\" else character))
    return re.compile("".join(out), re.DOTALL)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
