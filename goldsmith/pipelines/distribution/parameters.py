"""A parameter of the Parameter Store tells a distributed AMI's id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.distribution.agreement import call_as
from goldsmith.pipelines.world import RefusedError

if TYPE_CHECKING:
    from goldsmith.documents.distribution import SsmParameterConfiguration
    from goldsmith.pipelines.distribution.wanted import DistributedImage
    from goldsmith.pipelines.workflows.action import StepRun

FREE = "/imagebuilder/"
"""Where parameters may be put without an execution role (user guide, "Prerequisites for SSM output parameters")."""


class NotAllowedError(GoldsmithError):
    """A parameter's name is one that Image Builder may not write by itself."""


def put_parameter(
    step: StepRun, image: DistributedImage, configuration: SsmParameterConfiguration, *, account: str
) -> None:
    """Put an AMI's id into an account's parameter, a new version of it where it is there with another value.

    Raises NotAllowedError, RefusedError, NotAgreedError.
    """
    name, region = configuration.parameter_name, image.region
    own = account == step.image.account
    if not name.startswith(FREE) and not (own and step.image.execution_role):
        raise NotAllowedError(
            f"Image Builder is not authorized to perform: ssm:PutParameter on resource: "
            f"arn:aws:ssm:{region}:{account}:parameter/{name.lstrip('/')}",
            mend=f"Name it under {FREE}, or build with an executionRole that may write it."
            if own
            else f"Name it under {FREE}: in other accounts no other parameters are written.",
        )
    kind = configuration.data_type or "text"
    if _value(step, account, region, name) == (image.ami_id, kind):
        return
    put = {"Name": name, "Value": image.ami_id, "Type": "String", "DataType": kind, "Overwrite": True}
    call_as(step, account, region, "ssm", "PutParameter", **put)
    step.say(f"The parameter {name} of account {account} in {region} is {image.ami_id}.")


def _value(step: StepRun, account: str, region: str, name: str) -> tuple[str, str]:
    try:
        parameter = call_as(step, account, region, "ssm", "GetParameter", Name=name)["Parameter"]
    except RefusedError as refusal:
        if refusal.code != "ParameterNotFound":
            raise
        return "", ""
    return parameter["Value"], parameter.get("DataType", "text")
