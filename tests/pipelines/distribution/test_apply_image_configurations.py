"""ApplyImageConfigurations: launch templates, parameters and exports, and what cannot be."""

from __future__ import annotations

import pytest

from goldsmith.pipelines.world import RefusedError
from tests.pipelines.distribution.conftest import AWAY, HOME
from tests.pipelines.distribution.runs import a_run, distributing

LICENSE = "arn:aws:license-manager:us-east-1:100000000001:license-configuration:lic-" + "0" * 32


def template(bench, *, region="us-west-2", account=HOME, **data):
    asked = {"LaunchTemplateName": "web", "LaunchTemplateData": {"InstanceType": "t3.micro", **data}}
    return bench.ask("CreateLaunchTemplate", region=region, account=account, **asked)["LaunchTemplate"][
        "LaunchTemplateId"
    ]


def versions(bench, identifier, *, region="us-west-2", account=HOME):
    found = bench.ask("DescribeLaunchTemplateVersions", region=region, account=account, LaunchTemplateId=identifier)[
        "LaunchTemplateVersions"
    ]
    return [
        (
            each["LaunchTemplateData"].get("InstanceType"),
            each["LaunchTemplateData"].get("ImageId"),
            each["DefaultVersion"],
        )
        for each in found
    ]


def parameter(bench, name, *, region="us-west-2", account=HOME):
    return bench.ask("GetParameter", service="ssm", region=region, account=account, Name=name)["Parameter"]


def distributed(bench, *regions):
    rows = bench.do("DistributeImage", distributions=[{"region": region} for region in regions])["distributedImages"]
    return rows, {row["region"]: row["amiId"] for row in rows}


def test_a_launch_template_gets_a_version_from_its_default(bench):
    identifier = template(bench)
    bench.ask(
        "CreateLaunchTemplateVersion",
        region="us-west-2",
        LaunchTemplateId=identifier,
        LaunchTemplateData={"InstanceType": "t3.nano"},
    )
    rows, amis = distributed(bench, "us-west-2")
    wanted = [{"region": "us-west-2", "launchTemplateConfigurations": [{"launchTemplateId": identifier}]}]
    configured = bench.do("ApplyImageConfigurations", distributedImages=rows, configurations=wanted)["configuredImages"]
    assert [(row["amiId"], row["status"], row["step"]) for row in configured] == [
        (amis["us-west-2"], "Completed", "Completed")
    ]
    after = [("t3.micro", None, False), ("t3.nano", None, False), ("t3.micro", amis["us-west-2"], True)]
    assert versions(bench, identifier) == after
    bench.do("ApplyImageConfigurations", distributedImages=rows, configurations=wanted, step_id="step-3")
    assert versions(bench, identifier) == after


def test_the_default_stays_where_it_is_to(bench):
    identifier = template(bench)
    rows, amis = distributed(bench, "us-west-2")
    configuration = {"launchTemplateId": identifier, "setDefaultVersion": False}
    wanted = [{"region": "us-west-2", "launchTemplateConfigurations": [configuration]}]
    bench.do("ApplyImageConfigurations", distributedImages=rows, configurations=wanted)
    assert versions(bench, identifier) == [("t3.micro", None, True), ("t3.micro", amis["us-west-2"], False)]


def test_another_accounts_template_gets_that_accounts_copy(bench):
    bench.agree(AWAY, HOME)
    identifier = template(bench, account=AWAY)
    bench.run = a_run(
        distribution=distributing(
            {
                "region": "us-west-2",
                "amiDistributionConfiguration": {"targetAccountIds": [AWAY]},
                "launchTemplateConfigurations": [{"launchTemplateId": identifier, "accountId": AWAY}],
                "ssmParameterConfigurations": [
                    {"parameterName": "/imagebuilder/golden", "amiAccountId": AWAY, "dataType": "aws:ec2:image"}
                ],
            }
        )
    )
    rows = bench.do("DistributeImage")["distributedImages"]
    configured = bench.do("ApplyImageConfigurations", distributedImages=rows)["configuredImages"]
    assert [(row["accountId"], row["amiId"]) for row in configured] == [(AWAY, rows[0]["amiId"])]
    assert versions(bench, identifier, account=AWAY)[-1] == ("t3.micro", rows[0]["amiId"], True)
    assert parameter(bench, "/imagebuilder/golden", account=AWAY)["Value"] == rows[0]["amiId"]
    with pytest.raises(RefusedError):
        parameter(bench, "/imagebuilder/golden")


def test_a_parameter_holds_the_newest_ami_and_launches_it(bench):
    data = {"ImageId": "resolve:ssm:/imagebuilder/golden"}
    identifier = template(bench, **data)
    wanted = [
        {
            "region": "us-west-2",
            "ssmParameterConfigurations": {"parameterName": "/imagebuilder/golden", "dataType": "aws:ec2:image"},
        }
    ]
    launch = {"LaunchTemplate": {"LaunchTemplateId": identifier}, "MinCount": 1, "MaxCount": 1, "DryRun": True}
    with pytest.raises(RefusedError, match="cannot be resolved"):
        bench.ask("RunInstances", region="us-west-2", **launch)
    rows, amis = distributed(bench, "us-west-2")
    bench.do("ApplyImageConfigurations", distributedImages=rows, configurations=wanted)
    found = parameter(bench, "/imagebuilder/golden")
    assert (found["Value"], found["DataType"], found["Type"]) == (amis["us-west-2"], "aws:ec2:image", "String")
    with pytest.raises(RefusedError, match="DryRunOperation"):
        bench.ask("RunInstances", region="us-west-2", **launch)
    resolved = {"LaunchTemplateId": identifier, "Versions": ["1"], "ResolveAlias": True}
    answer = bench.ask("DescribeLaunchTemplateVersions", region="us-west-2", **resolved)
    assert answer["LaunchTemplateVersions"][0]["LaunchTemplateData"]["ImageId"] == amis["us-west-2"]
    bench.do("ApplyImageConfigurations", distributedImages=rows, configurations=wanted, step_id="step-2")
    assert parameter(bench, "/imagebuilder/golden")["Version"] == 1


