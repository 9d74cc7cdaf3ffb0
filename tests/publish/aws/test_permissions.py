"""The least policy of the documentation is enough, and who lacks one of it is told which: by moto's IAM."""

from __future__ import annotations

import http.client
import json
import re
from pathlib import Path

import pytest
from moto.iam.access_control import IAMRequest

from goldsmith.publish.aws.clients import AwsPublishError, Clients
from goldsmith.publish.aws.wanted import RegionWanted
from tests.publish.aws.wire import REGION, FileSource, client, publish

DOCUMENT = Path(__file__).parents[3] / "docs" / "publish-aws.md"
USER = "publisher"
NEVER, AT_ONCE = b"inf", b"0"


@pytest.fixture
def policy(wire, moto, monkeypatch):
    """Be a user of AWS who may do what a list says, from now on; it gives the actions of the documentation."""
    monkeypatch.setattr(IAMRequest, "check_signature", lambda _: None)  # moto's own sum of CompleteSnapshot is another
    iam = client(wire, "iam")
    iam.create_user(UserName=USER)
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    wire.clients = Clients(endpoint=wire.url)
    documented = json.loads(re.search(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1])

    def enforce(when):
        connection = http.client.HTTPConnection(*moto)
        connection.request("POST", "/moto-api/reset-auth", when)
        connection.getresponse().read()
        connection.close()

    def may(actions):
        enforce(NEVER)
        said = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": actions}]}
        iam.put_user_policy(UserName=USER, PolicyName="least", PolicyDocument=json.dumps(said))
        enforce(AT_ONCE)

    yield may, documented["Statement"][0]["Action"]
    enforce(NEVER)


def test_all_of_it_is_needed_and_it_is_enough(few, wire, policy, tmp_path):
    may, actions = policy

    def run(*teams):
        for team in teams:
            region = RegionWanted(REGION, "small", tags={"team": team})
            made = publish(FileSource(few), wire, tmp_path / "home", region)
        return made

    for action in actions:
        may([each for each in actions if each != action])
        with pytest.raises(AwsPublishError, match="AWS does not let these credentials call") as told:
            run("a", "b")
        assert f"Grant {action};" in told.value.mend
    may(actions)
    run("b")
    assert run("b").unchanged
