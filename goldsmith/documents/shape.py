"""What the AWS-shaped blocks of a pipeline file have in common: their names, their strictness, their value types.

Patterns and bounds are those of botocore's Image Builder model (apiVersion 2019-12-02).
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

MAX_TAGS = 50
MAX_RESOURCE_TAGS = 30


class Shape(BaseModel):
    """A block in AWS's shape: its keys in camel case, unknown keys refused, unchangeable once read."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


def like(pattern: str, form: str) -> AfterValidator:
    """Return a check that text matches a pattern, which ``form`` says in words."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value) is None:
            raise PydanticCustomError("form", "must be {form}, but is '{value}'", {"form": form, "value": value[:200]})
        return value

    return AfterValidator(check)


def refuse(message: str, *, at: tuple[str | int, ...] = (), meant: str = "") -> PydanticCustomError:
    """Return the error that says what is wrong with a value; ``at`` leads to the part of it that is."""
    return PydanticCustomError("refused", "{message}", {"message": message, "at": at, "meant": meant})


NonEmpty = Annotated[str, Field(min_length=1, max_length=1024)]
ResourceName = Annotated[
    str,
    like(
        r"[A-Za-z0-9_-][A-Za-z0-9_ -]{1,126}[A-Za-z0-9_-]",
        "3 to 128 letters, digits, hyphens and underscores, with spaces only between them",
    ),
]
TagKey = Annotated[
    str, like(r"(?!aws:)[a-zA-Z0-9\s_.:/=+@-]{1,128}", "a tag's key: up to 128 characters, not beginning with aws:")
]
TagValue = Annotated[str, Field(max_length=256)]
Tags = Annotated[dict[TagKey, TagValue], Field(max_length=MAX_TAGS)]
ResourceTags = Annotated[dict[TagKey, TagValue], Field(max_length=MAX_RESOURCE_TAGS)]
AccountId = Annotated[str, like(r"[0-9]{12}", "an account's 12 digits")]
ClientToken = Annotated[str, Field(min_length=1, max_length=64)]
LogGroupName = Annotated[str, like(r"[a-zA-Z0-9\-_/.]{1,512}", "a log group's name")]
