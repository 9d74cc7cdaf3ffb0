"""`goldsmith publish`: an image goes to AWS, a bucket or a registry, and what was done and sent is told."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from goldsmith.cli.output import UsageError, bytes_for_people, print_json, print_table
from goldsmith.cli.publishing import found_source
from goldsmith.cli.view import choose_view
from goldsmith.documents.distribution import DistributionConfiguration, LaunchPermission
from goldsmith.documents.shape_faults import read_shape
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.home import Home
from goldsmith.pipelines.progress import Stages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.publish.aws.publishing import Step
    from goldsmith.publish.aws.wanted import AwsWanted, RegionWanted
    from goldsmith.publish.source import Facts, Source

    Told = tuple[dict[str, Any], list[tuple[str, str, str]] | None]

AWS, BUCKET, REGISTRY = "aws", "s3://", "oci://"
CONTAINER = "oci"
REFERENCE_SLASHES = 2
ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True)
class AwsOptions:
    """What the command says of an image on AWS; ``regions`` are separated by commas."""

    regions: str = ""
    distribution: str = ""
    name: str = ""
    tags: tuple[str, ...] = ()
    share: tuple[str, ...] = ()
    encrypt: bool = False
    kms_key: str = ""
    boot_mode: str = "uefi-preferred"
    tpm: bool = False
    templates: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    deprecate_in: int = 0


@dataclass(frozen=True)
class Publication:
    """One command: which image goes where, and as what."""

    image: str
    to: str
    form: str
    profile: str
    endpoint: str
    aws: AwsOptions
    plain_http: bool = False
    dry_run: bool = False
    abandon: bool = False
    as_json: bool = False


def publish_image(asked: Publication) -> None:
    """Publish, and print what came of it. Raises GoldsmithError."""
    if asked.to != AWS and not asked.to.startswith((BUCKET, REGISTRY)):
        raise UsageError(
            f"{asked.to} is no place to publish to.",
            mend="Say --to aws, --to s3://BUCKET/KEY, or --to oci://HOST/REPOSITORY:TAG.",
        )
    home = Home.default().ready()
    if asked.abandon:
        told, lines = _abandon(asked, home)
    else:
        told, lines = _publish(asked, home)
    if asked.as_json:
        print_json(told)
        return
    if lines:
        print_table(("REGION", "", "WHAT"), lines)
    print(told["summary"])


def _publish(asked: Publication, home: Home) -> Told:
    view = choose_view(as_json=False)
    try:
        with found_source(asked.image) as source:
            stages = Stages(view)
            if asked.to == AWS:
                return _to_aws(asked, source, home, stages)
            if asked.to.startswith(BUCKET):
                return _to_bucket(asked, source, home, stages)
            return _to_registry(asked, source, home, stages)
    finally:
        view.close()


def _abandon(asked: Publication, home: Home) -> Told:
    """Delete what publishes of an image left in regions. An image that is gone here is known by its whole reference."""
    from goldsmith.publish.aws.clients import Clients
    from goldsmith.publish.aws.publishing import abandon_at_aws

    regions = [name for name in asked.aws.regions.split(",") if name]
    if asked.to != AWS or not regions:
        raise UsageError("Only snapshots at AWS can be abandoned.", mend="Say --to aws and --region.")
    try:
        with found_source(asked.image) as source:
            reference = source.facts.reference
    except GoldsmithError:
        if asked.image.count("/") != REFERENCE_SLASHES:
            raise
        reference = asked.image
    clients = Clients(asked.profile, asked.endpoint)
    steps = [
        step
        for region in regions
        for step in abandon_at_aws(clients, region, home.path, reference, dry_run=asked.dry_run)
    ]
    deleted = sum(not step.there for step in steps)
    verb = "would be deleted" if asked.dry_run else "deleted"
    summary = f"{deleted} snapshot{'' if deleted == 1 else 's'} {verb} of {reference}."
    return {"steps": [asdict(step) for step in steps], "summary": summary}, _lines(steps, dry_run=asked.dry_run)


def _lines(steps: Iterable[Step], *, dry_run: bool) -> list[tuple[str, str, str]]:
    done = "would be" if dry_run else "done"
    return [(step.region, "there" if step.there else done, step.what) for step in steps]


def _to_aws(asked: Publication, source: Source, home: Home, stages: Stages) -> Told:
    from goldsmith.publish.aws.clients import Clients
    from goldsmith.publish.aws.publishing import publish_to_aws

    wanted = aws_wanted(asked.aws, source.facts)
    clients = Clients(asked.profile, asked.endpoint)
    made = publish_to_aws(source, wanted, clients, home.path, stages, dry_run=asked.dry_run)
    if made.unchanged:
        summary = f"{source.facts.reference} is there; nothing was sent."
    else:
        verb = "would be sent" if asked.dry_run else "sent"
        summary = f"{bytes_for_people(made.sent)} {verb}, of {bytes_for_people(made.least)} that differ."
    return {**asdict(made), "summary": summary}, _lines(made.steps, dry_run=asked.dry_run)


def _to_bucket(asked: Publication, source: Source, home: Home, stages: Stages) -> Told:
    from goldsmith.publish.bucket import publish_to_bucket

    with stages.stage(f"send to {asked.to}") as stage:
        made = publish_to_bucket(
            source,
            asked.to,
            asked.form or "vmdk",
            home=home,
            endpoint=asked.endpoint,
            profile=asked.profile,
            region=asked.aws.regions,
            progress=stage.progress,
            dry_run=asked.dry_run,
        )
    verb = "would be sent" if asked.dry_run else "sent"
    size = f"{bytes_for_people(made.sent)} of {bytes_for_people(made.size)} {verb}"
    summary = f"{made.uri} is there; nothing was sent." if made.unchanged else f"{made.uri}: {size}."
    return {**asdict(made), "summary": f"{summary}\nsha256 {made.sha256}"}, None


def _to_registry(asked: Publication, source: Source, home: Home, stages: Stages) -> Told:
    from goldsmith.publish.registry import publish_disk
    from goldsmith.publish.registry import publish_image as publish_container

    form = asked.form or CONTAINER
    with stages.stage(f"send to {asked.to}") as stage:
        if form == CONTAINER:
            made = publish_container(
                source,
                asked.to,
                home=home,
                plain_http=asked.plain_http,
                progress=stage.progress,
                dry_run=asked.dry_run,
            )
        else:
            made = publish_disk(
                source,
                asked.to,
                form,
                home=home,
                plain_http=asked.plain_http,
                progress=stage.progress,
                dry_run=asked.dry_run,
            )
    verb = "would be sent" if asked.dry_run else "sent"
    packages = f"\nits packages: {made.referrer}" if made.referrer else ""
    there = f"{bytes_for_people(made.sent)} {verb}, {bytes_for_people(made.skipped)} were there."
    return {**asdict(made), "summary": f"{made.pinned}\n{there}{packages}"}, None


def aws_wanted(options: AwsOptions, facts: Facts) -> AwsWanted:
    """Return what options and a distribution file want of an image. Raises UsageError, DocumentError, WantedError."""
    from goldsmith.publish.aws.wanted import AwsWanted, from_distribution, in_days

    if options.distribution:
        if options.regions or options.name or options.share or options.templates or options.parameters:
            raise UsageError(
                "A distribution file says regions, names, permissions, templates and parameters itself.",
                mend="Leave --distribution out, or those options.",
            )
        file = Path(options.distribution)
        try:
            text = file.read_text()
        except (OSError, UnicodeDecodeError) as unread:
            raise UsageError(f"{file} cannot be read: {unread}.", mend="Check the path.") from unread
        said = read_shape(text, str(file), DistributionConfiguration, "A distribution configuration")
        regions = from_distribution(said, facts)
    else:
        try:
            regions = _regions(options, facts)
        except ValidationError as wrong:
            said_of = [f"{each['input']}: {each['msg']}" for each in wrong.errors(include_url=False)]
            raise UsageError(
                "; ".join(said_of), mend="`goldsmith publish --help` says what each option takes."
            ) from wrong
    return AwsWanted(
        regions,
        boot_mode=options.boot_mode,
        tpm=options.tpm,
        encrypted=options.encrypt,
        deprecated_at=in_days(options.deprecate_in, facts) if options.deprecate_in else None,
    )


def _regions(options: AwsOptions, facts: Facts) -> tuple[RegionWanted, ...]:
    from goldsmith.documents.distribution import LaunchTemplateConfiguration, SsmParameterConfiguration
    from goldsmith.publish.aws.wanted import RegionWanted, default_name

    names = [name for name in options.regions.split(",") if name]
    if not names:
        raise UsageError("No region is given.", mend="Say --region eu-central-1, or --distribution FILE.")
    if len(set(names)) < len(names):
        raise UsageError(f"A region stands twice in {options.regions}.")
    if (options.kms_key or options.templates) and len(names) > 1:
        raise UsageError(
            "A KMS key and a launch template are one region's.",
            mend="Say each region's in a --distribution file, as kmsKeyId and launchTemplateConfigurations.",
        )
    tags = {**facts.tags, **dict(_tag(each) for each in options.tags)}
    parameters = [{"parameterName": each, "dataType": "aws:ec2:image"} for each in options.parameters]
    return tuple(
        RegionWanted(
            region=name,
            name=options.name or default_name(facts),
            description=facts.description,
            tags=tags,
            kms_key=options.kms_key,
            permission=_permission(options.share),
            templates=tuple(LaunchTemplateConfiguration(launch_template_id=each) for each in options.templates),
            parameters=tuple(SsmParameterConfiguration.model_validate(each) for each in parameters),
        )
        for name in names
    )


def _permission(share: tuple[str, ...]) -> LaunchPermission | None:
    if not share:
        return None
    units = [each for each in share if ":ou/" in each]
    organisations = [each for each in share if each.startswith("arn:") and each not in units]
    accounts = [each for each in share if each != "all" and not each.startswith("arn:")]
    for each in accounts:
        if not ACCOUNT.fullmatch(each):
            raise UsageError(f"{each} is no account.", mend="Say its 12 digits, an organisation's ARN, or all.")
    said = {
        "userGroups": ["all"] if "all" in share else None,
        "userIds": accounts or None,
        "organizationArns": organisations or None,
        "organizationalUnitArns": units or None,
    }
    return LaunchPermission.model_validate(said)


def _tag(said: str) -> tuple[str, str]:
    key, equals, value = said.partition("=")
    if not equals or not key:
        raise UsageError(f"{said!r} is no tag.", mend="Write KEY=VALUE.")
    return key, value
