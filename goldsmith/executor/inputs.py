"""An operation's inputs, read with sentences for what is missing or of the wrong kind. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldsmith.executor.failures import ActionError
from goldsmith.executor.operators import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

SCALARS = (str, int, float)


class Inputs:
    """One map of inputs, expressions resolved."""

    def __init__(self, action: str, values: Any) -> None:
        if values is None:
            values = {}
        if not isinstance(values, dict):
            raise ActionError(f"{action}: its inputs are a {type(values).__name__}, not a map.")
        self._action = action
        self._values: Mapping[str, Any] = values

    def text(self, key: str) -> str:
        """Return a required string that is not empty."""
        value = self.optional(key)
        if not value:
            raise ActionError(f"{self._action}: the input '{key}' is missing or empty.")
        return value

    def optional(self, key: str, default: str = "") -> str:
        """Return a string, or the default where it is not given."""
        value = self._values.get(key)
        if value is None:
            return default
        if not isinstance(value, SCALARS):
            raise ActionError(f"{self._action}: the input '{key}' is a {type(value).__name__}, not a string.")
        text = as_text(value)
        if "\0" in text:
            raise ActionError(f"{self._action}: the input '{key}' holds a NUL character.")
        return text

    def strictly_text(self, key: str, default: str) -> str:
        """Return a value that YAML must have read as a string, such as permissions."""
        value = self._values.get(key, default)
        if not isinstance(value, str):
            raise ActionError(
                f"{self._action}: the input '{key}' is {value!r}, not a string.",
                mend=f'Put it in quotes, as in {key}: "0644".',
            )
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false; an expression may have given it as text."""
        value = self._values.get(key, default)
        text = as_text(value).lower()
        if text not in {"true", "false"}:
            raise ActionError(f"{self._action}: the input '{key}' is {value!r}, neither true nor false.")
        return text == "true"

    def texts(self, key: str, *, required: bool = False) -> list[str]:
        """Return a list of strings; a single string counts as a list of one."""
        value = self._values.get(key)
        if value is None and not required:
            return []
        entries = value if isinstance(value, list) else [value]
        if not entries or not all(isinstance(entry, SCALARS) for entry in entries):
            raise ActionError(f"{self._action}: the input '{key}' is not a list of strings.")
        return [as_text(entry) for entry in entries]

    def whole(self, key: str, default: int) -> int:
        """Return a whole number that is not negative."""
        text = self.optional(key, str(default))
        if not (text.isascii() and text.isdigit()):
            raise ActionError(f"{self._action}: the input '{key}' is {text!r}, not a whole number.")
        return int(text)

    def maps(self, key: str) -> list[dict[str, Any]]:
        """Return a list of maps, empty where it is not given."""
        value = self._values.get(key) or []
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise ActionError(f"{self._action}: the input '{key}' is not a list of maps.")
        return value
