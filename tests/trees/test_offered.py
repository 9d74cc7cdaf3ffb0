from __future__ import annotations

import lzma

import pytest

from goldsmith.trees import offered
from goldsmith.trees.archives import ArchiveError
from goldsmith.trees.offered import offered_versions, read_index
from tests.trees.mirror import packages, serve_mirror


@pytest.fixture
def mirror():
    with serve_mirror() as server:
        yield server


def test_the_newest_of_all_suites(mirror, tmp_path):
    mirror.publish("stable", packages(a="1.0-1", b="2.0-1") + "\n" + packages(a="1.0~rc1-1"))
    mirror.publish("security", packages(a="1.0-1+deb12u1", c="1:0.1"))
    found = offered_versions([mirror.archive("stable"), mirror.archive("security")], tmp_path)
    assert found == {"a": "1.0-1+deb12u1", "b": "2.0-1", "c": "1:0.1"}


def test_only_what_changed_is_read_again(mirror, tmp_path):
    mirror.publish("stable", packages(a="1"))
    mirror.publish("security", packages(a="2"))
    archives = [mirror.archive("stable"), mirror.archive("security")]
    offered_versions(archives, tmp_path)
    mirror.publish("security", packages(a="3"))
    mirror.asked.clear()
    assert offered_versions(archives, tmp_path) == {"a": "3"}
    assert not [path for path in mirror.asked if "stable" in path and "binary" in path]
    mirror.asked.clear()
    assert offered_versions(archives, tmp_path) == {"a": "3"}
    assert not [path for path in mirror.asked if "binary" in path]


def test_an_index_that_is_not_what_inrelease_says_is_refused(mirror, tmp_path):
    mirror.publish("stable", packages(a="1"))
    path = next(path for path in mirror.files if "by-hash" in path)
    mirror.files[path] = lzma.compress(packages(a="666").encode())
    with pytest.raises(ArchiveError, match="not what InRelease says"):
        offered_versions([mirror.archive("stable")], tmp_path)


@pytest.mark.parametrize("content", [b"", b"no xz", lzma.compress(b"Package: a\nVersion: 1\n" * 999)[:-40]])
def test_an_index_that_is_cut_short_or_no_xz_is_refused(mirror, tmp_path, content):
    mirror.publish("stable", "", content=content)
    with pytest.raises(ArchiveError, match=r"cut short|no xz"):
        offered_versions([mirror.archive("stable")], tmp_path)


def test_an_index_that_grows_without_end_is_refused(mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(offered, "LARGEST_UNPACKED", 5 << 20)
    mirror.publish("stable", "\n" * (12 << 20))
    with pytest.raises(ArchiveError, match="too large"):
        offered_versions([mirror.archive("stable")], tmp_path)


def test_a_suite_without_such_packages_and_one_that_is_not_there_are_refused(mirror, tmp_path):
    mirror.files["/debian/dists/empty/InRelease"] = b"Date: Sat, 01 Aug 2026 10:00:00 UTC\n"
    with pytest.raises(ArchiveError, match="names no main/binary-amd64"):
        offered_versions([mirror.archive("empty")], tmp_path)
    with pytest.raises(ArchiveError, match="404"):
        offered_versions([mirror.archive("absent")], tmp_path)


def test_reading_an_index():
    text = (
        "Package: a\nDescription: b\n Version: 0\nVersion: 1\n\nVersion: 9\n\nPackage: b\n\nPackage: c\nVersion:  2 \n"
    )
    assert list(read_index(text.splitlines())) == [("a", "1"), ("c", "2")]
