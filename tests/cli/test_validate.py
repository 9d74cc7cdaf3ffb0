from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .documents import BAD, BAD_FAULTS, GOOD, pipeline

if TYPE_CHECKING:
    from .conftest import Goldsmith

EXAMPLES = Path(__file__).parents[2] / "examples" / "web-server"


def test_valid_documents_are_called_what_they_are(goldsmith: Goldsmith) -> None:
    goldsmith.write("good.yml", GOOD)
    goldsmith.write("plain.yml", pipeline("./good.yml"))
    done = goldsmith("validate", "good.yml", "plain.yml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "good.yml: valid component\nplain.yml: valid pipeline\n"


def test_the_examples_are_valid(goldsmith: Goldsmith) -> None:
    assert goldsmith("validate", *(str(file) for file in EXAMPLES.glob("*.yml"))).returncode == 0


def test_every_fault_is_told_with_its_place_and_what_was_meant(goldsmith: Goldsmith) -> None:
    goldsmith.write("bad.yml", BAD)
    done = goldsmith("validate", "bad.yml")
    assert done.returncode == 2
    assert done.stdout.splitlines() == BAD_FAULTS


def test_one_bad_document_does_not_keep_the_others_from_being_read(goldsmith: Goldsmith) -> None:
    goldsmith.write("bad.yml", BAD)
    goldsmith.write("good.yml", GOOD)
    done = goldsmith("validate", "bad.yml", "good.yml")
    assert done.returncode == 2
    assert done.stdout.splitlines() == [*BAD_FAULTS, "good.yml: valid component"]


def test_json_has_each_fault_s_parts(goldsmith: Goldsmith) -> None:
    goldsmith.write("bad.yml", BAD)
    goldsmith.write("good.yml", GOOD)
    done = goldsmith("validate", "--json", "bad.yml", "good.yml")
    bad, good = json.loads(done.stdout)
    assert done.returncode == 2
    assert (bad["file"], bad["kind"], bad["valid"]) == ("bad.yml", "component", False)
    assert bad["faults"][0] == {
        "line": 7,
        "column": 17,
        "message": "There is no action 'ExecuteBsh'.",
        "meant": "ExecuteBash",
        "text": BAD_FAULTS[0],
    }
    assert good == {"file": "good.yml", "kind": "component", "valid": True, "faults": []}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00", "x.yml is not UTF-8 text."),
        (b"", "x.yml:1:1: The file is empty."),
        (b"a: [", "x.yml:2:1: This is not YAML"),
        (None, "x.yml cannot be read: No such file or directory."),
    ],
)
def test_what_cannot_be_read_is_a_sentence(goldsmith: Goldsmith, content: bytes | None, said: str) -> None:
    if content is not None:
        (goldsmith.folder / "x.yml").write_bytes(content)
    done = goldsmith("validate", "x.yml")
    assert done.returncode == 2
    assert said in done.stdout


def test_a_folder_is_no_document(goldsmith: Goldsmith) -> None:
    assert "cannot be read: Is a directory." in goldsmith("validate", ".").stdout
