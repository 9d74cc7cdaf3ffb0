"""An image is published to AWS: what is there is left, what is missing is done, and no half is ever seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.blocks.block_map import BLOCK
from goldsmith.publish.aws import attributes
from goldsmith.publish.aws.clients import explained
from goldsmith.publish.aws.encryption import resolve
from goldsmith.publish.aws.image import copy, find_image, register, snapshots_of
from goldsmith.publish.aws.journal import Journal
from goldsmith.publish.aws.leftovers import abandon, find_leftovers
from goldsmith.publish.aws.marks import CONTENT_TAG, IMAGE_TAG
from goldsmith.publish.aws.partitions import require_one_partition
from goldsmith.publish.aws.standing import require_as_wanted
from goldsmith.publish.aws.upload import (
    content_name,
    find_snapshot,
    journal_folder,
    plan_upload,
    upload,
)
from goldsmith.publish.aws.waiting import await_image

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from goldsmith.pipelines.progress import Stages
    from goldsmith.publish.aws.clients import Clients
    from goldsmith.publish.aws.encryption import Encryption
    from goldsmith.publish.aws.upload import UploadPlan
    from goldsmith.publish.aws.wanted import AwsWanted, RegionWanted
    from goldsmith.publish.source import Blocks, Source


@dataclass(frozen=True)
class Step:
    """Something that was done in a region, or would be; ``there`` is what was so before."""

    region: str
    what: str
    there: bool = False


@dataclass(frozen=True)
class Published:
    """An image on AWS: its AMIs by region, the bytes sent (or that would be), and the fewest that could be."""

    images: Mapping[str, str]
    snapshot: str
    sent: int
    least: int
    steps: tuple[Step, ...]

    @property
    def unchanged(self) -> bool:
        """Whether everything was there before."""
        return all(step.there for step in self.steps)


def publish_to_aws(
    source: Source, wanted: AwsWanted, clients: Clients, home: Path, stages: Stages, *, dry_run: bool = False
) -> Published:
    """Publish the image; ``home`` is where the journal of what was sent is.

    A second run does nothing; one after a failure or a kill goes on. The AMI appears when all of its disk is there.
    Raises AwsPublishError.
    """
    with explained():
        return _Publishing(source, wanted, clients, home, stages, dry=dry_run).run()


def abandon_at_aws(clients: Clients, region: str, home: Path, image: str, *, dry_run: bool = False) -> tuple[Step, ...]:
    """Delete what publishes of an image that were cut short left in a region; what other homes sent is only told.

    Raises AwsPublishError, also while another process publishes there.
    """
    with explained():
        place = _place(clients, region)
        ours, others = abandon(clients, region, home, image, place, dry=dry_run)
    return (
        *(Step(region, f"snapshot {each} deleted") for each in ours),
        *(
            Step(
                region,
                f"snapshot {each}: `aws ec2 delete-snapshot --region {region} --snapshot-id {each.snapshot}`",
                there=True,
            )
            for each in others
        ),
    )


class _Publishing:
    """One run: what it did so far."""

    def __init__(
        self, source: Source, wanted: AwsWanted, clients: Clients, home: Path, stages: Stages, *, dry: bool
    ) -> None:
        self._source = source
        self._wanted = wanted
        self._clients = clients
        self._home = home
        self._stages = stages
        self._dry = dry
        self._steps: list[Step] = []
        self._place = self._snapshot = ""
        self._encryption: dict[str, Encryption] = {}
        self._sent = self._least = 0

    def run(self) -> Published:
        require_one_partition(self._clients, self._wanted)
        first, *others = self._wanted.regions
        self._place = _place(self._clients, first.region)
        self._encryption = self._resolved()
        with self._stages.stage("read") as stage, self._source.blocks(stage.progress) as blocks:
            content = content_name(blocks.map, self._encryption[first.region].name)
            stage.note = f"{len(blocks.map) * BLOCK >> 20} MiB in {len(blocks.map)} blocks are not zeros"
            image = self._first(first, content, blocks)
        self._say_leftovers(first)
        images = {first.region: image["ImageId"] if image else ""}
        self._dress(first, image, content)
        begun = {each.region: self._begin_copy(each, image, first.region, content) for each in others}
        for each in others:
            found = begun[each.region]
            if isinstance(found, str):
                with self._stages.stage(f"copy to {each.region}"):
                    found = await_image(self._clients, each.region, found)
            images[each.region] = found["ImageId"] if found else ""
            self._dress(each, found, content)
        return Published(images, self._snapshot, self._sent, self._least, tuple(self._steps))

    def _resolved(self) -> dict[str, Encryption]:
        """Return each region's encryption. What is copied of an enciphered AMI is enciphered, whatever was said."""
        first, *others = self._wanted.regions
        of_first = resolve(self._clients, first, encrypted=self._wanted.encrypted)
        so = self._wanted.encrypted or of_first.on
        return {first.region: of_first} | {each.region: resolve(self._clients, each, encrypted=so) for each in others}

    def _tags(self, region: RegionWanted, content: str) -> dict[str, str]:
        return {**region.tags, CONTENT_TAG: content, IMAGE_TAG: self._source.facts.reference}

    def _say(self, region: RegionWanted, what: str, *, there: bool = False) -> None:
        self._steps.append(Step(region.region, what, there=there))

    def _find(self, region: RegionWanted, content: str) -> dict[str, Any] | None:
        """Return the AMI that is there, None for none. Raises AwsPublishError when it is not what is wanted."""
        found = find_image(self._clients, region, content)
        if found:
            encryption = self._encryption[region.region]
            require_as_wanted(self._clients, region.region, found, self._wanted, self._source.facts, encryption)
            self._say(region, f"AMI {found['ImageId']} ({region.name})", there=True)
        elif self._wanted.deprecated_at:
            attributes.require_future(self._wanted.deprecated_at)
        return found

    def _first(self, region: RegionWanted, content: str, blocks: Blocks) -> dict[str, Any] | None:
        """Return the AMI of the first region, made if it is not there; None where a dry run would make it."""
        image = self._find(region, content)
        if image is None:
            folder = journal_folder(self._home, self._place, self._encryption[region.region].name)
            if self._dry:
                self._snapshot = self._whole_snapshot(region, content, blocks, Journal(folder, content))
                self._say(region, f"AMI {region.name}")
                return None
            with Journal.opened(folder, content, self._source.facts.reference) as journal:
                image = self._find(region, content) or self._made(region, content, blocks, journal)
        if image["State"] != "available":
            image = await_image(self._clients, region.region, image["ImageId"])
        self._snapshot = next(iter(snapshots_of(image)), "")
        return image

    def _made(self, region: RegionWanted, content: str, blocks: Blocks, journal: Journal) -> dict[str, Any]:
        snapshot = self._whole_snapshot(region, content, blocks, journal)
        tags = self._tags(region, content)
        made = register(self._clients, self._wanted, region, self._source.facts, snapshot, tags)
        self._say(region, f"AMI {made} ({region.name})")
        return await_image(self._clients, region.region, made)

    def _whole_snapshot(self, region: RegionWanted, content: str, blocks: Blocks, journal: Journal) -> str:
        """Return the snapshot of the content: the one that is there, or one that is sent; "" where a dry run would."""
        found = "" if journal.pending() else find_snapshot(self._clients, region.region, content)
        if found:
            self._say(region, f"snapshot {found}", there=True)
            return found
        encryption = self._encryption[region.region]
        plan = plan_upload(self._clients, region.region, journal, blocks.map, encryption)
        self._least = plan.least
        self._sent = len(plan.missing) * BLOCK
        said = f"{self._sent >> 20} MiB in {len(plan.missing)} blocks"
        said += f" that differ from {plan.parent}" if plan.parent else ""
        said += f", {len(plan.arrived)} having arrived before" if plan.arrived else ""
        said += f", {encryption}" if encryption.on else ""
        if self._dry:
            self._say(region, f"snapshot of {said}" + (f", in {plan.pending}" if plan.pending else ""))
            return plan.pending
        sent = self._send(region, content, blocks, journal, plan)
        self._say(region, f"snapshot {sent} of {said}")
        return sent

    def _send(self, region: RegionWanted, content: str, blocks: Blocks, journal: Journal, plan: UploadPlan) -> str:
        with self._stages.stage(f"send to {region.region}") as stage:
            return upload(
                self._clients,
                region.region,
                journal,
                blocks,
                plan,
                image=self._source.facts.reference,
                place=self._place,
                tags=self._tags(region, content),
                encryption=self._encryption[region.region],
                progress=stage.progress,
            )

    def _say_leftovers(self, region: RegionWanted) -> None:
        """Tell what earlier runs left that this one has no use for."""
        for each in find_leftovers(self._clients, region.region, self._home, self._source.facts.reference):
            if each.snapshot != self._snapshot:
                self._say(region, f"left over: snapshot {each}; --abandon deletes it", there=True)

    def _begin_copy(
        self, region: RegionWanted, image: Mapping[str, Any] | None, source: str, content: str
    ) -> dict[str, Any] | str | None:
        """Return the copy that is there, the id of one that was begun, or None where a dry run would begin it."""
        found = self._find(region, content)
        if found:
            return found if found["State"] == "available" else str(found["ImageId"])
        encryption = self._encryption[region.region]
        said = f", {encryption}" if encryption.on else ""
        if self._dry or image is None:
            self._say(region, f"AMI {region.name}, a copy from {source}{said}")
            return None
        made = copy(self._clients, image["ImageId"], source, region, self._tags(region, content), encryption)
        self._say(region, f"AMI {made} ({region.name}), a copy of {image['ImageId']}{said}")
        return made

    def _dress(self, region: RegionWanted, image: Mapping[str, Any] | None, content: str) -> None:
        """Give an AMI its tags, permissions and date, then tell templates and parameters of it."""
        if image is None:
            self._say_wanted(region)
            return
        clients, named, where, dry = self._clients, str(image["ImageId"]), region.region, self._dry
        done = [
            attributes.set_tags(clients, where, image, self._tags(region, content), dry=dry),
            attributes.require_imds(clients, where, image, dry=dry),
        ]
        if region.permission:
            done.append(attributes.permit(clients, where, named, region.permission, dry=dry))
        if self._wanted.deprecated_at:
            done.append(attributes.deprecate(clients, where, image, self._wanted.deprecated_at, dry=dry))
        done += [attributes.add_template_version(clients, where, named, each, dry=dry) for each in region.templates]
        done += [attributes.put_parameter(clients, where, named, each, dry=dry) for each in region.parameters]
        for what in filter(None, done):
            self._say(region, what)

    def _say_wanted(self, region: RegionWanted) -> None:
        """Tell what an AMI that a dry run does not make would get."""
        if region.permission:
            whom = " ".join(f"+{who}" for _, who in sorted(region.permission.grantees))
            self._say(region, f"launch permission {whom}".rstrip())
        if self._wanted.deprecated_at:
            self._say(region, f"deprecated from {self._wanted.deprecated_at:%Y-%m-%d %H:%M} UTC on")
        for template in region.templates:
            self._say(region, f"a version of {template.launch_template_id}")
        for parameter in region.parameters:
            self._say(region, f"parameter {parameter.parameter_name}")


def _place(clients: Clients, region: str) -> str:
    """Return what tells a region of an account from all others: first of all, asked before anything is read."""
    groups = clients.ec2(region).describe_security_groups(MaxResults=5)["SecurityGroups"]
    account = groups[0]["OwnerId"] if groups else ""
    return f"{account} {region} {clients.endpoint}"
