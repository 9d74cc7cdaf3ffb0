"""The message that SNS would carry."""

from __future__ import annotations

import json

from goldsmith.pipelines.events.notification import envelope, notification

HEAD = "arn:aws:imagebuilder:us-west-1:123456789012"
IMAGE = {
    "arn": f"{HEAD}:image/example/1.0.0/3",
    "type": "AMI",
    "name": "example",
    "version": "1.0.0/3",
    "platform": "Linux",
    "state": {"status": "AVAILABLE"},
    "imageRecipe": {
        "arn": f"{HEAD}:image-recipe/example/1.0.0",
        "name": "example",
        "dateCreated": "2022-07-28T13:05:09.000Z",
        "owner": "123456789012",
    },
    "infrastructureConfiguration": {"arn": f"{HEAD}:infrastructure-configuration/x", "name": "x", "tags": {"a": "b"}},
    "imageTestsConfiguration": {"imageTestsEnabled": True, "timeoutMinutes": 720},
    "dateCreated": "2022-07-28T00:13:45.123Z",
    "outputResources": {"amis": [{"region": "us-west-1", "image": "ami-1"}]},
    "buildType": "USER_INITIATED",
    "tags": {"mine": "too"},
}


def test_the_message_has_the_members_of_awss():
    said = notification(IMAGE, {"buildExecutionId": "wf-1"})
    assert said["versionlessArn"] == f"{HEAD}:image/example"
    assert said["semver"] == 1237940039285380274899124227
    assert (said["version"], said["buildVersion"], said["accountId"]) == ("1.0.0", 3, "123456789012")
    assert said["dateCreated"] == "Jul 28, 2022 12:13:45 AM"
    assert said["imageRecipe"]["dateCreated"] == "Jul 28, 2022 1:05:09 PM"
    assert said["imageTestsConfigurationDocument"] == IMAGE["imageTestsConfiguration"]
    assert said["buildExecutionId"] == "wf-1"
    assert said["tags"]["resourceArn"] == IMAGE["arn"]
    assert said["infrastructureConfiguration"]["tags"]["resourceArn"].endswith("configuration/x")
    assert "distributionConfiguration" not in said


def test_the_envelope_is_snss_and_the_same_for_the_same_message():
    topic = "arn:aws:sns:us-west-1:123456789012:images"
    wrapped = envelope(topic, notification(IMAGE), 1_795_000_000.5)
    assert wrapped["Type"] == "Notification"
    assert wrapped["TopicArn"] == topic
    assert wrapped["Timestamp"] == "2026-11-18T11:06:40.500Z"
    assert json.loads(wrapped["Message"])["name"] == "example"
    assert wrapped == envelope(topic, notification(IMAGE), 1_795_000_000.5)
