"""What waits to be sent a second time, and what of it is swept."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext, suppress

import pytest

from goldsmith.pipelines.home import Home
from goldsmith.publish.conversions import converted, sweep
from goldsmith.publish.source import Facts


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def source_of(tmp_path):
    raw = tmp_path / "disk.raw"
    raw.write_bytes(b"disk" * 1024 + bytes(1 << 20))

    class Source:
        facts = Facts(reference="web/1.0.0/1", name="web", created="2027-01-15T08:00:00Z")

        def raw(self):
            return nullcontext(raw)

        def output(self, form):
            return tmp_path / "written.vhdx" if form == "vhdx" else None

    return Source()


def cut(home, source, place):
    """Convert, and fail before the file has arrived; return the file."""
    with suppress(ConnectionError), converted(source, "vhd", home, place) as file:
        assert file.stat().st_size > 1 << 20
        raise ConnectionError
    return file


def test_a_conversion_stays_until_it_has_arrived(home, tmp_path):
    source = source_of(tmp_path)
    first = cut(home, source, "bucket/key")
    made = first.stat().st_ino
    with converted(source, "vhd", home, "bucket/key") as file:
        assert (file, file.stat().st_ino) == (first, made)
    assert not list((home.path / "publishing").iterdir())


def test_what_the_build_wrote_is_sent_as_it_is(home, tmp_path):
    with converted(source_of(tmp_path), "vhdx", home, "bucket/key") as file:
        assert file == tmp_path / "written.vhdx"
    assert not (home.path / "publishing").exists()


def test_what_is_old_or_half_made_is_swept_and_what_is_in_use_is_not(home, tmp_path):
    source = source_of(tmp_path)
    old, young = cut(home, source, "old").parent, cut(home, source, "young").parent
    os.utime(old, (0, 0))
    killed = old.with_name(f"making-{'k' * 32}")
    killed.mkdir()
    old.with_name(f"{'k' * 32}.lock").touch()
    before = time.time() - 60
    with converted(source, "vhd", home, "used") as used:
        os.utime(used.parent, (0, 0))
        assert set(sweep(home, before=before)) == {old, killed}
        assert used.exists()
    assert {path.name for path in young.parent.iterdir()} == {young.name, f"{young.name}.lock"}
    assert sweep(home, before=before) == []
    assert sweep(home, before=time.time() + 60) == [young]
    assert not list(young.parent.iterdir())
