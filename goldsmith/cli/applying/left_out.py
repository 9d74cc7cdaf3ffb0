"""What references to resources of a template give that are not made here: names and ARNs of their proper form.

An account has one network here, its default VPC: it stands for those that templates make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldsmith.documents.templates.scope import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.cli.here import Here

NETWORK = ("AWS::EC2::SecurityGroup", "AWS::EC2::Subnet", "AWS::EC2::VPC")


@dataclass(frozen=True)
class Form:
    """How a type's resources are named: the property that says it, and their ARN; what gives the ARN."""

    member: str
    arn: str
    attribute: str = "Arn"
    lower: bool = False
    reference_is_arn: bool = False


FORMS = {
    "AWS::ECR::Repository": Form("RepositoryName", "arn:aws:ecr:{region}:{account}:repository/{name}", lower=True),
    "AWS::IAM::ManagedPolicy": Form(
        "ManagedPolicyName", "arn:aws:iam::{account}:policy/{name}", "PolicyArn", reference_is_arn=True
    ),
    "AWS::KMS::Key": Form("", "arn:aws:kms:{region}:{account}:key/{name}"),
    "AWS::Logs::LogGroup": Form("LogGroupName", "arn:aws:logs:{region}:{account}:log-group:{name}:*"),
    "AWS::S3::Bucket": Form("BucketName", "arn:aws:s3:::{name}", lower=True),
    "AWS::SNS::Topic": Form("TopicName", "arn:aws:sns:{region}:{account}:{name}", "TopicArn", reference_is_arn=True),
}


def stand_in(here: Here, kind: str, name: str, logical_id: str, properties: Mapping[str, Any]) -> Identity:
    """Return what Ref and GetAtt give of a resource that is not made; ``name`` is the one it would get by itself."""
    if kind in NETWORK:
        return Identity(
            _default(here, kind), {"GroupId": _default(here, "AWS::EC2::SecurityGroup")}, any_attribute=True
        )
    form = FORMS.get(kind)
    if form is None:
        return Identity(logical_id, any_attribute=True)
    said = properties.get(form.member)
    own = name.lower() if form.lower else name
    chosen = said if isinstance(said, str) and said else own
    arn = form.arn.format(region=here.region, account=here.account.id, name=chosen)
    return Identity(arn if form.reference_is_arn else chosen, {form.attribute: arn}, any_attribute=True)


def _default(here: Here, kind: str) -> str:
    if kind == "AWS::EC2::VPC":
        found = here.ec2("DescribeVpcs")["Vpcs"]
        return str(found[0]["VpcId"]) if found else "default"
    if kind == "AWS::EC2::Subnet":
        found = here.ec2("DescribeSubnets")["Subnets"]
        return str(found[0]["SubnetId"]) if found else "default"
    filters = [{"Name": "group-name", "Values": ["default"]}]
    found = here.ec2("DescribeSecurityGroups", Filters=filters)["SecurityGroups"]
    return str(found[0]["GroupId"]) if found else "default"
