"""The inputs of awstoe run."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.executor.configuration import (
    ConfigurationError,
    DocumentRequest,
    RunConfiguration,
    load_configuration,
    parse_list,
    parse_parameters,
    settle,
)

NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters=","), min_size=1)


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_parameters_come_back(parameters):
    assert parse_parameters(",".join(f"{name}={value}" for name, value in parameters.items())) == parameters


@given(st.text())
def test_any_text_is_parameters_or_an_error(text):
    with contextlib.suppress(ConfigurationError):
        assert all(parse_parameters(text).values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n=", "The parameter n has no value."),
        ("n", "The parameter 'n' is not of the form name=value."),
        ("a=1,,b=2", "The parameter '' is not of the form name=value."),
        ("a=1,a=2", "The parameter a is given twice."),
    ],
)
def test_wrong_parameters(text, message):
    with pytest.raises(ConfigurationError) as caught:
        parse_parameters(text)
    assert caught.value.message == message


def test_lists():
    assert parse_list("build,validate") == ["build", "validate"]
    with pytest.raises(ConfigurationError):
        parse_list("build,")


WHOLE = {
    "documents": [
        {"path": "a.yml", "parameters": [{"name": "x", "value": "own"}]},
        {"path": "s3://b/k"},
    ],
    "phases": "build,validate",
    "parameters": [{"name": "x", "value": "all"}, {"name": "y", "value": "all"}],
    "executonId": "id",
    "logDirectory": "/logs",
    "logS3BucketName": "bucket",
    "cwIgnoreFailures": True,
    "trace": False,
}


def test_a_configuration_file():
    configuration = load_configuration(json.dumps(WHOLE))
    assert configuration.phase_names == ["build", "validate"]
    assert configuration.execution_id == "id"
    assert configuration.log_s3_bucket_name == "bucket"
    assert [configuration.parameters_for(document) for document in configuration.documents] == [
        {"x": "own", "y": "all"},
        {"x": "all", "y": "all"},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"documents": [{}]}', "The configuration is not valid: documents.0.path is missing."),
        ('{"docs": [], "trace": "perhaps"}', "there is no key docs"),
        ("{", "The configuration is not valid: invalid JSON"),
        ('{"parameters": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}', "a is given twice"),
        ("[]", "The configuration is not valid"),
    ],
)
def test_wrong_configurations(text, message):
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(text)
    assert message in caught.value.message


def test_flags_win_over_the_file():
    file = load_configuration(json.dumps(WHOLE))
    settled = settle(RunConfiguration(phases="test", log_directory="/other", execution_id="flag"), file)
    assert (settled.phases, settled.log_directory, settled.execution_id) == ("test", "/other", "flag")
    assert settled.documents == file.documents
    assert settled.log_s3_bucket_name == "bucket"


def test_documents_come_from_one_place():
    documents = (DocumentRequest(path="x"),)
    assert settle(RunConfiguration(documents=documents), None).documents == documents
    for flags, file in (
        (RunConfiguration(), None),
        (RunConfiguration(documents=documents), RunConfiguration(documents=documents)),
        (RunConfiguration(), RunConfiguration()),
    ):
        with pytest.raises(ConfigurationError):
            settle(flags, file)
