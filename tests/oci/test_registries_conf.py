"""Registries without TLS, as containers' registries.conf names them."""

from __future__ import annotations

import pytest

from goldsmith.oci.blobs import OciError
from goldsmith.oci.connection import Connection
from goldsmith.oci.reference import Reference

CONF = """
unqualified-search-registries = ["docker.io"]
[[registry]]
location = "lan:5000"
insecure = true
[[registry]]
prefix = "lan:5000/safe"
location = "elsewhere"
[[registry]]
prefix = "*.internal"
insecure = true
[[registry]]
insecure = true
"""


@pytest.fixture
def conf(tmp_path, monkeypatch):
    file = tmp_path / "registries.conf"
    file.write_text(CONF)
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(file))
    return file


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("lan:5000/x", "http"),
        ("lan:5000/safe/x", "https"),
        ("lan:5000/safer", "http"),
        ("lan:5001/x", "https"),
        ("a.internal/x", "http"),
        ("a.internal:5000/x", "http"),
        ("internal.example/x", "https"),
        ("127.0.0.1:5000/x", "http"),
        ("localhost/x", "http"),
        ("debian", "https"),
    ],
)
def test_the_entry_that_fits_best_says_it(conf, name, scheme):
    assert Connection(Reference.parse(name)).scheme == scheme
    assert Connection(Reference.parse(name), plain=True).scheme == "http"


def test_no_file_says_nothing_and_a_damaged_one_is_told(conf):
    conf.write_text("x =")
    with pytest.raises(OciError, match=r"registries\.conf cannot be read"):
        Connection(Reference.parse("lan:5000/x"))
    conf.unlink()
    assert Connection(Reference.parse("lan:5000/x")).scheme == "https"
