"""The inputs of ``awstoe run``: its comma lists, its configuration file, and which of them wins (4.10). Pure."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from goldsmith.errors import GoldsmithError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


class ConfigurationError(GoldsmithError):
    """The inputs of a run cannot be understood."""

    exit_code = 2


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class NamedValue(_Part):
    """A parameter with its value."""

    name: str = Field(min_length=1)
    value: str


class DocumentRequest(_Part):
    """A document to run: a path, an s3:// address or an ARN, with parameters of its own."""

    path: str = Field(min_length=1)
    parameters: tuple[NamedValue, ...] = ()


class RunConfiguration(_Part):
    """What a run was asked for, by flags or by a configuration file; None is what was not said."""

    documents: tuple[DocumentRequest, ...] = ()
    phases: str | None = None
    parameters: tuple[NamedValue, ...] = ()
    execution_id: str | None = Field(
        default=None, validation_alias=AliasChoices("executionId", "executonId", "execution_id")
    )
    log_directory: str | None = None
    state_directory: str | None = None
    log_s3_bucket_name: str | None = None
    log_s3_bucket_owner: str | None = None
    log_s3_key_prefix: str | None = None
    cw_log_group: str | None = None
    cw_log_stream: str | None = None
    cw_log_region: str | None = None
    cw_ignore_failures: bool | None = None
    document_s3_bucket_owner: str | None = None
    trace: bool | None = None

    def parameters_for(self, document: DocumentRequest) -> dict[str, str]:
        """Return the values for a document: its own win over those for all."""
        return {entry.name: entry.value for entry in (*self.parameters, *document.parameters)}

    @property
    def phase_names(self) -> list[str] | None:
        """The phases to run; None for all."""
        return parse_list(self.phases) if self.phases else None


def parse_list(text: str) -> list[str]:
    """Return the entries of ``a,b,c``. Raises ConfigurationError for an empty entry."""
    entries = [entry.strip() for entry in text.split(",")]
    if not all(entries):
        raise ConfigurationError(f"The list '{text}' has an empty entry.", mend="Write it as one,two without spaces.")
    return entries


def parse_parameters(text: str) -> dict[str, str]:
    """Return the parameters of ``name1=value1,name2=value2``; a value may hold ``=`` but no comma.

    Raises ConfigurationError for an entry without name, ``=`` or value, and for a name given twice.
    """
    parameters: dict[str, str] = {}
    for entry in text.split(","):
        name, equals, value = entry.partition("=")
        name = name.strip()
        if not equals or not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"The parameter '{entry}' is not of the form name=value.",
                mend="Separate parameters by commas; a value that holds a comma goes into a configuration file.",
            )
        if not value:
            raise ConfigurationError(f"The parameter {name} has no value.", mend=f"Write {name}=value or leave it out.")
        if name in parameters:
            raise ConfigurationError(f"The parameter {name} is given twice.")
        parameters[name] = value
    return parameters


def load_configuration(text: str, file: str = "The configuration") -> RunConfiguration:
    """Return what a configuration file's JSON says; all its faults come at once as a ConfigurationError."""
    try:
        configuration = RunConfiguration.model_validate_json(text)
    except ValidationError as wrong:
        faults = "; ".join(_fault(error) for error in wrong.errors())
        raise ConfigurationError(f"{file} is not valid: {faults}.") from wrong
    for parameters in (configuration.parameters, *(each.parameters for each in configuration.documents)):
        names = Counter(entry.name for entry in parameters)
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            raise ConfigurationError(f"{file} is not valid: the parameter {twice[0]} is given twice.")
    return configuration


def settle(flags: RunConfiguration, file: RunConfiguration | None) -> RunConfiguration:
    """Return one configuration from flags and file: what a flag says wins.

    Raises ConfigurationError unless documents come from exactly one of them.
    """
    if file is None:
        if not flags.documents:
            raise ConfigurationError("There is no document to run.", mend="Name documents, or a file with --config.")
        return flags
    if flags.documents or flags.parameters:
        raise ConfigurationError(
            "Documents and parameters cannot be given together with --config.",
            mend="Put them into the configuration file, or leave --config away.",
        )
    if not file.documents:
        raise ConfigurationError("The configuration names no documents.", mend='Add "documents": [{"path": "…"}].')
    said = {name: getattr(flags, name) for name in flags.model_fields_set if getattr(flags, name) is not None}
    return file.model_copy(update=said)


def _fault(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"there is no key {where}"
    if error["type"] == "missing":
        return f"{where} is missing"
    message = error["msg"][0].lower() + error["msg"][1:]
    return f"{where}: {message}" if where else message
