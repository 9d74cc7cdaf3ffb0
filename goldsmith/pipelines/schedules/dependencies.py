"""What a recipe refers to by wildcard, as it is now, against what the last image was made of (3.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldsmith.documents.arns import Arn
from goldsmith.documents.parent_image import ImageArn, SsmParameter, parse_parent_image
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.schedules.causes import Newer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goldsmith.catalog.resources import Resource
    from goldsmith.pipelines.world import World

RECIPES = {
    "imageRecipeArn": ("imageRecipe", "GetImageRecipe"),
    "containerRecipeArn": ("containerRecipe", "GetContainerRecipe"),
}
"""Where a pipeline names its recipe, the member in which an image has it, and the operation that gives it."""


@dataclass(frozen=True)
class MadeOf:
    """What an image was made of: its recipe's ARN, its parent (a PinnedParent's JSON), its components' build ARNs."""

    recipe: str
    parent: Mapping[str, Any]
    components: tuple[str, ...]

    @classmethod
    def read(cls, image: Resource) -> MadeOf:
        """Return what an image's record says: its inner facts ``parent`` and ``components``, as pinned at its start."""
        recipe = image.document.get("imageRecipe") or image.document.get("containerRecipe") or {}
        return cls(recipe.get("arn", ""), image.inner.get("parent", {}), tuple(image.inner.get("components", ())))


@dataclass
class Dependencies:
    """Looks up what a pipeline's recipe means now, as its account; ``problems`` are what could not be looked up."""

    world: World
    pipeline: Resource
    problems: list[str] = field(default_factory=list)

    def recipe(self) -> Mapping[str, Any]:
        """Return the recipe that the next image would be built of. Raises GoldsmithError when there is none."""
        for member, (shown, operation) in RECIPES.items():
            if arn := self.pipeline.document.get(member):
                return dict(self._ask("imagebuilder", operation, **{member: arn})[shown])
        raise GoldsmithError(f"The pipeline {self.pipeline.id} has no recipe.", mend="Give it one.")

    def newer_recipe(self, recipe: Mapping[str, Any], last: MadeOf) -> tuple[Newer, ...]:
        """Return the recipe if the last image was built of another."""
        return () if recipe["arn"] == last.recipe else (Newer("recipe", last.recipe, recipe["arn"]),)

    def newer_parent(self, recipe: Mapping[str, Any], last: MadeOf) -> tuple[Newer, ...]:
        """Return the parent if what the recipe's ``parentImage`` names is another now: by wildcard or parameter."""
        written = str(recipe.get("parentImage", ""))
        try:
            now = self._parent(written)
        except GoldsmithError as failed:
            self.problems.append(f"the parent image {written} could not be looked up: {failed.message}")
            return ()
        before = str(last.parent.get("image_arn") or last.parent.get("reference", ""))
        known = {before, str(last.parent.get("reference", ""))}
        return (Newer(written, before, now),) if now and now not in known else ()

    def newer_components(self, recipe: Mapping[str, Any], last: MadeOf) -> tuple[Newer, ...]:
        """Return the components of which there is a newer build within the recipe's wildcards."""
        return tuple(self._newer_components(recipe, {unversioned(arn): arn for arn in last.components}))

    def _newer_components(self, recipe: Mapping[str, Any], before: Mapping[str, str]) -> Iterator[Newer]:
        for each in recipe.get("components") or ():
            written = str(each["componentArn"])
            try:
                if not _is_open(written):
                    continue
                found = self._ask("imagebuilder", "GetComponent", componentBuildVersionArn=written)["component"]["arn"]
            except GoldsmithError as failed:
                self.problems.append(f"the component {written} could not be looked up: {failed.message}")
                continue
            used = before.get(unversioned(written), "")
            if found != used:
                yield Newer(unversioned(written).rpartition("/")[2], _version(used), _version(found))

    def _parent(self, written: str) -> str:
        """Return the ARN or AMI that a ``parentImage`` means now; "" for one that is pinned."""
        if "containerRecipeArn" in self.pipeline.document:
            return ""
        parent = parse_parent_image(written)
        if isinstance(parent, ImageArn) and _is_open(written):
            return str(self._ask("imagebuilder", "GetImage", imageBuildVersionArn=written)["image"]["arn"])
        if isinstance(parent, SsmParameter):
            name = parent.name.partition(":parameter")[2] if parent.name.startswith("arn:") else parent.name
            value = str(self._ask("ssm", "GetParameter", Name=name)["Parameter"]["Value"])
            if value.startswith("arn:") and _is_open(value):
                return str(self._ask("imagebuilder", "GetImage", imageBuildVersionArn=value)["image"]["arn"])
            return value
        return ""

    def _ask(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        return self.world.call(self.pipeline.account, self.pipeline.region, service, operation, **parameters)


def unversioned(arn: str) -> str:
    """Return a versioned resource's ARN, with or without a build, without its version."""
    head, _, tail = arn.rpartition(":")
    return f"{head}:{'/'.join(tail.split('/')[:2])}"


def _is_open(text: str) -> bool:
    """Whether an ARN leaves the version or the build open. Raises ArnError."""
    version = Arn.parse(text).version
    return version is not None and not version.build


def _version(arn: str) -> str:
    return "/".join(arn.rpartition(":")[2].split("/")[2:])
