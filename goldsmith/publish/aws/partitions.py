"""AWS's partitions (aws, aws-cn, aws-us-gov): nothing of one is known in another, neither AMIs nor organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.publish.aws.clients import AwsPublishError

if TYPE_CHECKING:
    from goldsmith.publish.aws.clients import Clients
    from goldsmith.publish.aws.wanted import AwsWanted, RegionWanted


def require_one_partition(clients: Clients, wanted: AwsWanted) -> None:
    """Raise AwsPublishError for regions of more than one partition, and for who is shared with in another one."""
    here = {each.region: clients.partition(each.region) for each in wanted.regions}
    first, *others = wanted.regions
    for each in others:
        if here[each.region] != here[first.region]:
            raise AwsPublishError(
                f"{first.region} is in {here[first.region]} and {each.region} in {here[each.region]}: AWS copies "
                "nothing from one of its partitions to another.",
                mend="Publish to each by itself, with its own profile.",
            )
    for region in wanted.regions:
        for arn in _arns(region):
            if arn.split(":")[1] != here[region.region]:
                raise AwsPublishError(
                    f"{arn} is not of {here[region.region]}, where {region.region} is.",
                    mend="Say an ARN of that partition, or none.",
                )


def _arns(region: RegionWanted) -> list[str]:
    said = region.permission
    arns = [*(said.organization_arns or ()), *(said.organizational_unit_arns or ())] if said else []
    return [*arns, region.kms_key] if region.kms_key.startswith("arn:") else arns
