"""The comparison operators of 4.8: what each compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Baseline = Literal["text", "number", "pattern"]


@dataclass(frozen=True)
class Operator:
    """``baseline`` is what stands under the operator's key, ``sibling`` the key of its second operand, if any."""

    name: str
    baseline: Baseline
    sibling: Literal["value", "path"] | None
    description: str


_ALL = (
    Operator("stringIsEmpty", "text", None, "The text has no characters."),
    Operator("stringIsWhitespace", "text", None, "The text is white space only."),
    Operator("stringEquals", "text", "value", "Value equals the baseline, whatever the case."),
    Operator("stringLessThan", "text", "value", "Value sorts before the baseline."),
    Operator("stringLessThanEquals", "text", "value", "Value sorts before the baseline or equals it."),
    Operator("stringGreaterThan", "text", "value", "Value sorts after the baseline."),
    Operator("stringGreaterThanEquals", "text", "value", "Value sorts after the baseline or equals it."),
    Operator("patternMatches", "pattern", "value", "The regular expression is found in value."),
    Operator("numberEquals", "number", "value", "Value equals the baseline as a number."),
    Operator("numberLessThan", "number", "value", "Value is less than the baseline."),
    Operator("numberLessThanEquals", "number", "value", "Value is at most the baseline."),
    Operator("numberGreaterThan", "number", "value", "Value is greater than the baseline."),
    Operator("numberGreaterThanEquals", "number", "value", "Value is at least the baseline."),
    Operator("binaryExists", "text", None, "The shell finds a command of that name."),
    Operator("fileExists", "text", None, "There is a file at the path."),
    Operator("folderExists", "text", None, "There is a folder at the path."),
    Operator("fileMD5Equals", "text", "path", "The MD5 digest of the file at path is the baseline."),
    Operator("fileSHA1Equals", "text", "path", "The SHA-1 digest of the file at path is the baseline."),
    Operator("fileSHA256Equals", "text", "path", "The SHA-256 digest of the file at path is the baseline."),
    Operator("fileSHA512Equals", "text", "path", "The SHA-512 digest of the file at path is the baseline."),
)

OPERATORS: dict[str, Operator] = {operator.name: operator for operator in _ALL}
LOGIC = ("and", "or", "not")
