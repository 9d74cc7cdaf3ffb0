from __future__ import annotations

from goldsmith.documents.workflows.variables import VARIABLES
from goldsmith.pipelines.image_run import PinnedParent
from goldsmith.pipelines.workflows.variables import variables_of


def test_every_variable_that_a_document_may_name_has_a_value(bench):
    assert set(variables_of(bench.image(), "BUILD")) == set(VARIABLES)


def test_what_an_image_says_of_itself(bench):
    image = bench.image(
        kind="DOCKER",
        platform="macOS",
        parent=PinnedParent("ami", "ami-1", "arn"),
        infrastructure={
            "securityGroupIds": ["sg-1"],
            "terminateInstanceOnFailure": False,
            "logging": {"s3Logs": {"s3BucketName": "logs"}},
        },
        recipe={"workingDirectory": "/srv"},
    )
    variables = variables_of(image, "TEST")
    expected = {
        "imageType": "DOCKER",
        "platform": "MacOS",
        "imageId": "ami-1",
        "securityGroups": ["sg-1"],
        "s3Logs": {"s3BucketName": "logs"},
        "terminateInstanceOnFailure": False,
        "workflowPhase": "Test",
        "workingDirectory": "/srv",
        "cloudWatchLogGroup": "/aws/imagebuilder/golden",
        "cloudWatchLogStream": "1.0.0/1",
    }
    assert variables | expected == variables
