"""A local pipeline file as the resources that AWS has for its blocks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldsmith.cli.applying.change import Wanted
from goldsmith.cli.applying.component_file import OPEN_VERSION, read_component
from goldsmith.cli.validate import read_document
from goldsmith.documents.arns import slug_of
from goldsmith.documents.component_reference import ComponentFile, ManagedComponent
from goldsmith.documents.parent_image import ContainerImage, LocalFile
from goldsmith.documents.pipeline import Pipeline, parse_pipeline
from goldsmith.documents.source import Mark
from goldsmith.pipelines.builders.instances import BUILDER_TAG

if TYPE_CHECKING:
    from goldsmith.cli.applying.change import Known
    from goldsmith.cli.applying.sources import Source
    from goldsmith.cli.here import Here
    from goldsmith.documents.recipe import ComponentConfiguration
    from goldsmith.documents.shape import Shape

INSTANCE_PROFILE = "goldsmith"
"""What a configuration that names none says, as AWS wants one; a build in a sandbox has no use for it."""


def read_pipeline(here: Here, source: Source) -> list[Wanted]:
    """Return what a pipeline file wants, each after what it names. Raises DocumentError and UsageError."""
    pipeline = parse_pipeline(source.text, source.path)
    folder = Path(source.path).parent
    components = [
        read_component(
            read_document(str(_beside(folder, each.reference.path))), str(_beside(folder, each.reference.path))
        )
        for each in pipeline.image_recipe.components
        if isinstance(each.reference, ComponentFile)
    ]
    reader = _Reader(here, pipeline, source)
    parts = [reader.recipe(), reader.infrastructure(), reader.distribution(), reader.pipeline_itself()]
    return [*components, *(part for part in parts if part)]


def _beside(folder: Path, path: str) -> Path:
    return folder / Path(path).expanduser()


def _dump(shape: Shape, *left_out: str) -> dict[str, Any]:
    """Return a block as the file says it, in AWS's names."""
    said = shape.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {name: value for name, value in said.items() if name not in {*left_out, "clientToken", "dryRun"}}


class _Reader:
    """Makes one pipeline file's resources."""

    def __init__(self, here: Here, pipeline: Pipeline, source: Source) -> None:
        self.here = here
        self.pipeline = pipeline
        self.folder = Path(source.path).parent
        self.mark = Mark(source.path, 1, 1)
        self.file = str(source.place)

    def recipe(self) -> Wanted:
        recipe = self.pipeline.image_recipe
        said = _dump(recipe, "builder")
        said["parentImage"] = self._parent()
        said["components"] = [self._component(each) for each in recipe.components]
        return self._wanted("image-recipe", recipe.name, lambda _: said)

    def infrastructure(self) -> Wanted:
        configuration = self.pipeline.infrastructure_configuration
        name = configuration.name or self.pipeline.name
        said = {"instanceProfileName": INSTANCE_PROFILE, **_dump(configuration), "name": name}
        if "builder" in self.pipeline.image_recipe.model_fields_set:
            said["resourceTags"] = {BUILDER_TAG: self.pipeline.image_recipe.builder, **said.get("resourceTags", {})}
        return self._wanted("infrastructure-configuration", name, lambda _: said)

    def distribution(self) -> Wanted | None:
        configuration = self.pipeline.distribution_configuration
        if configuration is None:
            return None
        name = configuration.name or self.pipeline.name
        said = {**_dump(configuration), "name": name}
        return self._wanted("distribution-configuration", name, lambda _: said)

    def pipeline_itself(self) -> Wanted:
        blocks = ("imageRecipe", "infrastructureConfiguration", "distributionConfiguration", "cleanup")
        said = _dump(self.pipeline, *blocks)
        if "imageTestsConfiguration" in said:
            said["imageTestsConfiguration"].pop("firmware", None)
        parts = {"imageRecipeArn": "image-recipe", "infrastructureConfigurationArn": "infrastructure-configuration"}
        if self.pipeline.distribution_configuration:
            parts["distributionConfigurationArn"] = "distribution-configuration"

        def given(known: Known) -> dict[str, Any]:
            named = {member: known[self._key(noun)].reference for member, noun in parts.items()}
            return {**said, **named, "facts": self._facts()}

        return self._wanted("image-pipeline", self.pipeline.name, given, *parts.values())

    def _facts(self) -> dict[str, Any]:
        """Return what only Goldsmith knows of, as far as the file says it."""
        facts: dict[str, Any] = {}
        if "cleanup" in self.pipeline.model_fields_set:
            facts["cleanup"] = _dump(self.pipeline.cleanup)
        if "firmware" in self.pipeline.image_tests_configuration.model_fields_set:
            facts["firmware"] = list(self.pipeline.image_tests_configuration.firmware)
        return facts

    def _parent(self) -> str:
        parent = self.pipeline.image_recipe.parent
        if isinstance(parent, LocalFile):
            return str(_beside(self.folder, parent.path).resolve())
        if isinstance(parent, ContainerImage):
            return parent.seen_from(self.folder.resolve())
        return self.pipeline.image_recipe.parent_image

    def _component(self, configuration: ComponentConfiguration) -> dict[str, Any]:
        reference, said = configuration.reference, _dump(configuration)
        head = f"arn:aws:imagebuilder:{self.here.region}"
        if isinstance(reference, ManagedComponent):
            said["componentArn"] = f"{head}:aws:component/{reference.name}/{reference.version}"
        elif isinstance(reference, ComponentFile):
            path = str(_beside(self.folder, reference.path))
            slug = slug_of(read_component(read_document(path), path).name)
            said["componentArn"] = f"{head}:{self.here.account.id}:component/{slug}/{OPEN_VERSION}"
        return said

    def _key(self, noun: str) -> str:
        return f"{noun} {self.file}"

    def _wanted(self, noun: str, name: str, given: Any, *needs: str) -> Wanted:
        return Wanted(self._key(noun), noun, name, self.mark, given, frozenset(map(self._key, needs)))
