"""Records of instances: what is written is read, and nothing else is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.builders.record import FOLDER, Deed, InstanceRecord

ID = "i-0123456789abcdef0"
TEXT = st.text(max_size=20)
MAPS = st.dictionaries(TEXT, st.one_of(TEXT, st.lists(TEXT)))
DEEDS = st.builds(
    Deed, kind=st.sampled_from(["component", "command", "cleanup"]), step=TEXT, arn=TEXT, inputs=MAPS, outputs=MAPS
)


@given(st.builds(InstanceRecord, id=st.just(ID), kind=st.sampled_from(["sandbox", "machine"]),
                 deeds=st.lists(DEEDS).map(tuple), accounts=st.lists(TEXT).map(tuple), archives=st.lists(MAPS).map(tuple)))  # fmt: skip
def test_a_record_is_read_as_it_was_written(tmp_path_factory, record):
    build = tmp_path_factory.mktemp("build")
    record.save(build)
    assert InstanceRecord.load(build, ID) == record
    record.remove(build)
    assert InstanceRecord.load(build, ID) is None


def test_an_id_that_is_none_names_no_file(tmp_path):
    (tmp_path / "secret.json").write_text(json.dumps({"id": "x", "kind": "sandbox"}))
    for name in ("../secret", "../../etc/passwd", "", "secret"):
        assert InstanceRecord.load(tmp_path, name) is None


def test_a_damaged_record_is_told(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / f"{ID}.json").write_text("{")
    with pytest.raises(GoldsmithError, match="damaged"):
        InstanceRecord.load(tmp_path, ID)
