"""Regions of AWS's own, as pipelines see them: asked by boto3, with the credentials that cloud.yml names."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import ClientError

from goldsmith.pipelines.progress import StageEnded, StageProgress, Stages
from goldsmith.pipelines.world import RefusedError
from goldsmith.publish.aws.clients import Clients, explained
from goldsmith.publish.aws.publishing import publish_to_aws
from goldsmith.publish.aws.wanted import AwsWanted, RegionWanted
from goldsmith.publish.stored import stored_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from goldsmith.aws.cloud import Cloud
    from goldsmith.aws.settings import AwsRegion
    from goldsmith.pipelines.progress import BuildEvent
    from goldsmith.pipelines.stop import Stop
    from goldsmith.pipelines.world import Publication

_TURN_SECONDS = 0.5
_LEGACY = "legacy-bios"
"""How EC2 boots an AMI that has no boot mode."""


class RegionsAtAws:
    """The regions of a cloud's ``aws`` settings, by their names here."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._clients: dict[str, Clients] = {}

    def find(self, account: str, region: str) -> AwsRegion | None:
        """Return a region that an account may reach, None for any other."""
        found = self._cloud.settings.aws.get(region)
        return found if found and account in found.accounts else None

    def connection(self, account: str, region: str) -> str:
        """Return what reaches the region, "" for one that the account may not reach."""
        found = self.find(account, region)
        return f"{found.profile or 'default'} {found.endpoint or 'aws'}" if found else ""

    def call(self, region: str, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Ask AWS. Raises RefusedError for what it refuses, AwsPublishError when it cannot be reached."""
        clients, name = self._reached(region)
        client: Any = {"ec2": clients.ec2, "ssm": clients.ssm}[service](name)
        with explained():
            try:
                answer: dict[str, Any] = getattr(client, xform_name(operation))(**parameters)
            except ClientError as refused:
                error = refused.response["Error"]
                raise RefusedError(error.get("Code", ""), error.get("Message", "")) from refused
        return answer

    def publish(
        self,
        account: str,
        region: str,
        image: Mapping[str, Any],
        wanted: Publication,
        *,
        over: Publication | None,
        say: Callable[[str], None],
        stop: Stop,
    ) -> str:
        """Publish an AMI of an account's region here; see `goldsmith.pipelines.world.World`."""
        cloud = self._cloud
        with cloud.catalog(account, region, writes=False) as catalog:
            source = stored_source(catalog, cloud.blocks(region), image, cloud.home.path)
        clients, _ = self._reached(wanted.region)
        everywhere = AwsWanted(
            regions=tuple(self._wanted(each) for each in (over, wanted) if each),
            boot_mode=image.get("BootMode") or _LEGACY,
            tpm=image.get("TpmSupport") == "v2.0",
        )

        with _turn(cloud.home.path / "publishing", (over or wanted).region, stop):
            patient = replace(clients, pause=stop.wait)
            done = publish_to_aws(source, everywhere, patient, cloud.home.path, Stages(_Listener(say, stop)))
        there = everywhere.regions[-1].region
        for step in done.steps:
            if step.region == there:
                say(f"AWS {there}: {step.what}{', there already' if step.there else ''}")
        return done.images[there]

    def _reached(self, region: str) -> tuple[Clients, str]:
        found = self._cloud.settings.aws[region]
        if region not in self._clients:
            self._clients[region] = Clients(found.profile, found.endpoint)
        return self._clients[region], found.region or region

    def _wanted(self, wanted: Publication) -> RegionWanted:
        _, name = self._reached(wanted.region)
        return RegionWanted(name, wanted.name, wanted.description, wanted.tags, wanted.key)


class _Listener:
    """Ends what was asked to stop, and tells each tenth of what is sent."""

    def __init__(self, say: Callable[[str], None], stop: Stop) -> None:
        self._say = say
        self._stop = stop
        self._tenth = 0

    def __call__(self, event: BuildEvent) -> None:
        if not isinstance(event, StageEnded):
            self._stop.check()
        if isinstance(event, StageProgress):
            tenth = 10 * event.done // event.total
            if tenth > self._tenth:
                self._say(f"AWS: {event.stage}: {event.done >> 20} of {event.total >> 20} MiB")
            self._tenth = tenth


@contextmanager
def _turn(folder: Path, region: str, stop: Stop) -> Iterator[None]:
    """Publish to a region one image after the other: each is sent as its difference from those before."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{region}.turn").open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                stop.wait(_TURN_SECONDS)
        yield