def test_parameters_elsewhere_take_an_execution_role(bench):
    rows, amis = distributed(bench, "us-west-2")
    wanted = [{"region": "us-west-2", "ssmParameterConfigurations": [{"parameterName": "/mine/golden"}]}]
    failed = bench.fail("ApplyImageConfigurations", distributedImages=rows, configurations=wanted)
    assert failed.regions == (
        {
            "region": "us-west-2",
            "status": "FAILED",
            "imageConfigurationStep": "PUT_SSM_PARAMETERS",
            "errorMessage": "Image Builder is not authorized to perform: ssm:PutParameter on resource: "
            f"arn:aws:ssm:us-west-2:{HOME}:parameter/mine/golden",
            "targetAccountId": HOME,
        },
    )
    row = failed.outputs["configuredImages"][0]
    assert (row["status"], row["step"], row["amiId"]) == ("Failed", "PutSsmParametersRunning", amis["us-west-2"])
    bench.run = a_run(execution_role=f"arn:aws:iam::{HOME}:role/builder")
    bench.do("ApplyImageConfigurations", distributedImages=rows, configurations=wanted)
    assert parameter(bench, "/mine/golden")["Value"] == amis["us-west-2"]


def test_a_parameter_for_an_account_without_a_copy_fails(bench):
    bench.agree(AWAY, HOME)
    rows, _ = distributed(bench, "us-west-2")
    configuration = {"parameterName": "/imagebuilder/x", "amiAccountId": AWAY}
    wanted = [{"region": "us-west-2", "ssmParameterConfigurations": [configuration]}]
    failed = bench.fail("ApplyImageConfigurations", distributedImages=rows, configurations=wanted)
    assert failed.regions[0]["errorMessage"] == f"No AMI was distributed to the account {AWAY} in us-west-2"
    assert failed.regions[0]["targetAccountId"] == AWAY


@pytest.mark.parametrize(
    ("wanted", "step", "said"),
    [
        ({"licenseConfigurationArns": [LICENSE]}, "ASSOCIATE_LICENSES", "There is no License Manager here"),
        ({"fastLaunchConfigurations": [{"enabled": True}]}, "UPDATE_FAST_LAUNCH_CONFIGURATIONS", "is for Windows"),
        (
            {"launchTemplateConfigurations": [{"launchTemplateId": "lt-00000000000000000"}]},
            "UPDATE_LAUNCH_TEMPLATES",
            "EC2 Client Error",
        ),
    ],
)
def test_what_cannot_be_is_that_regions_failure(bench, wanted, step, said):
    rows, amis = distributed(bench, "us-west-2", "eu-west-1")
    put = {"region": "eu-west-1", "ssmParameterConfigurations": [{"parameterName": "/imagebuilder/x"}]}
    configurations = [{"region": "us-west-2", **wanted}, put]
    failed = bench.fail("ApplyImageConfigurations", distributedImages=rows, configurations=configurations)
    assert [(each["region"], each["imageConfigurationStep"]) for each in failed.regions] == [("us-west-2", step)]
    assert said in failed.message
    assert parameter(bench, "/imagebuilder/x", region="eu-west-1")["Value"] == amis["eu-west-1"]


def test_fast_launch_that_is_off_is_nothing_to_do(bench):
    rows, _ = distributed(bench, "us-west-2")
    wanted = [{"region": "us-west-2", "fastLaunchConfigurations": [{"enabled": False}]}]
    done = bench.do("ApplyImageConfigurations", distributedImages=rows, configurations=wanted)
    assert done == {"configuredImages": []}


@pytest.mark.sandbox
def test_an_export_is_waited_for(bench):
    rows, _ = distributed(bench, "us-west-2")
    export = {"roleName": "vmexport", "diskImageFormat": "RAW", "s3Bucket": "files", "s3Prefix": "golden/"}
    wanted = [{"region": "us-west-2", "s3ExportConfiguration": [export]}]
    for _ in range(2):
        done = bench.do("ApplyImageConfigurations", distributedImages=rows, configurations=wanted)
        assert done["configuredImages"][0]["status"] == "Completed"
    files = list((bench.world.home.buckets / HOME / "files" / "golden").iterdir())
    assert [file.suffix for file in files] == [".raw"]
    assert files[0].read_bytes()[:1] == b"a"


@pytest.mark.sandbox
def test_an_export_that_fails_is_that_regions_failure(bench):
    rows, _ = distributed(bench, "us-west-2")
    folder = bench.world.home.buckets / HOME
    folder.mkdir(parents=True)
    (folder / "files").write_text("no folder")
    export = {"roleName": "vmexport", "diskImageFormat": "RAW", "s3Bucket": "files"}
    failed = bench.fail(
        "ApplyImageConfigurations",
        distributedImages=rows,
        configurations=[{"region": "us-west-2", "s3ExportConfiguration": export}],
    )
    assert failed.regions[0]["imageConfigurationStep"] == "EXPORT_AMI"
