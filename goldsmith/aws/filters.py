"""Filters: values are alternatives, filters must all hold; * and ? are wildcards (EC2 API reference, "Filter")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jmespath

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MOST_VALUES = 200
"""Values of one request's filters."""

LONGEST_LIKE = 256
"""Characters of a pattern that a database is asked for; a longer one is matched here."""

_SPECIAL = re.compile(r"[*?\\]")


@dataclass(frozen=True)
class Filter:
    """One filter: its name in kebab case and its values; one without values matches nothing."""

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

    @property
    def like(self) -> tuple[str, ...]:
        """SQL's LIKE patterns, escaped by backslashes, that all matching texts match; () where they would be too long.

        SQL may match more, as some databases do not tell capitals from small letters.
        """
        return () if any(len(value) > LONGEST_LIKE for value in self.values) else tuple(map(_like, self.values))


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
            raise AwsError("InvalidParameterValue", "The filter 'null' is invalid")
        if not name.startswith("tag:") and name not in {"tag-key", "tag-value"}:
            kebab = name if name in self._known else re.sub(r"(?<=[a-z0-9])([A-Z])", r"-\1", name).lower()
            if kebab not in self._known:
                raise AwsError("InvalidParameterValue", f"The filter '{name[:200]}' is invalid")
            name = kebab
        return Filter(name, tuple(asked.get("Values") or ()))


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

    What follows a star is looked for once, at its first place, and never again (an atomic group): no pattern takes
    long on any text.
    """
    parts = [""]
    for kind, character in _characters(wildcards):
        if kind == "any":
            parts.append("")
        else:
            parts[-1] += "." if kind == "one" else re.escape(character)
    first, *others = parts
    if not others:
        return re.compile(first, re.DOTALL)
    *middle, last = others
    between = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"{first}{between}.*{last}", re.DOTALL)


def _like(wildcards: str) -> str:
    """Return a text with wildcards as SQL's LIKE has it, which escapes by backslashes."""
    wild = {"any": "%", "one": "_"}
    return "".join(
        wild.get(kind) or (f"\\{character}" if character in "%_\\" else character)
        for kind, character in _characters(wildcards)
    )


def _characters(wildcards: str) -> Iterator[tuple[str, str]]:
    """Yield what each character of a text with wildcards means: "any" text, "one" character, or itself ("")."""
    characters = iter(wildcards)
    for character in characters:
        if character == "\\":
            yield "", next(characters, "\\")
        else:
            yield {"*": "any", "?": "one"}.get(character, ""), character


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
