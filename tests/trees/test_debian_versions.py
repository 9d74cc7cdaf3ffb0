from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldsmith.trees.debian_versions import version_key

parts = st.text("0019azAB.+~", min_size=0, max_size=6)
versions = st.builds(
    lambda epoch, upstream, revision: f"{epoch}1{upstream}{revision}",
    st.sampled_from(("", "0:", "1:", "12:")),
    parts,
    st.one_of(st.just(""), parts.filter(bool).map(lambda text: f"-{text}")),
)


@pytest.mark.parametrize(
    "rising",
    [
        ("1.0~rc1-1", "1.0-1", "1.0-1+b1", "1.0-1+deb12u1", "1.0-2", "1.0+dfsg-1", "1.0.1-1", "1.10-1", "1:0.1"),
        ("3.0.9-1", "3.0.11-1~deb12u1", "3.0.11-1~deb12u2", "3.0.11-1"),
        ("1.0-1~~", "1.0-1~", "1.0-1"),
        ("2.36-9+deb12u4", "2.36-9+deb12u10"),
        ("1-1-1", "1-1-2", "1-2-1"),
    ],
)
def test_known_orders(rising: tuple[str, ...]) -> None:
    keys = [version_key(each) for each in rising]
    assert all(earlier < later for earlier, later in pairwise(keys))


@pytest.mark.parametrize("same", [("1.0", "0:1.0"), ("1.0", "1.0-0"), ("1.0", "1.00"), ("1.", "1.0"), ("1.a", "1.a0")])
def test_equal_versions(same: tuple[str, str]) -> None:
    assert version_key(same[0]) == version_key(same[1])


@pytest.mark.sandbox
@pytest.mark.skipif(not shutil.which("dpkg"), reason="asks dpkg")
@settings(max_examples=200, deadline=None)
@given(versions, versions)
def test_the_order_is_dpkgs(one: str, other: str) -> None:
    def holds(relation: str) -> bool:
        return subprocess.run(["dpkg", "--compare-versions", one, relation, other], check=False).returncode == 0

    expected = (
        "lt" if version_key(one) < version_key(other) else "gt" if version_key(one) > version_key(other) else "eq"
    )
    assert holds(expected)
