"""`goldsmith publish`: the command and its options."""

from __future__ import annotations

from typing import Annotated

import typer

Place = Annotated[
    str, typer.Option("--to", help="aws, s3://BUCKET/KEY, or oci://HOST/REPOSITORY:TAG.", metavar="PLACE")
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(epilog="Example: goldsmith publish web-server --to aws --region eu-central-1 --dry-run")(publish)


def publish(
    image: Annotated[str, typer.Argument(help="NAME[/VERSION[/BUILD]], or an AMI's id, name or Name tag.")],
    to: Place,
    form: Annotated[
        str, typer.Option("--format", help="A bucket's or registry's file: a format of docs/formats.md; vmdk or oci.")
    ] = "",
    region: Annotated[str, typer.Option(help="AWS regions, separated by commas; the first gets the blocks.")] = "",
    profile: Annotated[str, typer.Option(help="The AWS profile, if not the default one.")] = "",
    endpoint: Annotated[str, typer.Option("--endpoint-url", help="Another S3 or AWS than AWS's own.")] = "",
    distribution: Annotated[
        str, typer.Option(help="A file with a distribution configuration, as CreateDistributionConfiguration takes it.")
    ] = "",
    name: Annotated[str, typer.Option(help="The AMI's name; the image's own, as web-server/1.0.2/1.")] = "",
    tags: Annotated[list[str] | None, typer.Option("--tag", help="KEY=VALUE, as often as needed.")] = None,
    share: Annotated[
        list[str] | None, typer.Option("--share", help="An account, an organisation's or unit's ARN, or all.")
    ] = None,
    encrypt: Annotated[bool, typer.Option("--encrypt", help="Encipher the snapshot.")] = False,
    kms_key: Annotated[str, typer.Option(help="The KMS key to do so with: its ARN, id or alias.")] = "",
    boot_mode: Annotated[str, typer.Option(help="uefi-preferred, uefi or legacy-bios.")] = "uefi-preferred",
    tpm: Annotated[bool, typer.Option("--tpm", help="Instances have a TPM 2.0 (boot mode uefi).")] = False,
    template: Annotated[
        list[str] | None, typer.Option("--launch-template", help="A template's id: gets a new default version.")
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--ssm-parameter", help="A parameter's name: gets the AMI's id.")
    ] = None,
    deprecate_in: Annotated[int, typer.Option(min=0, help="Days after which the AMI is deprecated; 0 for never.")] = 0,
    plain_http: Annotated[bool, typer.Option("--plain-http", help="The registry speaks no TLS.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done and sent.")] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Delete what publishes that were cut short left at AWS; publish nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Publish an image to AWS, a bucket or a registry, once."""
    from goldsmith.cli.publications import AwsOptions, Publication, publish_image

    options = AwsOptions(
        regions=region,
        distribution=distribution,
        name=name,
        tags=tuple(tags or ()),
        share=tuple(share or ()),
        encrypt=encrypt,
        kms_key=kms_key,
        boot_mode=boot_mode,
        tpm=tpm,
        templates=tuple(template or ()),
        parameters=tuple(parameter or ()),
        deprecate_in=deprecate_in,
    )
    publish_image(
        Publication(
            image,
            to,
            form,
            profile,
            endpoint,
            options,
            plain_http=plain_http,
            dry_run=dry_run,
            abandon=abandon,
            as_json=json,
        )
    )
