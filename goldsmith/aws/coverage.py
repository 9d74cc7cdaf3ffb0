"""What is answered here and how it differs from AWS, as a table: docs/api-coverage.md is made from the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.aws.models import service_model
from goldsmith.aws.operations import REGISTRIES

if TYPE_CHECKING:
    from collections.abc import Iterator

TITLES = {
    "ec2": "EC2",
    "ebs": "EBS direct APIs",
    "sts": "STS",
    "iam": "IAM",
    "ssm": "Systems Manager Parameter Store",
    "autoscaling": "EC2 Auto Scaling",
    "rbin": "Recycle Bin",
    "imagebuilder": "EC2 Image Builder",
}

HEAD = """# The operations answered here

Made from the code by `make reference`; do not edit. The schema of every request and answer is botocore's model. An
operation that is not listed answers `UnknownOperation` with the HTTP status 501 and is counted (`/-/metrics`).
**Role** is the least role of an access key that may call it. **Deviation** says what AWS does and Goldsmith does not.
"""


def render() -> str:
    """Return docs/api-coverage.md."""
    return "\n".join([HEAD, *_sections()])


def _sections() -> Iterator[str]:
    for service, registry in REGISTRIES.items():
        model = service_model(service)
        rows = [(name, found) for name in sorted(model.operation_names) if (found := registry.find(name))]
        yield f"## {TITLES[service]}\n\n{len(rows)} of {len(model.operation_names)} operations.\n"
        yield "| Operation | Role | Deviation |\n|---|---|---|"
        for name, answering in rows:
            yield f"| {name} | {answering.role} | {answering.deviation} |"
        yield ""
