"""botocore's service models: the schema of everything that is asked and answered here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from botocore.loaders import Loader
from botocore.model import ServiceModel

if TYPE_CHECKING:
    from botocore.model import OperationModel

QUERY_VERSIONS = {"2016-11-15": "ec2", "2011-06-15": "sts", "2010-05-08": "iam", "2011-01-01": "autoscaling"}
"""The API version that a query request names, by which an unsigned one tells its service."""

TARGETS = {"AmazonSSM": "ssm"}
"""The prefix of X-Amz-Target by service."""

SERVICES = (*QUERY_VERSIONS.values(), "ebs", "ssm", "rbin", "imagebuilder")

REST = ("ebs", "rbin", "imagebuilder")
"""The services that speak REST-JSON."""


@dataclass(frozen=True)
class Operation:
    """One operation of one service, with its model."""

    service: str
    name: str
    model: OperationModel

    @property
    def protocol(self) -> str:
        """The wire protocol: ec2, query, json or rest-json."""
        return str(self.model.service_model.metadata["protocol"])

    @property
    def namespace(self) -> str:
        """The XML namespace of its answers, as AWS sends it with a slash at the end."""
        return str(self.model.service_model.metadata.get("xmlNamespace", "")).rstrip("/") + "/"

    @property
    def token_member(self) -> str:
        """The name of its client token's member; empty where it has none."""
        return next(iter(self.model.idempotent_members), "")


@cache
def service_model(service: str) -> ServiceModel:
    """Return a service's model; it takes a tenth of a second the first time."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@cache
def find_operation(service: str, name: str) -> Operation | None:
    """Return an operation of the model, whether it is implemented or not."""
    model = service_model(service)
    if name not in model.operation_names:
        return None
    return Operation(service, name, model.operation_model(name))
