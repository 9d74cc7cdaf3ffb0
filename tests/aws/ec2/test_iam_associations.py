"""Instance profiles on instances, changed after their launch."""

from __future__ import annotations

import json
import uuid

import pytest

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


@pytest.fixture
def profile(served):
    """A function that makes a profile with a role of a power."""

    def make(power: str = "reader") -> str:
        iam, name = served.client("iam"), f"p-{uuid.uuid4().hex[:8]}"
        tags = [{"Key": "goldsmith:role", "Value": power}]
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Tags=tags)
        iam.create_instance_profile(InstanceProfileName=name)
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return name

    return make


def test_a_profile_is_put_on_replaced_and_taken_off(served, place_instance, profile, refusal):
    ec2 = served.client()
    instance, first, second = place_instance(served, []), profile(), profile()
    given = ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile={"Name": first})
    association = given["IamInstanceProfileAssociation"]
    assert association["IamInstanceProfile"]["Arn"].endswith(f":instance-profile/{first}")
    of_instance = [{"Name": "instance-id", "Values": [instance]}]
    [shown] = ec2.describe_iam_instance_profile_associations(Filters=of_instance)["IamInstanceProfileAssociations"]
    assert (shown["AssociationId"], shown["State"]) == (association["AssociationId"], "associated")
    again = refusal(ec2.associate_iam_instance_profile, InstanceId=instance, IamInstanceProfile={"Name": second})
    assert again == "IncorrectState"
    arn = served.client("iam").get_instance_profile(InstanceProfileName=second)["InstanceProfile"]["Arn"]
    replaced = ec2.replace_iam_instance_profile_association(
        AssociationId=association["AssociationId"], IamInstanceProfile={"Arn": arn}
    )["IamInstanceProfileAssociation"]
    assert replaced["IamInstanceProfile"]["Arn"] == arn
    gone = refusal(ec2.disassociate_iam_instance_profile, AssociationId=association["AssociationId"])
    assert gone == "InvalidAssociationID.NotFound"
    ec2.disassociate_iam_instance_profile(AssociationId=replaced["AssociationId"])
    assert ec2.describe_iam_instance_profile_associations(Filters=of_instance)["IamInstanceProfileAssociations"] == []


def test_nobody_gives_an_instance_more_than_they_have(served, place_instance, profile, refusal):
    instance, strong = place_instance(served, []), profile("admin")
    launcher = served.client(role="launcher").associate_iam_instance_profile
    assert refusal(launcher, InstanceId=instance, IamInstanceProfile={"Name": strong}) == "UnauthorizedOperation"


def test_unknown_profiles_are_refused_in_the_words_that_clients_retry(served, place_instance):
    ec2, instance = served.client(), place_instance(served, [])
    for asked, words in (
        ({"Name": "nope"}, "Invalid IAM Instance Profile name"),
        ({"Arn": "arn:aws:iam::123456789012:instance-profile/nope"}, "Invalid IAM Instance Profile ARN"),
    ):
        with pytest.raises(ec2.exceptions.ClientError, match=words):
            ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile=asked)


def test_a_profile_without_a_role_is_refused(served, place_instance):
    ec2, instance = served.client(), place_instance(served, [])
    served.client("iam").create_instance_profile(InstanceProfileName="bare")
    with pytest.raises(ec2.exceptions.ClientError, match="has no associated IAM Roles"):
        ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile={"Name": "bare"})
