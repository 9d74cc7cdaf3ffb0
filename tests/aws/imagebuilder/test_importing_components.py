"""Shell scripts become components that are documents as any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from goldsmith.aws.imagebuilder.importing_components import wrap
from goldsmith.documents.parser import parse_component

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.conftest import Served

SCRIPT = "#!/bin/bash\nset -e\n\tdocker ps --format '{{.Names}}'   \necho: done # yes\n"


@pytest.fixture
def builder(served: Served) -> Any:
    return served.client("imagebuilder")


def asked(**more: Any) -> dict[str, Any]:
    script = {} if "uri" in more else {"data": SCRIPT}
    return {
        "name": "My Script",
        "semanticVersion": "1.0.0",
        "type": "BUILD",
        "format": "SHELL",
        "platform": "Linux",
        **script,
        **more,
    }


@pytest.mark.parametrize(("kind", "phase"), [("BUILD", "build"), ("TEST", "test")])
def test_a_script_is_a_component_of_the_type_that_is_asked_for(builder: Any, kind: str, phase: str) -> None:
    arn = builder.import_component(**asked(type=kind, name=f"Script {kind}", tags={"a": "b"}, description="d"))[
        "componentBuildVersionArn"
    ]
    assert arn.endswith(f":component/script-{phase}/1.0.0/1")
    component = builder.get_component(componentBuildVersionArn=arn)["component"]
    assert (component["type"], component["platform"], component["description"]) == (kind, "Linux", "d")
    assert component["tags"] == {"a": "b"}
    document = parse_component(component["data"], "component")
    assert document.phase(phase).steps[0].inputs == {"commands": [SCRIPT]}  # type: ignore[union-attr]


def test_it_is_listed_and_its_next_build_counts_on(builder: Any) -> None:
    builder.import_component(**asked(name="counted"))
    again = builder.import_component(**asked(name="counted", data="echo other"))
    assert again["componentBuildVersionArn"].endswith("/1.0.0/2")
    rows = builder.list_components(filters=[{"name": "name", "values": ["counted"]}])["componentVersionList"]
    assert [row["arn"].rpartition("/")[2] for row in rows] == ["1.0.0"]


def test_a_script_of_a_bucket_is_read_once(served: Served, builder: Any, refusal: Callable[..., str]) -> None:
    folder = served.cloud.home.buckets / served.account_id() / "scripts"
    folder.mkdir(parents=True)
    (folder / "long.sh").write_text("true\n" * 1000)
    arn = builder.import_component(**asked(name="from bucket", uri="s3://scripts/long.sh"))["componentBuildVersionArn"]
    (folder / "long.sh").unlink()
    assert builder.get_component(componentBuildVersionArn=arn)["component"]["data"].count("true") == 1000
    assert refusal(builder.import_component, **asked(uri="s3://scripts/none.sh")) == "InvalidRequestException"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"platform": "Windows"}, "InvalidRequestException"),
        ({"platform": "macOS"}, "InvalidRequestException"),
        ({"data": "x" * 1025}, "InvalidRequestException"),
        ({"data": None}, "InvalidParameterCombinationException"),
        ({"uri": "s3://scripts/x", "data": "true"}, "InvalidParameterCombinationException"),
        ({"format": "ZSH"}, "InvalidRequestException"),
        ({"type": "VALIDATE"}, "InvalidRequestException"),
        ({"semanticVersion": "1.0"}, "InvalidVersionNumberException"),
        ({"semanticVersion": "1.0.x"}, "InvalidVersionNumberException"),
    ],
)
def test_what_cannot_be_imported_is_refused(
    builder: Any, refusal: Callable[..., str], more: dict[str, Any], code: str
) -> None:
    given_ = {name: value for name, value in asked(**more).items() if value is not None}
    assert refusal(builder.import_component, **given_) == code


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=300))
@example("0\x85")
@example("one\u2028two\nthree\r\n")
def test_any_script_is_the_same_after_its_wrapping(script: str) -> None:
    text = wrap(script, "any", "BUILD")
    if "{{" not in script and script.strip():
        assert parse_component(text, "any").phases[0].steps[0].inputs == {"commands": [script]}
