"""Filters of parameters (SSM API reference, "ParameterStringFilter", "ParametersFilter"), in AWS's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from goldsmith.aws.errors import AwsError
from goldsmith.aws.ssm.names import require_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource

OPTIONS = {
    "Name": ("BeginsWith", "Equals", "Contains"),
    "Path": ("Recursive", "OneLevel"),
    "Label": ("Equals",),
}
OTHERS = ("BeginsWith", "Equals")
VALUES = {
    "Tier": ("Standard", "Advanced", "Intelligent-Tiering"),
    "Type": ("String", "StringList", "SecureString"),
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
        keys = [each.key for each in self.filters]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise AwsError(
                "InvalidFilterKey",
                f"The following filter is duplicated in the request: {twice[0]}. A request can contain only one "
                "occurrence of a specific filter.",
            )

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
            known = ", ".join(name for name in self._allowed if name != "tag:")
            raise AwsError(
                "InvalidFilterKey",
                f"The following filter key is not valid: {key}. Valid filter keys include: [{known}]",
            )
        values = tuple(asked.get("Values") or ())
        if not values and not key.startswith("tag:"):
            raise AwsError("InvalidFilterValue", f"The following filter values are missing : null for filter key {key}")
        option = asked.get("Option") or ("OneLevel" if key == "Path" else "Equals")
        if option not in (options := OPTIONS.get(key, OTHERS)):
            raise AwsError(
                "InvalidFilterOption",
                f"The following filter option is not valid: {option}. Valid options include: [{', '.join(options)}]",
            )
        _require_values(key, option, values)
        return ParameterFilter(key, option, values)


def _require_values(key: str, option: str, values: tuple[str, ...]) -> None:
    for value in values:
        if key == "Path":
            require_path(value)
        elif key in VALUES and option == "Equals" and value not in VALUES[key]:
            raise AwsError(
                "InvalidFilterValue",
                f"The following filter value is not valid: {value}. Valid values include: [{', '.join(VALUES[key])}]",
            )


def _matches(asked: ParameterFilter, parameter: Resource, catalog: Catalog) -> bool:
    if asked.key.startswith("tag:"):
        tags = catalog.tags(parameter)
        tag = tags.get(asked.key[4:])
        return tag is not None and (not asked.values or any(_compare(tag, each, asked.option) for each in asked.values))
    if asked.key == "Path":
        return any(_is_below(parameter.name, path, deep=asked.option == "Recursive") for path in asked.values)
    if asked.key == "Name":
        name = f"/{parameter.name.removeprefix('/')}"
        values = asked.values if asked.option == "Contains" else (f"/{each.removeprefix('/')}" for each in asked.values)
        return any(_compare(name, value, asked.option) for value in values)
    text = str(parameter.document.get(asked.key) or "")
    return any(_compare(text, value, asked.option) for value in asked.values)


def _compare(text: str, value: str, option: str) -> bool:
    if option == "Contains":
        return value in text
    if option == "BeginsWith":
        return text.startswith(value)
    return text == value


def _is_below(name: str, path: str, *, deep: bool) -> bool:
    prefix = path if path.endswith("/") else f"{path}/"
    rest = name.removeprefix("/") if prefix == "/" else name.removeprefix(prefix)
    return (prefix == "/" or rest != name) and (deep or "/" not in rest)
