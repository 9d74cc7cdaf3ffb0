from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.machines.instances.metadata_file import (
    MetadataFile,
    decode_metadata,
    encode_metadata,
    read_metadata,
    write_metadata,
)
from goldsmith.machines.instances.spec import InstanceError
from goldsmith.machines.metadata import InstanceMetadata

if TYPE_CHECKING:
    from pathlib import Path

INSTANCE = InstanceMetadata("i-0123456789abcdef0", "02:00:00:00:00:01")


@given(
    st.builds(
        replace,
        st.just(INSTANCE),
        user_data=st.none() | st.binary(),
        tags=st.none() | st.dictionaries(st.text(), st.text()),
        product_codes=st.lists(st.text()).map(tuple),
        credentials=st.dictionaries(st.text(), st.text()),
        launched=st.datetimes(timezones=st.just(UTC)),
    )
)
def test_metadata_survives_json(instance: InstanceMetadata) -> None:
    assert decode_metadata(json.loads(encode_metadata(instance))) == instance


def test_what_is_rewritten_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    write_metadata(path, INSTANCE)
    file = MetadataFile(path)
    assert file.current() == INSTANCE
    assert file.current() is file.current()
    later = replace(INSTANCE, tags={"Name": "web"}, launched=datetime(2026, 1, 1, tzinfo=UTC))
    write_metadata(path, later)
    assert file.current() == later
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("record", ["{}", "[]", "{", '{"launched": "never"}', '{"surprise": 1}'])
def test_a_damaged_file_is_told(tmp_path: Path, record: str) -> None:
    path = tmp_path / "metadata.json"
    path.write_text(record)
    with pytest.raises(InstanceError):
        read_metadata(path)
