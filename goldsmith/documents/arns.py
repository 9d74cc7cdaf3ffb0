"""The ARNs of Image Builder's resources (1.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self, cast

from goldsmith.documents.versions import VersionError, VersionPattern
from goldsmith.errors import GoldsmithError

Kind = Literal[
    "component",
    "image",
    "image-recipe",
    "container-recipe",
    "infrastructure-configuration",
    "distribution-configuration",
    "image-pipeline",
    "lifecycle-policy",
    "workflow",
]
WorkflowType = Literal["build", "test", "distribution"]

BUILT_KINDS = ("component", "image", "workflow")
VERSIONED_KINDS = (*BUILT_KINDS, "image-recipe", "container-recipe")
PLAIN_KINDS = ("infrastructure-configuration", "distribution-configuration", "image-pipeline", "lifecycle-policy")

_HEAD = re.compile(r"arn:(aws[^:/]{0,64}):imagebuilder:([a-z0-9-]{1,64}):([a-z0-9-]{1,64}):([a-z-]{1,64})/(.{1,2048})")
_ACCOUNT = re.compile(r"[0-9]{12}|aws(?:-[a-z-]+)?|third-party")
_SLUG = re.compile(r"[a-z0-9_-]{1,128}")
_EXAMPLE = "It looks like arn:aws:imagebuilder:us-east-1:123456789012:component/my-component/1.0.0/1."


class ArnError(GoldsmithError):
    """A text that is no ARN of an Image Builder resource."""


@dataclass(frozen=True)
class Arn:
    """An Image Builder resource's ARN; ``version`` is None for kinds that have none."""

    kind: Kind
    slug: str
    version: VersionPattern | None
    region: str
    account: str
    partition: str = "aws"
    workflow_type: WorkflowType | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the ARN that a text is; raises ArnError."""
        match = _HEAD.fullmatch(text)
        if match is None:
            raise ArnError(f"'{text[:200]}' is not an ARN of Image Builder.", mend=_EXAMPLE)
        partition, region, account, kind, tail = match.groups()
        if kind not in (*VERSIONED_KINDS, *PLAIN_KINDS):
            raise ArnError(f"'{text}' is of the kind '{kind}', which Image Builder does not have.", mend=_EXAMPLE)
        if not _ACCOUNT.fullmatch(account) or (account == "third-party" and kind != "component"):
            raise ArnError(f"'{text}' has '{account}' where an account's 12 digits stand.", mend=_EXAMPLE)
        workflow_type, tail = _split_workflow(kind, tail, text)
        slug, version = _split_tail(kind, tail, text)
        return cls(cast("Kind", kind), slug, version, region, account, partition, workflow_type)

    def __str__(self) -> str:
        parts = [self.kind, self.workflow_type, self.slug, str(self.version) if self.version else None]
        tail = "/".join(part for part in parts if part)
        return f"arn:{self.partition}:imagebuilder:{self.region}:{self.account}:{tail}"


def slug_of(name: str) -> str:
    """Return a resource's name as it stands in its ARN: lower case, spaces and underscores as hyphens."""
    return name.lower().replace(" ", "-").replace("_", "-")


def _split_workflow(kind: str, tail: str, text: str) -> tuple[WorkflowType | None, str]:
    if kind != "workflow":
        return None, tail
    workflow_type, _, rest = tail.partition("/")
    if workflow_type not in {"build", "test", "distribution"}:
        raise ArnError(f"'{text}' has no type of workflow.", mend="It is workflow/build/…, test/… or distribution/….")
    return cast("WorkflowType", workflow_type), rest


def _split_tail(kind: str, tail: str, text: str) -> tuple[str, VersionPattern | None]:
    slug, _, version = tail.partition("/")
    if not _SLUG.fullmatch(slug):
        raise ArnError(f"'{text}' has no valid name after {kind}/.", mend="It is of a-z, 0-9, hyphen and underscore.")
    if kind in PLAIN_KINDS:
        if version:
            raise ArnError(f"'{text}' has a version; {kind} has none.", mend="Leave it out.")
        return slug, None
    try:
        pattern = VersionPattern.parse(version)
    except VersionError as error:
        raise ArnError(f"'{text}' has no valid version: {error.message}", mend=error.mend) from None
    if pattern.build and kind not in BUILT_KINDS:
        raise ArnError(f"'{text}' has a build; {kind} has none.", mend="Leave it out.")
    return slug, pattern
