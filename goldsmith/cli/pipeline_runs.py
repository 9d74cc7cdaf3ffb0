"""Builds of images from the command line: by the home's server where one runs, else in this process."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from goldsmith.cli.here import RefusedError
from goldsmith.cli.image_logs import follow, log_of, tell_failure
from goldsmith.cli.output import print_json
from goldsmith.cli.pipeline_naming import SERVICE, short
from goldsmith.cli.serve import LOCK
from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances.locks import is_held, take

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.aws.imagebuilder.service import ImageBuilder
    from goldsmith.cli.here import Here
    from goldsmith.cli.image_logs import LogReader


class ImageNotBuiltError(GoldsmithError):
    """A build ended without an image."""


class Builder:
    """Builds what is pending, in this process, from when nobody else does."""

    def __init__(self, here: Here) -> None:
        self.here = here
        self._stack = ExitStack()
        self._service: ImageBuilder | None = None

    @property
    def builds(self) -> bool:
        """Whether it is this process that builds."""
        return self._service is not None

    def tend(self) -> None:
        """Do what a server does when none has the home; this is the only one then until `close`."""
        if self._service is not None:
            return
        alone = take(self.here.cloud.home.path / LOCK, patience=0)
        if alone is None:
            return
        from goldsmith.aws.imagebuilder.service import ImageBuilder
        from goldsmith.aws.resuming import resume
        from goldsmith.aws.upkeep import Upkeep, resume_instances

        self._stack.callback(os.close, alone)
        resume_instances(self.here.cloud)
        resume(self.here.cloud)
        self._stack.enter_context(Upkeep(self.here.cloud))
        self._service = self._stack.enter_context(ImageBuilder(self.here.cloud))

    def finish(self, arn: str) -> None:
        """Wait for what was taken up here besides an image's build, as builds that an earlier server left."""
        told = False
        while self._service is not None and (running := self._service.engine.running):
            others = [each for each in running if not each.startswith(arn)]
            if others and not told:
                print(f"Waiting for {', '.join(map(short, others))}, which are built here too.", file=sys.stderr)
                told = True
            self.here.pause()

    def close(self) -> None:
        """End; what is still being built is taken up by the next server or command."""
        self._stack.close()
        if self.builds:
            logging.disable()  # its threads leave off, and what breaks in them for that is nobody's affair


def is_served(here: Here) -> bool:
    """Tell whether a server, or another command that builds, has the home."""
    return is_held(here.cloud.home.path / LOCK)


@contextmanager
def builder(here: Here) -> Iterator[Builder]:
    """Give what builds here while nobody else does."""
    made = Builder(here)
    try:
        yield made
    finally:
        made.close()


def build(here: Here, arn: str, log: LogReader, *, wait: bool, as_json: bool) -> None:
    """See an image's build through, with its log as it comes; a server's only if ``wait`` says so.

    Raises ImageNotBuiltError when it ends without an image.
    """
    if is_served(here) and not wait:
        if as_json:
            print_json({"imageBuildVersionArn": arn, "status": "PENDING"})
        else:
            print(f"{short(arn)} is begun. Follow it: goldsmith pipeline logs -f {short(arn)}")
        return
    image = see_through(here, arn, log)
    if as_json:
        print_json(image)
    elif image["state"]["status"] == "AVAILABLE":
        print(f"{short(arn)} is AVAILABLE.")
        for each in (image.get("outputResources") or {}).get("amis") or []:
            print(f"  {each['region']}  {each['image']}  {each.get('name', '')}")
    if image["state"]["status"] != "AVAILABLE":
        tell_failure(here, image)
        raise ImageNotBuiltError(
            f"{short(arn)} is {image['state']['status']}.", mend=f"Its log: goldsmith pipeline logs {short(arn)}"
        )


def see_through(here: Here, arn: str, log: LogReader | None = None) -> dict[str, Any]:
    """Follow an image's build to its end, building it in this process while no server does; return the image.

    Interrupted, a build of this process is cancelled, as nobody would go on with it; a server's goes on.
    """
    chosen = log or log_of(here, arn)
    with builder(here) as tended:
        try:
            image = follow(here, arn, chosen, sys.stderr, tend=tended.tend)
            tended.finish(arn)
        except KeyboardInterrupt:
            if tended.builds:
                print(f"{short(arn)} is being cancelled.", file=sys.stderr)
                with suppress(RefusedError):
                    here.call(SERVICE, "CancelImageCreation", imageBuildVersionArn=arn)
                follow(here, arn, chosen, sys.stderr, tend=tended.tend)
            else:
                print(f"{short(arn)} goes on where it is built.", file=sys.stderr)
            raise
        return image


class Watch:
    """Tells once when what is followed goes on only when somebody builds."""

    def __init__(self, here: Here) -> None:
        self.here = here
        self._told = False

    def tend(self) -> None:
        """Look whether anybody builds."""
        if not self._told and not is_served(self.here):
            self._told = True
            print("Nobody builds here now: the build goes on with goldsmith serve.", file=sys.stderr)


def start(here: Here, operation: str, **parameters: Any) -> str:
    """Run an operation that begins a build; return the image's ARN."""
    return str(here.call(SERVICE, operation, **parameters)["imageBuildVersionArn"])
