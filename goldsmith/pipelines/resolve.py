"""From a pipeline as written to a plan: every reference looked up, every version pinned, nothing run."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.catalog.images import ImageNotFoundError, ImageStore
from goldsmith.components import library
from goldsmith.components.library import UnknownComponent
from goldsmith.disks.containers import KINDS
from goldsmith.disks.plan import DEFAULT_SIZE, GIB
from goldsmith.documents.arns import slug_of
from goldsmith.documents.component_reference import ComponentFile, parse_component_reference
from goldsmith.documents.faults import near_name
from goldsmith.documents.parent_image import Bootstrap, CatalogueImage, ContainerImage, LocalFile, parse_parent_image
from goldsmith.documents.parser import parse_component
from goldsmith.documents.references import faults_across_stages
from goldsmith.documents.source import DocumentError, Fault
from goldsmith.errors import GoldsmithError
from goldsmith.executor.services import Services
from goldsmith.oci.opened import opened_image
from goldsmith.oci.reference import Reference
from goldsmith.pipelines.plan import BootstrapParent, BuildPlan, FileParent, OciParent, PlannedComponent
from goldsmith.trees.archives import archive_states
from goldsmith.trees.bootstrap import FORMAT as BOOTSTRAP_FORMAT
from goldsmith.trees.cleanup.rule import all_rules
from goldsmith.trees.distributions import debian
from goldsmith.trees.layers import digest_of
from goldsmith.trees.scan.digest import RULES_DIGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from goldsmith.catalog.images import Image
    from goldsmith.documents.component import ComponentDocument
    from goldsmith.documents.pipeline import Pipeline
    from goldsmith.documents.recipe import ComponentConfiguration, ImageRecipe
    from goldsmith.documents.source import Mark
    from goldsmith.pipelines.home import Home
    from goldsmith.pipelines.plan import Parent

MAX_NESTING = 4
DOCUMENT_ENDINGS = (".yml", ".yaml", ".json")


class UnresolvedError(GoldsmithError):
    """Something that a pipeline names does not exist, or cannot be used here."""

    exit_code = 2


class _Faults:
    """What could not be resolved so far, each with its place in the pipeline file."""

    def __init__(self, mark_at: Callable[..., Mark]) -> None:
        self._mark_at = mark_at
        self._found: list[Fault] = []

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """Note what is refused meanwhile as a fault of what stands under that path; a document's own keep theirs."""
        try:
            yield
        except DocumentError as wrong:
            self._found += wrong.faults
        except (UnresolvedError, UnknownComponent, ImageNotFoundError) as refused:
            self._found.append(Fault(self._mark_at(*path), " ".join(filter(None, (refused.message, refused.mend)))))

    def raise_any(self) -> None:
        """Raise DocumentError with every fault once."""
        if self._found:
            raise DocumentError(tuple(dict.fromkeys(self._found)))


def resolve(
    pipeline: Pipeline, folder: Path, home: Home, *, parameters: Mapping[str, str], mark_at: Callable[..., Mark]
) -> BuildPlan:
    """Return the plan of a pipeline that stands in ``folder``.

    ``parameters`` are values from the command line, for every component that declares them. ``mark_at`` gives the
    place of the value under a path of keys. Raises DocumentError with every component, version, parameter, parent
    and rule that is not there, each at its place, and ArchiveError for archives that cannot be reached.
    """
    recipe = pipeline.image_recipe
    faults = _Faults(mark_at)
    found = []
    for number, each in enumerate(recipe.components):
        with faults.at("imageRecipe", "components", number, "componentArn"):
            found.append(_component(each, folder, parameters))
    with faults.at("imageRecipe", "builder"):
        _check_builder(recipe)
    for number, rule in enumerate(pipeline.cleanup.skip):
        with faults.at("cleanup", "skip", number):
            _check_rule(rule, {each.flag for each in all_rules() if each.flag})
    for number, rule in enumerate(pipeline.cleanup.enable):
        with faults.at("cleanup", "enable", number):
            _check_rule(rule, set())
    try:
        with faults.at("imageRecipe", "parentImage"):
            parent = pin_parent(recipe.parent_image, folder, home)
    finally:  # a document's own faults come before a network that is not there
        faults.raise_any()
    components = tuple(found)
    _check_used(parameters, components)
    tests = pipeline.image_tests_configuration
    return BuildPlan(
        name=slug_of(recipe.name),
        version=_version(recipe, home),
        description=recipe.description or pipeline.description or "",
        parent_image=recipe.parent_image,
        parent=parent,
        components=components,
        working_directory=recipe.working_directory,
        skip_cleanup=frozenset(pipeline.cleanup.skip),
        enable_cleanup=frozenset(pipeline.cleanup.enable),
        remove_accounts=pipeline.cleanup.accounts == "remove",
        allow=tuple(pipeline.cleanup.allow),
        disk_bytes=recipe.volume_size * GIB if recipe.volume_size else DEFAULT_SIZE,
        firmware=tuple(tests.firmware),
        tests_enabled=tests.image_tests_enabled,
        test_minutes=tests.timeout_minutes,
        tags=dict(recipe.ami_tags),
        seal={
            "cleanup": digest_of([[rule.name, rule.script] for rule in all_rules()]),
            "scan": RULES_DIGEST,
        },
    )


