"""What os-release(5) says, as Image Builder writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.pipelines.builders.inventory import os_version


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n', "Debian 12"),
        ('NAME="Ubuntu"\nVERSION_ID="22.04"\n', "Ubuntu 22.04"),
        ('NAME="Amazon Linux"\nVERSION_ID="2023"\n', "Amazon Linux 2023"),
        ("NAME=Fedora\\ Linux\nVERSION_ID=41", "Fedora Linux 41"),
        ("ID=arch\n", "Arch"),
        ("", ""),
    ],
)
def test_a_system_is_named(text, said):
    assert os_version(text) == said


@given(st.text())
def test_any_text_is_read(text):
    assert isinstance(os_version(text), str)
