"""Values that must not be seen: they are replaced in everything that leaves a run."""

from __future__ import annotations

import re
from typing import Any

MASK = "***"
SHORTEST_LINE = 4
"""Lines of a secret shorter than this are not replaced on their own: a lone brace is no secret."""


class Redactor:
    """Replaces secrets that were seen, whole or by their lines, in text and in nested data."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    @property
    def longest(self) -> int:
        """The length of the longest secret in characters; 0 when there is none."""
        return max(map(len, self._secrets), default=0)

    def add(self, secret: str) -> None:
        """Keep a value, and each line of it that is long enough, out of sight from now on."""
        lines = (line.strip() for line in secret.splitlines())
        found = {secret, secret.strip(), *(line for line in lines if len(line) >= SHORTEST_LINE)} - {""}
        self._secrets |= found
        if self._secrets:
            longest_first = sorted(self._secrets, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def text(self, text: str) -> str:
        """Return the text with every secret replaced."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def tree(self, data: Any) -> Any:
        """Return nested lists and mappings with every secret in their strings replaced."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {self.tree(key): self.tree(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.tree(value) for value in data]
        return data