def component_services(folder: Path) -> Services:
    """Return the outside world of a build: components by ARN are the managed ones."""
    return Services(find_component=partial(_by_arn, folder))


def read_component(reference: str, folder: Path) -> tuple[str, ComponentDocument]:
    """Return a component's document and the name to show for it."""
    parsed = parse_component_reference(reference)
    if isinstance(parsed, ComponentFile):
        path = folder / Path(parsed.path).expanduser()
        return path.stem, parse_component(_text(path), str(path))
    managed = library.resolve(reference)
    return managed.name, parse_component(managed.text, f"{managed.name}/{managed.version}")


def _component(wanted: ComponentConfiguration, folder: Path, overrides: Mapping[str, str]) -> PlannedComponent:
    name, document = read_component(wanted.component_arn, folder)
    declared = {parameter.name for parameter in document.parameters}
    given = {each.name: each.text for each in wanted.parameters}
    unknown = sorted(set(given) - declared)
    if unknown:
        raise UnresolvedError(
            f"The component {name} has no parameter {', '.join(unknown)}.",
            mend=f"It has: {', '.join(sorted(declared)) or 'none'}.",
        )
    values = given | {key: value for key, value in overrides.items() if key in declared}
    missing = [each.name for each in document.parameters if each.default is None and each.name not in values]
    if missing:
        raise UnresolvedError(
            f"The component {name} needs a value for {', '.join(missing)}.",
            mend=f"Give it in the recipe's parameters, or with --parameters {missing[0]}=…",
        )
    for each in document.parameters:
        if each.allowed_values and values.get(each.name, each.allowed_values[0]) not in each.allowed_values:
            raise UnresolvedError(
                f"The component {name} does not allow {each.name}={values[each.name]}.",
                mend=f"It allows: {', '.join(each.allowed_values)}.",
            )
    faults = faults_across_stages(document)
    if faults:
        raise DocumentError(faults)
    return PlannedComponent(name, document, values, tuple(_nested(document, folder, MAX_NESTING)))


def _nested(document: ComponentDocument, folder: Path, depth: int) -> list[str]:
    """Return the digests of the documents that ExecuteDocument steps name by path, and of those they name."""
    digests = []
    for phase in document.phases:
        for step in phase.steps:
            if step.action != "ExecuteDocument" or depth == 0 or not isinstance(step.inputs, dict):
                continue
            named = str(step.inputs.get("document", ""))
            for path in (Path(document.file).parent / named, folder / named):
                if named and path.is_file():
                    text = _text(path)
                    digests.append(hashlib.sha256(text.encode()).hexdigest())
                    digests += _nested(parse_component(text, str(path)), folder, depth - 1)
                    break
    return digests


def _by_arn(folder: Path, arn: str) -> ComponentDocument | None:
    try:
        return read_component(arn, folder)[1]
    except UnknownComponent:
        return None


def _check_builder(recipe: ImageRecipe) -> None:
    if recipe.builder == "machine":
        raise UnresolvedError(
            f"The recipe {recipe.name} asks for builder: machine, which this version does not have.",
            mend="Leave builder out: components are built in a sandbox, and their test phases run in a booted machine.",
        )


