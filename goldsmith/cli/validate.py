"""`goldsmith validate`: every fault of every document, with its place."""

from __future__ import annotations

from pathlib import Path

from goldsmith.cli.output import UsageError, print_json
from goldsmith.documents.kind import kind_of
from goldsmith.documents.parser import parse_component
from goldsmith.documents.pipeline import parse_pipeline
from goldsmith.documents.source import DocumentError
from goldsmith.documents.templates.template import compose_template, is_template
from goldsmith.errors import GoldsmithError


def read_document(file: str) -> str:
    """Return a document's text; raise in words where it cannot be read."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as broken:
        raise UsageError(f"{file} is not UTF-8 text.", mend="Documents are YAML or JSON in UTF-8.") from broken
    except OSError as missing:
        raise UsageError(f"{file} cannot be read: {missing.strerror}.", mend="Check the path.") from missing


def validate_files(files: list[str], *, as_json: bool) -> int:
    """Check the files; return 0 when all are valid and 2 otherwise."""
    results = [(file, *_check(file)) for file in files]
    failed = any(problems for _, _, problems in results)
    if as_json:
        print_json(
            [
                {"file": file, "kind": kind, "valid": not problems, "faults": problems}
                for file, kind, problems in results
            ]
        )
    else:
        for file, kind, problems in results:
            for problem in problems:
                print(problem["text"])
            if not problems:
                print(f"{file}: valid {kind}")
    return 2 if failed else 0


def _is_template(text: str) -> bool:
    try:
        return is_template(compose_template(text, ""))
    except DocumentError:
        return False


def _check(file: str) -> tuple[str, list[dict[str, object]]]:
    kind = "document"
    try:
        text = read_document(file)
        kind = kind_of(text)
        if kind == "other" and _is_template(text):
            raise UsageError(
                f"{file} is a CloudFormation template.",
                mend=f"`goldsmith apply {file} --plan` checks it, and says what it makes.",
            )
        if kind == "pipeline":
            parse_pipeline(text, file)
        else:
            parse_component(text, file)
    except DocumentError as wrong:
        return kind, [
            {
                "line": fault.mark.line,
                "column": fault.mark.column,
                "message": fault.message,
                "meant": fault.meant,
                "text": str(fault),
            }
            for fault in wrong.faults
        ]
    except GoldsmithError as error:
        return kind, [{"message": error.message, "text": str(error)}]
    return kind, []
