"""Values of AWS Systems Manager's Parameter Store, with those that are secret marked as such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from goldsmith.executor.aws import aws_errors

if TYPE_CHECKING:
    from goldsmith.executor.services import Services


@dataclass(frozen=True)
class StoredParameter:
    """A parameter's value; a StringList is comma-joined as the store gives it."""

    value: str
    secret: bool


def read_parameter(name: str, services: Services) -> StoredParameter:
    """Return a parameter, decrypted. Secrets Manager's, by /aws/reference/secretsmanager/…, count as secret.

    Raises ActionError where the store refuses or cannot be reached.
    """
    with aws_errors(f"Could not read the parameter {name} from Parameter Store"):
        answer = services.client("ssm").get_parameter(Name=name, WithDecryption=True)
    parameter = answer["Parameter"]
    secret = parameter.get("Type") == "SecureString" or name.startswith("/aws/reference/secretsmanager/")
    return StoredParameter(str(parameter["Value"]), secret)
