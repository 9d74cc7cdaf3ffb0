"""`goldsmith templates` from making one to comparing its versions, as a person types it."""

from __future__ import annotations

import base64
import json

import pytest
from typer.testing import CliRunner

from goldsmith.aws.cloud import Cloud
from goldsmith.catalog.accounts import create_account
from goldsmith.catalog.resources import Resource
from goldsmith.cli.main import app
from goldsmith.errors import GoldsmithError
from goldsmith.pipelines.home import Home

OLD, NEW = "ami-0123456789abcdef0", "ami-0123456789abcdef1"


@pytest.fixture
def templates(tmp_path, monkeypatch):
    """Run `goldsmith templates …` in a home with an account that has two images."""
    monkeypatch.setenv("GOLDSMITH_HOME", str(tmp_path))
    cloud = Cloud(Home.default().ready())
    cloud.database.prepare()
    with cloud.database.writing() as connection:
        account = create_account(connection, "acme")
    with cloud.catalog(account, "us-east-1") as catalog:
        for image, name in ((OLD, "web-1"), (NEW, "web-2")):
            document = {"ProductCodes": [], "Architecture": "x86_64"}
            catalog.add(Resource(image, "image", account.id, "us-east-1", name, "available", 1.0, document))
    cloud.close()

    def run(*arguments):
        done = CliRunner().invoke(app, ["templates", *arguments])
        if isinstance(done.exception, GoldsmithError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return run


def test_a_template_is_made_versioned_compared_and_deleted(templates, tmp_path):
    assert "no launch templates yet" in templates()
    script = tmp_path / "setup.sh"
    script.write_text("echo hello\n")
    said = templates("create", "web", "--image", "web-1", "--type", "t3.small", "--tag", "role=web", "--key", "nobody")
    assert "web:1 is made." in said
    assert "It would not launch now: The key pair 'nobody' does not exist (InvalidKeyPair.NotFound)" in said
    assert "web:2 is made and is the default." in templates(
        "version", "web", "--image", "web-2", "--user-data", str(script), "--default", "--description", "new"
    )
    listed = json.loads(templates("--json"))
    assert [(each["LaunchTemplateName"], each["DefaultVersionNumber"]) for each in listed] == [("web", 2)]
    assert listed[0]["DefaultData"]["UserData"] == base64.b64encode(b"echo hello\n").decode()
    assert [line.split()[2:] for line in templates("list").splitlines()[1:]] == [["2", "2", NEW, "t3.small"]]
    shown = templates("show", "web:1")
    assert shown.splitlines()[0].startswith("web:1  lt-")
    assert f"  ImageId  {OLD}" in shown.splitlines()
    assert templates("diff", "web", "1", "2").splitlines() == [
        "web: version 1 to 2",
        "  ImageId",
        f"    - {OLD}",
        f"    + {NEW}",
        "  UserData",
        "    + echo hello",
    ]
    assert "Nothing differs." in templates("diff", "web", "2", "2")
    assert templates("default", "web", "1") == "web:1 is the default.\n"
    assert templates("delete", "web", "2") == "web:2 is deleted.\n"
    with pytest.raises(GoldsmithError, match="default version"):
        templates("delete", "web", "1")
    assert "web is deleted" in templates("delete", "web")
    with pytest.raises(GoldsmithError, match="template name web, does not exist"):
        templates("show", "web")


def test_data_of_a_file(templates, tmp_path):
    file = tmp_path / "data.json"
    file.write_text(json.dumps({"ImageId": OLD, "MetadataOptions": {"HttpTokens": "required"}}))
    templates("create", "strict", "--data", str(file), "--type", "t3.micro")
    version = json.loads(templates("show", "strict", "--json"))
    assert version["LaunchTemplateData"] == {
        "ImageId": OLD,
        "MetadataOptions": {"HttpTokens": "required"},
        "InstanceType": "t3.micro",
    }
    file.write_text("[")
    with pytest.raises(GoldsmithError, match="is no JSON"):
        templates("create", "broken", "--data", str(file))
