"""The operators of 4.8, and what a step does with its condition."""

from __future__ import annotations

import hashlib

import pytest

from goldsmith.executor.failures import ActionError
from goldsmith.executor.operators import compare


@pytest.mark.parametrize(
    ("operator", "baseline", "value", "true"),
    [
        ("stringIsEmpty", "", None, True),
        ("stringIsEmpty", " ", None, False),
        ("stringIsWhitespace", " \t\n", None, True),
        ("stringIsWhitespace", "", None, False),
        ("stringEquals", "Yes", "yes", True),
        ("stringEquals", "yes ", "yes", False),
        ("stringEquals", 10, "10", True),
        ("stringLessThan", "b", "a", True),
        ("stringLessThan", "a", "9", True),
        ("stringLessThan", "a", "A", False),
        ("stringLessThanEquals", "a", "A", True),
        ("stringGreaterThan", "a", "b", True),
        ("stringGreaterThan", "b", "a", False),
        ("stringGreaterThanEquals", "A", "a", True),
        ("patternMatches", "^[a-z]+$", "ThisIsValue", True),
        ("patternMatches", "b+", "aabbcc", True),
        ("patternMatches", "^b", "aabbcc", False),
        ("numberEquals", 10, "10.0", True),
        ("numberEquals", "1", "one", False),
        ("numberEquals", 1, "1.", False),
        ("numberEquals", 1, ".5", False),
        ("numberEquals", 1, "+1", True),
        ("numberEquals", 1, "1e0", False),
        ("numberEquals", 0.1, "0.1", True),
        ("numberEquals", 1, " 1", False),
        ("numberLessThan", 10, "9", True),
        ("numberLessThan", 10, "10", False),
        ("numberLessThanEquals", 10, "10", True),
        ("numberGreaterThan", -5, "-4.5", True),
        ("numberGreaterThanEquals", 10, "9.99", False),
        ("numberEquals", 1, True, False),
    ],
)
def test_comparisons_read_value_operator_baseline(operator, baseline, value, true):
    assert compare(operator, baseline, value) is true


def test_case_can_count():
    assert not compare("stringEquals", "Yes", "yes", ignore_case=False)
    assert not compare("patternMatches", "^[a-z]+$", "ThisIsValue", ignore_case=False)


def test_what_re2_cannot_do_is_said():
    with pytest.raises(ActionError, match="not a regular expression of RE2"):
        compare("patternMatches", "(?=a)", "a")


@pytest.fixture
def decide(bench):
    def ask(condition):
        result = bench.steps(bench.step("ExecuteBash", {"commands": ["echo ran"]}, **{"if": condition}))
        return result.documents[0].phases[0].steps[0].status == "success"

    return ask


def test_facts_of_the_guest(decide, bench):
    file = bench.folder / "-a file\n"
    file.write_bytes(b"content")
    (bench.folder / "link").symlink_to(file)
    assert decide({"binaryExists": "bash"})
    assert decide({"binaryExists": "cd"})
    assert not decide({"binaryExists": "no-such-thing"})
    assert not decide({"binaryExists": "x; true"})
    assert decide({"fileExists": str(file)})
    assert decide({"fileExists": "-a file\n"})
    assert decide({"fileExists": str(bench.folder / "link")})
    assert not decide({"fileExists": str(bench.folder)})
    assert decide({"folderExists": str(bench.folder)})
    assert not decide({"folderExists": str(file)})


@pytest.mark.parametrize("name", ["MD5", "SHA1", "SHA256", "SHA512"])
def test_digests(decide, bench, name):
    file = bench.folder / "-a \\ file"
    file.write_bytes(b"content")
    digest = hashlib.new(name.lower(), b"content").hexdigest()
    assert decide({f"file{name}Equals": digest.upper(), "path": str(file)})
    assert not decide({f"file{name}Equals": digest, "path": str(bench.folder / "missing")})
    assert not decide({f"file{name}Equals": "", "path": str(bench.folder / "missing")})


def test_logic_is_short_circuited(decide):
    assert decide({"or": [{"stringEquals": "a", "value": "a"}, {"stringEquals": "{{ env:NO_SUCH }}", "value": "a"}]})
    assert not decide(
        {"and": [{"stringEquals": "a", "value": "b"}, {"stringEquals": "{{ env:NO_SUCH }}", "value": "a"}]}
    )
    assert decide({"not": {"and": [{"binaryExists": "bash"}, {"binaryExists": "no-such"}]}})


@pytest.mark.parametrize(
    ("branches", "value", "status"),
    [
        ({}, "a", "success"),
        ({}, "b", "skipped"),
        ({"then": "Skip"}, "a", "skipped"),
        ({"then": "Skip", "else": "Execute"}, "b", "success"),
        ({"then": "Abort"}, "a", "failed"),
        ({"else": "Abort"}, "b", "failed"),
    ],
)
def test_then_and_else(bench, branches, value, status):
    condition = {"stringEquals": "a", "value": value, **branches}
    result = bench.steps(bench.step("ExecuteBash", {"commands": ["true"]}, **{"if": condition}))
    assert result.documents[0].phases[0].steps[0].status == status
    assert result.skipped == (status == "skipped")
    assert result.status == ("failed" if status == "failed" else "success")
    assert result.failed == (status == "failed")


def test_abort_obeys_on_failure(bench):
    condition = {"stringEquals": "a", "value": "a", "then": "Abort"}
    result = bench.steps(bench.step("ExecuteBash", {"commands": ["true"]}, onFailure="Ignore", **{"if": condition}))
    assert (result.status, result.ignored) == ("success", 1)


def test_assert(bench):
    assert bench.steps("name: Yes\naction: Assert\ninputs: {stringEquals: a, value: a}").status == "success"
    result = bench.steps(
        "name: No1\naction: Assert\ninputs:\n  not: {stringEquals: a, value: '{{ context:step }}x'}\nmaxAttempts: 1"
    )
    assert result.status == "success"
    result = bench.steps("name: No2\naction: Assert\ninputs:\n  and: [{stringEquals: a, value: '{{ context:step }}'}]")
    assert result.failure.message == "The assertion is false: and(stringEquals('a', 'No2'))."
