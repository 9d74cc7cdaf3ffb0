"""Security groups through boto3: made, changed, refused in AWS's words, kept while something needs them."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from goldsmith.aws.ec2.security_group_records import ingress_rules, rules_of
from goldsmith.machines.instances.ingress import forwards_for

SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]


@pytest.fixture
def ec2(served):
    return served.client()


def make(ec2, **more) -> str:
    return ec2.create_security_group(GroupName=f"g-{uuid.uuid4().hex}", Description="for a test", **more)["GroupId"]


def shown(ec2, group):
    return ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]


def test_a_new_group_lets_nothing_in_and_everything_out(ec2):
    group = shown(ec2, make(ec2))
    assert group["IpPermissions"] == []
    [out] = group["IpPermissionsEgress"]
    assert (out["IpProtocol"], out["IpRanges"]) == ("-1", ANYWHERE)


def test_the_default_group_lets_itself_in(ec2, served):
    [group] = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"]
    [allowed] = group["IpPermissions"]
    assert allowed["UserIdGroupPairs"] == [{"GroupId": group["GroupId"], "UserId": served.account_id()}]


def test_packers_sequence_runs_to_its_end(ec2, refusal):
    group = make(ec2, VpcId="")
    ec2.get_waiter("security_group_exists").wait(GroupIds=[group])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[SSH])
    assert shown(ec2, group)["IpPermissions"][0]["IpRanges"] == ANYWHERE
    ec2.delete_security_group(GroupId=group)
    assert refusal(ec2.describe_security_groups, GroupIds=[group]) == "InvalidGroup.NotFound"


def test_terraforms_sequence_runs_to_its_end(ec2):
    group = make(ec2, TagSpecifications=[{"ResourceType": "security-group", "Tags": [{"Key": "Name", "Value": "x"}]}])
    assert shown(ec2, group)["Tags"] == [{"Key": "Name", "Value": "x"}]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[{"IpProtocol": "-1", "IpRanges": ANYWHERE}])
    assert shown(ec2, group)["IpPermissionsEgress"] == []
    web = {**SSH, "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[web])
    assert len(shown(ec2, group)["IpPermissionsEgress"][0]["UserIdGroupPairs"]) == 1
    ec2.delete_security_group(GroupId=group)


def test_the_older_parameters_mean_the_same(ec2):
    group = make(ec2)
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="10.0.0.0/8")
    [permission] = shown(ec2, group)["IpPermissions"]
    assert (permission["FromPort"], permission["IpRanges"]) == (80, [{"CidrIp": "10.0.0.0/8"}])


def test_a_rule_is_there_once(ec2, refusal):
    group = make(ec2)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[SSH])
    again = refusal(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[SSH])
    assert again == "InvalidPermission.Duplicate"


def test_rules_are_revoked_by_id_or_as_they_are(ec2, refusal):
    group = make(ec2)
    added = ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[SSH, {**SSH, "FromPort": 80, "ToPort": 80}]
    )["SecurityGroupRules"]
    gone = ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[added[0]["SecurityGroupRuleId"]])
    assert [rule["FromPort"] for rule in gone["RevokedSecurityGroupRules"]] == [22]
    unknown = ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[SSH])["UnknownIpPermissions"]
    assert [permission["FromPort"] for permission in unknown] == [22]
    assert [permission["FromPort"] for permission in shown(ec2, group)["IpPermissions"]] == [80]
    stranger = refusal(
        ec2.revoke_security_group_ingress, GroupId=group, SecurityGroupRuleIds=[added[0]["SecurityGroupRuleId"]]
    )
    assert stranger == "InvalidSecurityGroupRuleId.NotFound"


def test_rules_are_listed_changed_and_described(ec2, refusal):
    group = make(ec2)
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "for", "Value": "ssh"}]}]
    [rule] = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[SSH], TagSpecifications=tags)[
        "SecurityGroupRules"
    ]
    change = {"IpProtocol": "tcp", "FromPort": 2222, "ToPort": 2222, "CidrIpv4": "127.0.0.0/8", "Description": "mine"}
    update = {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "SecurityGroupRule": change}
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[update])
    [found] = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])[
        "SecurityGroupRules"
    ]
    assert (found["FromPort"], found["CidrIpv4"], found["Description"]) == (2222, "127.0.0.0/8", "mine")
    assert found["Tags"] == [{"Key": "for", "Value": "ssh"}]
    anew = {**SSH, "FromPort": 2222, "ToPort": 2222, "IpRanges": [{"CidrIp": "127.0.0.0/8", "Description": "ours"}]}
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, IpPermissions=[anew])
    assert shown(ec2, group)["IpPermissions"][0]["IpRanges"][0]["Description"] == "ours"
    named = {"SecurityGroupRuleId": rule["SecurityGroupRuleId"], "Description": "theirs"}
    ec2.update_security_group_rule_descriptions_ingress(GroupId=group, SecurityGroupRuleDescriptions=[named])
    [found] = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])[
        "SecurityGroupRules"
    ]
    assert found["Description"] == "theirs"
    ports = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
    other_kind = {**update, "SecurityGroupRule": {**ports, "CidrIpv6": "::/0"}}
    refused = refusal(ec2.modify_security_group_rules, GroupId=group, SecurityGroupRules=[other_kind])
    assert refused == "InvalidParameterCombination"


def test_filters_look_into_permissions(ec2):
    group = make(ec2)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{**SSH, "FromPort": 7001, "ToPort": 7002}])
    wanted = [{"Name": "ip-permission.from-port", "Values": ["7001"]}, {"Name": "group-name", "Values": ["g-*"]}]
    assert [each["GroupId"] for each in ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]] == [group]


def test_names_are_unique_and_not_reserved(ec2, refusal):
    group = shown(ec2, make(ec2))
    create = ec2.create_security_group
    assert refusal(create, GroupName=group["GroupName"], Description="x") == "InvalidGroup.Duplicate"
    assert refusal(create, GroupName="default", Description="x") == "InvalidParameterValue"
    assert refusal(create, GroupName="sg-x", Description="x") == "InvalidParameterValue"
    assert refusal(create, GroupName="näme", Description="x") == "InvalidParameterValue"
    assert refusal(create, GroupName="fine") == "MissingParameter"


def test_a_group_goes_when_nothing_needs_it(ec2, served, refusal, place_instance):
    group, friend = make(ec2), make(ec2)
    ec2.authorize_security_group_ingress(
        GroupId=friend, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]}]
    )
    assert refusal(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    ec2.delete_security_group(GroupId=friend)
    place_instance(served, [group])
    assert refusal(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
    assert refusal(ec2.delete_security_group, GroupName="default") == "CannotDelete"


def test_terminated_instances_need_no_group(ec2, served, place_instance):
    group = make(ec2)
    place_instance(served, [group], state="terminated")
    ec2.delete_security_group(GroupId=group)


def test_another_accounts_group_looks_like_none(ec2, served, refusal):
    theirs = make(served.client(account="other"))
    for method in (ec2.delete_security_group, ec2.revoke_security_group_egress):
        assert refusal(method, GroupId=theirs) == "InvalidGroup.NotFound"
    pair = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": theirs, "UserId": served.account_id("other")}]}
    mine = make(ec2)
    refused = refusal(ec2.authorize_security_group_ingress, GroupId=mine, IpPermissions=[pair])
    assert refused == "InvalidGroup.NotFound"
    theirs_rules = served.client(account="other").describe_security_group_rules()["SecurityGroupRules"]
    ids = [rule["SecurityGroupRuleId"] for rule in theirs_rules]
    assert refusal(ec2.describe_security_group_rules, SecurityGroupRuleIds=ids) == "InvalidSecurityGroupRuleId.NotFound"


def test_a_reader_changes_nothing(served, refusal):
    reader = served.client(role="reader")
    assert refusal(reader.create_security_group, GroupName="r", Description="r") == "UnauthorizedOperation"


def test_rules_are_what_machines_open_ports_by(ec2, served):
    group = make(ec2)
    web = {**SSH, "FromPort": 80, "ToPort": 81}
    far = {**SSH, "FromPort": 90, "ToPort": 90, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    inner = {"IpProtocol": "tcp", "FromPort": 99, "ToPort": 99, "UserIdGroupPairs": [{"GroupId": group}]}
    ping = {**SSH, "IpProtocol": "icmp", "FromPort": -1, "ToPort": -1}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[web, far, inner, ping])
    with served.cloud.catalog(served.credential().account, "us-east-1", writes=False) as catalog:
        rules = ingress_rules(rules_of(catalog, [group])[group])
    assert [forward.guest_port for forward in forwards_for(rules).forwards] == [80, 81]


def test_rules_of_a_group_whose_id_cannot_be(ec2, refusal):
    def asked(group):
        return [{"Name": "group-id", "Values": [group]}]

    assert refusal(ec2.describe_security_group_rules, Filters=asked("foobar")) == "InvalidGroupId.Malformed"
    assert ec2.describe_security_group_rules(Filters=asked("sg-0123456789abcdef0"))["SecurityGroupRules"] == []


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"IpProtocol": None}, "InvalidParameterValue", "Invalid value 'null' for protocol."),
        ({"FromPort": None}, "InvalidParameterValue", "Must specify both from and to ports with TCP/UDP."),
        ({"CidrIpv4": None}, "MissingParameter", "must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or"),
        ({"CidrIpv6": "::/0"}, "InvalidParameterCombination", "Only one of cidrIp, cidrIpv6, prefixListId, or"),
    ],
)
def test_what_a_rule_cannot_become(ec2, change, code, told):
    group = make(ec2)
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[SSH])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    rule = next(each["SecurityGroupRuleId"] for each in rules if not each["IsEgress"])
    whole = {"IpProtocol": "udp", "FromPort": 1, "ToPort": 2, "CidrIpv4": "2.3.4.5/32", **change}
    asked = {name: value for name, value in whole.items() if value is not None}
    with pytest.raises(ClientError) as refused:
        ec2.modify_security_group_rules(
            GroupId=group, SecurityGroupRules=[{"SecurityGroupRuleId": rule, "SecurityGroupRule": asked}]
        )
    assert refused.value.response["Error"]["Code"] == code
    assert told in refused.value.response["Error"]["Message"]
