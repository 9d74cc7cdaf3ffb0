"""Disks are the same when their bytes are, whatever of them are holes."""

from __future__ import annotations

import pytest

from goldsmith.disks.comparing import first_difference

MIB = 1 << 20


@pytest.mark.parametrize(
    ("content", "difference"),
    [
        ({0: b"a", 3 * MIB: b"b"}, None),
        ({0: b"a", 2 * MIB: bytes(MIB), 3 * MIB: b"b" + bytes(600_000)}, None),
        ({0: b"a"}, 3 * MIB),
        ({0: b"a", MIB + 7: b"c", 3 * MIB: b"b"}, MIB),
        ({0: b"a", 3 * MIB: b"bc"}, 3 * MIB),
        ({0: b"a", 3 * MIB: b"b", 9 * MIB: b"d"}, 9 * MIB),
    ],
)
def test_the_first_difference_is_found(tmp_path, content, difference):
    for name, parts in (("disk", {0: b"a", 3 * MIB: b"b"}), ("other", content)):
        with (tmp_path / name).open("wb") as file:
            for at, data in parts.items():
                file.seek(at)
                file.write(data)
    heard = []
    assert first_difference(tmp_path / "disk", tmp_path / "other", lambda *said: heard.append(said)) == difference
    assert first_difference(tmp_path / "other", tmp_path / "disk") == difference
