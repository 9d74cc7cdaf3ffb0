"""ExecuteDocument: another component document as a step (4.5)."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.documents.parser import parse_component
from goldsmith.errors import GoldsmithError
from goldsmith.executor import guest_files
from goldsmith.executor.aws import aws_errors
from goldsmith.executor.execution import DocumentRun
from goldsmith.executor.failures import ActionError
from goldsmith.executor.s3 import owner_argument, s3_address

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs

DEEPEST = 3
"""Documents may be nested this many levels below the top."""

LARGEST_DOCUMENT = 1 << 20


def execute_document(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Run ``document`` with its ``parameters`` and ``phases``; the outputs are the nested run's summary."""
    run = _find(inputs, attempt)
    _check_lineage(run.address, attempt)
    phases = [phase.strip() for phase in inputs.optional("phases").split(",") if phase.strip()]
    execution = attempt.execution
    nested = execution.inside(attempt.address, str(uuid.uuid4()), quiet=attempt.quiet)
    result = execution.run_nested(nested, run, phases or None)
    outputs = {key: str(value) for key, value in result.summary().items()}
    outputs.pop("skippedStepCount")
    attempt.detail = {**outputs, "documents": [document.shown() for document in result.documents]}
    if result.exit_code:
        failure = result.failure
        reason = f" In step {failure.step} of phase {failure.phase}: {failure.message}" if failure else ""
        raise ActionError(f"{result.failure_message}{reason}", stderr=failure.stderr if failure else "")
    return outputs


def _check_lineage(address: str, attempt: Attempt) -> None:
    lineage = (*attempt.execution.lineage, attempt.address)
    if _identity(address) in map(_identity, lineage):
        raise ActionError(f"The documents contain each other: {' -> '.join((*lineage, address))}.")
    if len(lineage) > DEEPEST:
        raise ActionError(f"The document {address} is nested more than {DEEPEST} levels deep.")


def _identity(address: str) -> str:
    path = Path(address)
    return str(path.resolve()) if path.is_file() else address


def _find(inputs: Inputs, attempt: Attempt) -> DocumentRun:
    where = inputs.text("document")
    parameters = {str(entry.get("name", "")): str(entry.get("value", "")) for entry in inputs.maps("parameters")}
    if where.startswith("arn:"):
        document = attempt.execution.services.find_component(where)
        if document is None:
            raise ActionError(f"There is no component {where}.")
        return DocumentRun(document, parameters, document.file if document.file.startswith("arn:") else where)
    if where.startswith("s3://"):
        return _parsed(_from_s3(inputs, attempt, where), where, parameters)
    if where.startswith("/"):
        return _parsed(_from_guest(attempt, where), where, parameters)
    beside = Path(attempt.document.file)
    if not beside.is_file():
        raise ActionError(
            f"The relative path {where} leads nowhere: {attempt.address} is not a file of this host.",
            mend="Name the document by its ARN, by s3:// or by an absolute path in the guest.",
        )
    path = (beside.parent / where).resolve()
    return _parsed(_from_host(path), str(path), parameters)


def _parsed(data: bytes, file: str, parameters: dict[str, str]) -> DocumentRun:
    if len(data) > LARGEST_DOCUMENT:
        raise ActionError(f"The document {file} is larger than {LARGEST_DOCUMENT} bytes.")
    try:
        return DocumentRun(parse_component(data.decode(), file), parameters)
    except UnicodeDecodeError as wrong:
        raise ActionError(f"The document {file} is not text in UTF-8.") from wrong
    except GoldsmithError as wrong:
        raise ActionError(f"The document {file} is not valid: {wrong.message}") from wrong


def _from_s3(inputs: Inputs, attempt: Attempt, where: str) -> bytes:
    address = s3_address(where)
    owner = owner_argument(inputs.optional("document-s3-bucket-owner"))
    with aws_errors(f"Could not read the document {address}"):
        answer = attempt.execution.services.client("s3").get_object(Bucket=address.bucket, Key=address.key, **owner)
        return bytes(answer["Body"].read(LARGEST_DOCUMENT + 1))


def _from_guest(attempt: Attempt, path: str) -> bytes:
    guest_files.require(attempt, path, "file")
    return attempt.shell(
        'head -c "$2" -- "$1"', path, str(LARGEST_DOCUMENT + 1), failing=f"Could not read the document {path}"
    )


def _from_host(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_DOCUMENT + 1)
    except OSError as failed:
        raise ActionError(f"Could not read the document {path}: {failed.strerror}.") from failed
