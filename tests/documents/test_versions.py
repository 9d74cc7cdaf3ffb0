from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.documents.versions import Version, VersionError, VersionPattern

NODES = st.integers(0, 2**30 - 1)
VERSIONS = st.builds(Version, NODES, NODES, NODES, NODES)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("x.x.x", "2.2.4"),
        ("1.x.x", "1.7.8/2"),
        ("1.6.x", "1.6.8"),
        ("1.7.8", "1.7.8/2"),
        ("1.7.8/1", "1.7.8/1"),
        ("3.x.x", None),
    ],
)
def test_resolving(pattern, found):
    versions = [Version.parse(text) for text in ("1.7.8/1", "1.6.8", "2.2.4", "1.7.8/2")]
    assert VersionPattern.parse(pattern).resolve(versions) == (Version.parse(found) if found else None)


@pytest.mark.parametrize(
    "text", ["1.0", "1.0.0.0", "v1.0.0", "1.0.0-a", "", "1.0.x", "1.0.0/", "1.0.0\n", "٣.0.0", "9" * 99]
)
def test_no_versions(text):
    with pytest.raises(VersionError, match="is not a version"):
        Version.parse(text)


@pytest.mark.parametrize("text", ["x.2.3", "1.x.3", "x.x.1", "1.x", "x", "1.0.0/x", "1.0.x/2", "X.x.x"])
def test_no_patterns(text):
    with pytest.raises(VersionError):
        VersionPattern.parse(text)


def test_nodes_have_thirty_bits():
    assert Version.parse("1073741823.0.0").major == 2**30 - 1
    with pytest.raises(VersionError, match="a number above 1073741823"):
        Version.parse("1073741824.0.0")


def test_the_integer_is_that_of_the_documented_notification():
    assert Version.parse("1.0.0/3").semver == 2**90 + 3
    assert Version.parse("1.2.3/4").semver == 2**90 + 2 * 2**60 + 3 * 2**30 + 4


@settings(deadline=None)
@given(VERSIONS, VERSIONS)
def test_order_is_that_of_the_integers(one, other):
    assert (one < other) == (one.semver < other.semver)
    assert Version.parse(str(one)) == one
    assert VersionPattern.parse(str(one.release)).matches(one)


@pytest.mark.parametrize(
    ("pattern", "taken", "expected"),
    [
        ("1.0.x", [], "1.0.1"),
        ("1.0.x", ["1.0.1", "1.0.9", "1.1.30"], "1.0.10"),
        ("1.x.x", ["1.4.2"], "1.5.0"),
        ("x.x.x", [], "1.0.0"),
        ("x.x.x", ["2024.6.14"], "2025.0.0"),
        ("1.2.3", ["1.2.3"], "1.2.3"),
    ],
)
def test_the_next_version(pattern, taken, expected):
    versions = [Version.parse(text) for text in taken]
    assert str(VersionPattern.parse(pattern).next(versions)) == expected


@pytest.mark.parametrize("text", ["1.2.3", "1.2.3/4", "1.2.x", "1.x.x", "x.x.x"])
def test_patterns_are_written_as_they_are_read(text):
    assert str(VersionPattern.parse(text)) == text
    assert VersionPattern.parse(text).is_open == ("x" in text)
