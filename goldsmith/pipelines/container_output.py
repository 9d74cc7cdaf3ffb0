"""A sealed tree as container images, with the layers that it was baked in."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from goldsmith.oci.image import About, made_image
from goldsmith.oci.layer import Changed, changed_by, written_layer
from goldsmith.oci.outputs import annotations_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from goldsmith.disks.about import About as DiskAbout
    from goldsmith.oci.image import OciImage
    from goldsmith.pipelines.growing_tree import GrowingTree
    from goldsmith.pipelines.progress import Stages


@contextmanager
def container_image(
    tree: GrowingTree, about: DiskAbout, plan: str, stages: Stages, scratch: Path
) -> Iterator[OciImage]:
    """Give the image of a sealed tree: the parent, a layer for each component, and what the sealing changed.

    A path that the sealing removed or replaced is in no lower layer. Otherwise a layer's bytes are its files' alone,
    so that builds share the layers that they have in common. ``plan`` is the digest of the build's plan; the packed
    layers lie in ``scratch``, without a name, for as long as the context.
    """
    *layers, (sealed, folder) = tree.layers
    hidden = changed_by(tree.workspace, folder)
    made = []
    with ExitStack() as stack, stages.stage("container layers") as stage:
        for number, (title, layer, hides) in enumerate(
            [*((*each, hidden) for each in layers), (sealed, folder, Changed())]
        ):
            file = stack.enter_context(tempfile.TemporaryFile(dir=scratch))
            made.append(written_layer(tree.workspace, layer, title, file.fileno(), hidden=hides))
            stage.progress(number + 1, len(layers) + 1)
        stage.note = f"{len(made)} layers, {sum(each.blob.descriptor.size for each in made) / (1 << 20):.1f} MiB"
        labels = {"name": about.name, "version": about.version, "goldsmith.plan": plan}
        annotations = annotations_of(about.name, about.version, about.description, about.created)
        kept = stack.pop_all()
    with kept:
        yield made_image(made, About(about.created, labels, annotations))
