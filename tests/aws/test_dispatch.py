"""Who may ask, and what is said to those who may not."""

from __future__ import annotations

import urllib.error
import urllib.request

import boto3
import pytest
from botocore.exceptions import ClientError


def refusal(function, **arguments):
    with pytest.raises(ClientError) as refused:
        function(**arguments)
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_a_signed_call_is_answered(served):
    names = [region["RegionName"] for region in served.client().describe_regions()["Regions"]]
    assert "us-east-1" in names


def test_the_caller_is_told_who_they_are(served):
    identity = served.client("sts").get_caller_identity()
    assert identity["Account"] == served.account_id()
    assert identity["Arn"].endswith(":user/admin")


def test_a_session_signs_too(served):
    given = served.client("sts").get_session_token()["Credentials"]
    session = boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url=served.url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    assert session.get_caller_identity()["Account"] == served.account_id()


def test_nobody_is_answered_without_a_signature(served):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{served.url}/?Action=DescribeRegions&Version=2016-11-15")
    assert refused.value.code == 401
    assert b"AuthFailure" in refused.value.read()


def test_a_wrong_secret_is_refused(served):
    key = served.credential()
    stranger = boto3.client(
        "ec2",
        region_name="us-east-1",
        endpoint_url=served.url,
        aws_access_key_id=key.key_id,
        aws_secret_access_key="wrong" + key.secret[5:],
    )
    assert refusal(stranger.describe_regions) == ("AuthFailure", 401)


def test_a_reader_may_read_and_no_more(served):
    reader = served.client(role="reader")
    assert reader.describe_images(Owners=["self"])["Images"] == []
    assert refusal(reader.deregister_image, ImageId="ami-0123456789abcdef0") == ("UnauthorizedOperation", 403)


def test_a_dry_run_changes_nothing(served):
    assert refusal(served.client().describe_regions, DryRun=True) == ("DryRunOperation", 412)


def test_what_is_not_implemented_says_so(served):
    assert refusal(served.client().describe_fpga_images) == ("UnknownOperation", 501)


def test_services_that_are_not_here_say_so_in_their_own_form(served):
    assert refusal(served.client("elb").describe_load_balancers) == ("UnknownOperation", 501)
    assert refusal(served.client("logs").describe_log_groups) == ("UnknownOperation", 501)
