"""What is known of conversions: by the source's bytes, the format, the image's own words, and the writers."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from goldsmith.pipelines.home import Home
from goldsmith.publish import known
from goldsmith.publish.known import forget, recall, remember
from goldsmith.publish.parts import MIB, Parts
from goldsmith.publish.source import Facts


class Source:
    def __init__(self, digest, facts):
        self.facts = facts
        self._digest = digest

    def digest(self, form):
        return self._digest


FACTS = Facts(reference="web/1.0.0/1", name="web", created="2027-01-15T08:00:00Z")
GAVE = {"sha256": "ab", "size": 7}


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def test_it_is_known_for_the_same_bytes_words_and_writers_alone(home, monkeypatch):
    source = Source("d", FACTS)
    remember(source, "vmdk", home, GAVE)
    assert recall(Source("d", FACTS), "vmdk", home) == GAVE
    assert recall(source, "vhd", home) is None
    assert recall(Source("e", FACTS), "vmdk", home) is None
    assert recall(Source("d", replace(FACTS, name="other")), "vmdk", home) is None
    monkeypatch.setattr(known, "_writers", lambda: "others")
    assert recall(source, "vmdk", home) is None


def test_of_a_source_without_a_digest_nothing_is_known(home):
    remember(Source("", FACTS), "vmdk", home, GAVE)
    assert recall(Source("", FACTS), "vmdk", home) is None


def test_more_is_known_of_the_same_bytes_and_nothing_of_others(home):
    source = Source("d", FACTS)
    remember(source, "vmdk", home, GAVE | {"md5": ["00"]})
    remember(source, "vmdk", home, GAVE)
    assert recall(source, "vmdk", home) == GAVE | {"md5": ["00"]}
    remember(source, "vmdk", home, {"sha256": "cd", "size": 7})
    assert recall(source, "vmdk", home) == {"sha256": "cd", "size": 7}


def test_what_is_damaged_or_old_is_not_known(home):
    source = Source("d", FACTS)
    remember(source, "vmdk", home, GAVE)
    (file,) = (home.path / "conversions").iterdir()
    file.write_text("{")
    assert recall(source, "vmdk", home) is None
    remember(source, "vmdk", home, GAVE)
    os.utime(file, (1000, 1000))
    assert recall(source, "vmdk", home) == GAVE, "and is asked for now"
    forget(home, before=2000)
    assert file.exists()
    os.utime(file, (1000, 1000))
    forget(home, before=2000)
    assert not file.exists()


@pytest.mark.parametrize("size", [0, 1, 8 * MIB, 8 * MIB + 1])
def test_parts_are_known_again_as_they_were(tmp_path, size):
    file = tmp_path / "file"
    file.write_bytes(bytes(size))
    parts = Parts.of(file)
    assert sum(part.size for part in parts.parts) == size
    assert Parts.known(parts.facts) == parts
    assert Parts.known({**parts.facts, "size": size + 9 * MIB}) is None
    assert Parts.known({"sha256": "ab", "size": size}) is None
