"""Names of parameters: their rules, their ARNs, and the version or label that may follow them."""

from __future__ import annotations

import re
from typing import NamedTuple

from goldsmith.aws.errors import AwsError

NAME = re.compile(r"/?[a-zA-Z0-9_.-]+(?:/[a-zA-Z0-9_.-]+)*")
ARN = re.compile(r"arn:aws[a-z-]*:ssm:([a-z0-9-]+):([0-9]{12})?:parameter/(.+)")
LONGEST_ARN = 512
DEEPEST = 15
LABEL = re.compile(r"(?!aws|ssm)(?![0-9])[a-zA-Z0-9_.-]{1,100}", re.IGNORECASE)


class Reference(NamedTuple):
    """What a request names: a parameter by its ARN, and a version or a label of it, "" for the newest."""

    arn: str
    selector: str


def parse_reference(text: str, account: str, region: str) -> Reference:
    """Return what a name, or ARN, with or without ":version" or ":label" after it, means to an account in a region.

    Names that begin with /aws are those of the house, of no account.
    """
    if text.startswith("arn:"):
        found = ARN.fullmatch(text)
        if found is None:
            raise AwsError("ValidationException", "Invalid parameter ARN.")
        name, _, selector = found[3].partition(":")
        return Reference(text[: len(text) - len(found[3])] + name, selector)
    name, _, selector = text.partition(":")
    return Reference(arn_of(name, "" if is_reserved(name) else account, region), selector)


def arn_of(name: str, account: str, region: str) -> str:
    """Return a parameter's ARN; /name and name are the same."""
    return f"arn:aws:ssm:{region}:{account}:parameter/{name.removeprefix('/')}"


def is_reserved(name: str) -> bool:
    """Tell whether a name is one of those that only the house gives."""
    return name.removeprefix("/").partition("/")[0].lower() == "aws"


def require_name(name: str) -> str:
    """Return a name that an account may give to a parameter. Raises AwsError for any other."""
    if is_reserved(name):
        raise AwsError("AccessDeniedException", f"No access to reserved parameter name: {name[:200]}.")
    if "/" in name and not name.startswith("/"):
        raise AwsError("ValidationException", "Parameter name must be a fully qualified name.")
    first = name.removeprefix("/").partition("/")[0].lower()
    if not NAME.fullmatch(name) or first.startswith(("aws", "ssm")):
        raise AwsError(
            "ValidationException",
            'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive). If formed as a path, it can '
            "consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers "
            "and the following 3 symbols .-_",
        )
    if name.count("/") > DEEPEST:
        raise AwsError(
            "HierarchyLevelLimitExceededException",
            f"Parameter name must have at most {DEEPEST} levels, for example /Level-1/L2/L3.",
        )
    return name


def require_path(path: str) -> str:
    """Return a path below which an account's parameters are. Raises AwsError for any other."""
    first = path.removeprefix("/").partition("/")[0].lower()
    if first.startswith(("aws", "ssm")):
        raise AwsError(
            "ValidationException",
            'Filters for common parameters can\'t be prefixed with "aws" or "ssm" (case-insensitive). When using '
            "global parameters, please specify within a global namespace.",
        )
    if path != "/" and not (path.startswith("/") and NAME.fullmatch(path.removesuffix("/"))):
        raise AwsError(
            "ValidationException",
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward "
            'slash "/". It can\'t be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, '
            "numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not "
            'allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: '
            "/get/parameters2-/by1./path0_.",
        )
    return path


def require_short(arn: str) -> str:
    """Return an ARN that the catalogue can hold. Raises AwsError for a longer one."""
    if len(arn) > LONGEST_ARN:
        raise AwsError("ValidationException", f"Parameter name is too long: its ARN has over {LONGEST_ARN} characters.")
    return arn