def _check_rule(name: str, flags: set[str]) -> None:
    known = {rule.name for rule in all_rules()} | flags
    if name not in known:
        near = near_name(name, known)
        raise UnresolvedError(
            f"There is no cleanup rule {name}.",
            mend=f"Did you mean {near}?" if near else "docs/cleanup.md lists them.",
        )


def _check_used(parameters: Mapping[str, str], components: tuple[PlannedComponent, ...]) -> None:
    declared = {parameter.name for component in components for parameter in component.document.parameters}
    unused = sorted(set(parameters) - declared)
    if unused:
        raise UnresolvedError(
            f"No component of the recipe has a parameter {', '.join(unused)}.",
            mend=f"They have: {', '.join(sorted(declared)) or 'none'}.",
        )


def _version(recipe: ImageRecipe, home: Home) -> str:
    """Return the concrete version: of a wildcard, the one that follows the newest image here."""
    pattern = recipe.version
    return str(pattern.next(ImageStore(home.images).versions(slug_of(recipe.name))))


def pin_parent(text: str, folder: Path, home: Home) -> Parent:
    """Return the parent that a ``parentImage`` names, pinned as it is now; paths are relative to ``folder``."""
    parent = parse_parent_image(text)
    if isinstance(parent, Bootstrap):
        distribution = debian(parent.release)
        return BootstrapParent(distribution, archive_states(distribution.archives, home.archives), BOOTSTRAP_FORMAT)
    if isinstance(parent, LocalFile):
        file = (folder / Path(parent.path).expanduser()).resolve()
        return FileParent(file, parent.kind, _sha256(file), text)
    if isinstance(parent, ContainerImage):
        return pin_container(parent, folder, home)
    if isinstance(parent, CatalogueImage):
        store = ImageStore(home.images)
        image = store.find(f"{parent.name}/{parent.version}")
        return pin_baked(image, store.path(image), home)
    raise UnresolvedError(
        f"The parent image {text} is on AWS, and this host has no copy of it.",
        mend="Use debian/11, debian/12, debian/13, a disk or root archive, or an image of `goldsmith images`.",
    )


def pin_baked(image: Image, folder: Path, home: Home) -> FileParent | OciParent:
    """Return an image of this host as a parent: its disk, or its container image where its build wrote no disk."""
    disks = {disk.format: disk for disk in image.disks}
    disk = next((disks[kind] for kind in ("qcow2", "raw", *KINDS) if kind in disks), None)
    if disk:
        return FileParent(folder / disk.file, disk.format, disk.sha256, image.reference)
    for form, transport in (("oci", "oci-archive"), ("docker-archive", "docker-archive")):
        if form in disks:
            return pin_container(ContainerImage(transport, str(folder / disks[form].file)), folder, home)
    raise UnresolvedError(
        f"The image {image.reference} has no file that another can be made of.",
        mend="Build it again with --format qcow2 or oci.",
    )


def pin_container(parent: ContainerImage, folder: Path, home: Home) -> OciParent:
    """Return a container image pinned by its manifest's digest. Raises OciError and ReferenceFault."""
    written = parent.seen_from(folder.absolute())
    with opened_image(written, scratch=home.path) as image:
        digest = image.digest
    if parent.transport != "docker":
        return OciParent(written, digest, f"{parent.transport}:{parent.name}")
    reference = replace(Reference.parse(parent.name), tag="", digest=digest)
    return OciParent(f"oci://{reference}", digest, f"oci://{parent.name}")


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as missing:
        raise UnresolvedError(
            f"The parent image {file} cannot be read: {missing.strerror}.", mend="Check the path."
        ) from missing


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as missing:
        near = near_name(path.name, [each.name for each in path.parent.glob("*") if each.suffix in DOCUMENT_ENDINGS])
        raise UnresolvedError(
            f"The component {path} cannot be read: {getattr(missing, 'strerror', 'it is not UTF-8 text')}.",
            mend=f"Did you mean {near}?" if near else "Paths are relative to the file that names them.",
        ) from missing
