"""`goldsmith storage` and `goldsmith gc` on a home with a catalogue."""

from __future__ import annotations

import json

import pytest

from goldsmith.aws.cloud import Cloud
from goldsmith.aws.ec2.snapshot_records import blank_snapshot, completed
from goldsmith.blocks.block_map import BLOCK, BlockMap
from goldsmith.catalog.accounts import create_account
from goldsmith.cli import gc, storage
from goldsmith.pipelines.home import Home

EAST, WEST = "us-east-1", "us-west-2"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Two regions with the same two snapshots of three blocks, one of which they share."""
    monkeypatch.setenv("GOLDSMITH_HOME", str(tmp_path))
    cloud = Cloud(Home(tmp_path))
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        account = create_account(connection, "acme")
    for region in (EAST, WEST):
        with cloud.blocks(region).writing() as writing:
            for letter in (b"a", b"b"):
                blocks = {0: writing.put(b"s" * BLOCK), 1: writing.put(letter * BLOCK)}
                block_map = BlockMap(1 << 30, blocks)
                name = writing.save(block_map)
                with cloud.catalog(account, region) as catalog:
                    catalog.add(completed(blank_snapshot(account.id, region, 1.0, 1), name, block_map, 1.0))
    cloud.close()
    return tmp_path


def blocks_of(home, region):
    return [path for path in (home / "blocks" / region / "blocks").rglob("*") if path.is_file()]


def test_what_is_stored_is_told(home, capsys):
    storage.show_storage(as_json=True)
    east = json.loads(capsys.readouterr().out)[0]
    assert (east["regions"], east["maps"]) == ([EAST], 2)
    assert (east["logical"], east["referenced"], east["shared"]) == (4 * BLOCK, 3 * BLOCK, BLOCK)
    assert 0 < east["stored"] < BLOCK
    storage.show_storage(as_json=False)
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:]] == [[EAST, "2"], [WEST, "2"]]


def test_a_whole_store_is_whole(home, capsys):
    assert storage.check_storage(region="", repair=False, as_json=False) == 0
    assert f"{EAST}: 3 blocks, all whole." in capsys.readouterr().out


def test_damage_is_told_with_the_snapshots_it_hits_and_repaired_from_another_region(home, capsys):
    damaged = blocks_of(home, EAST)[0]
    damaged.write_bytes(b"damage")
    assert storage.check_storage(region=EAST, repair=False, as_json=True) == 1
    (told,) = json.loads(capsys.readouterr().out)
    assert len(told["damaged"]) == 1
    assert 1 <= len(told["snapshots"]) <= 2
    assert storage.check_storage(region=EAST, repair=True, as_json=False) == 0
    capsys.readouterr()
    assert storage.check_storage(region="", repair=False, as_json=False) == 0


def test_what_is_nowhere_else_stays_wrong(home, capsys):
    for region in (EAST, WEST):
        for file in blocks_of(home, region):
            file.write_bytes(b"damage")
    assert storage.check_storage(region=EAST, repair=True, as_json=False) == 1
    assert "cannot be read whole" in capsys.readouterr().out


def test_gc_collects_blocks_too(home, capsys):
    gc.collect(days=1, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["blocks"][EAST] == {"maps": 0, "blocks": 0, "stored_bytes": 0, "condemned": 0}
    assert len(blocks_of(home, EAST)) == 3


def test_gc_of_a_home_without_a_catalogue(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GOLDSMITH_HOME", str(tmp_path))
    gc.collect(days=1, as_json=True)
    assert json.loads(capsys.readouterr().out)["blocks"] == {}
