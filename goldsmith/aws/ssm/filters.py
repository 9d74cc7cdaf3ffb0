"""Filters of parameters (SSM API reference, "ParameterStringFilter", "ParametersFilter")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from goldsmith.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

OPTIONS = {
    "Name": ("Equals", "BeginsWith", "Contains"),
    "Path": ("OneLevel", "Recursive"),
    "Type": ("Equals", "BeginsWith"),
    "KeyId": ("Equals", "BeginsWith"),
    "Tier": ("Equals",),
    "DataType": ("Equals",),
    "Label": ("Equals",),
}


class ParameterFilter(NamedTuple):
    """One filter: values are alternatives."""

    key: str
    option: str
    values: tuple[str, ...]


class ParameterFilters:
    """The filters of a request, of whose keys ``allowed`` are some; all must hold."""

    def __init__(self, asked: Sequence[Mapping[str, Any]] | None, allowed: Iterable[str]) -> None:
        self._allowed = tuple(allowed)
        self.filters = [self._read(each) for each in asked or ()]

    @property
    def label(self) -> str:
        """The label that is asked for, "" for none."""
        return next((each.values[0] for each in self.filters if each.key == "Label"), "")

    def match(self, parameter: Resource, catalog: Catalog) -> bool:
        """Tell whether a parameter passes all filters but that by label."""
        return all(_matches(each, parameter, catalog) for each in self.filters if each.key != "Label")

    def _read(self, asked: Mapping[str, Any]) -> ParameterFilter:
        key = str(asked["Key"])
        if not any(key == allowed or (allowed == "tag:" and key.startswith("tag:")) for allowed in self._allowed):
            raise AwsError("InvalidFilterKey", f"The filter key {key[:132]} is not valid here.")
        options = OPTIONS.get(key, ("Equals",))
        option = asked.get("Option") or ("OneLevel" if key == "Path" else "Equals")
        if option not in options:
            raise AwsError("InvalidFilterOption", f"The option of the filter {key} is one of {', '.join(options)}.")
        values = tuple(asked.get("Values") or ())
        if not values and not key.startswith("tag:"):
            raise AwsError("InvalidFilterValue", f"The filter {key} must have a value.")
        return ParameterFilter(key, option, values)


def _matches(asked: ParameterFilter, parameter: Resource, catalog: Catalog) -> bool:
    if asked.key.startswith("tag:"):
        tags = catalog.tags(parameter)
        value = tags.get(asked.key[4:])
        return value is not None and (not asked.values or value in asked.values)
    if asked.key == "Path":
        return any(_is_below(parameter.name, path, deep=asked.option == "Recursive") for path in asked.values)
    text = parameter.name if asked.key == "Name" else str(parameter.document.get(asked.key) or "")
    return any(_compare(text, value, asked.option) for value in asked.values)


def _compare(text: str, value: str, option: str) -> bool:
    if option == "Contains":
        return value in text
    if option == "BeginsWith":
        return text.startswith((value, f"/{value}"))
    return text == value


def _is_below(name: str, path: str, *, deep: bool) -> bool:
    prefix = path if path.endswith("/") else f"{path}/"
    rest = name.removeprefix("/") if prefix == "/" else name.removeprefix(prefix)
    return (prefix == "/" or rest != name) and (deep or "/" not in rest)
