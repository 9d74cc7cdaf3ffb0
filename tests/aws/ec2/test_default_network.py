"""The default VPC: there for every account in every region from the first look on, and the same ever after."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

ZONES = ["us-east-1a", "us-east-1b", "us-east-1c"]


def test_an_account_has_one_default_vpc_with_a_subnet_for_each_zone(served):
    ec2 = served.client()
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])["Vpcs"]
    assert (vpc["CidrBlock"], vpc["State"], vpc["OwnerId"]) == ("169.254.0.0/16", "available", served.account_id())
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    assert [subnet["AvailabilityZone"] for subnet in subnets] == ZONES
    assert [subnet["CidrBlock"] for subnet in subnets] == ["169.254.0.0/20", "169.254.16.0/20", "169.254.32.0/20"]
    assert all(subnet["DefaultForAz"] for subnet in subnets)


def test_it_is_the_same_at_every_look(served):
    looks = [served.client().describe_subnets()["Subnets"] for _ in range(2)]
    assert looks[0] == looks[1]


def test_accounts_and_regions_have_their_own(served):
    places = [("acme", "us-east-1"), ("acme", "eu-west-1"), ("other", "us-east-1")]
    ids = {
        served.client(account=account, region=region).describe_vpcs()["Vpcs"][0]["VpcId"] for account, region in places
    }
    assert len(ids) == 3


def test_another_accounts_vpc_looks_like_none(served, refusal):
    theirs = served.client(account="other").describe_vpcs()["Vpcs"][0]["VpcId"]
    ec2 = served.client()
    assert refusal(ec2.describe_vpcs, VpcIds=[theirs]) == "InvalidVpcID.NotFound"
    assert refusal(ec2.describe_vpcs, VpcIds=["vpc-0123456789abcdef0"]) == "InvalidVpcID.NotFound"
    assert refusal(ec2.describe_vpcs, VpcIds=["vpc-x"]) == "InvalidVpcID.Malformed"


def test_many_first_looks_at_once_make_one(fresh):
    def look(number: int) -> tuple[str, ...]:
        ec2 = fresh.client()
        found = ec2.describe_subnets()["Subnets"] if number % 2 else ec2.describe_security_groups()["SecurityGroups"]
        return tuple(each["VpcId"] for each in found)

    fresh.credential()
    with ThreadPoolExecutor(8) as pool:
        seen = {vpc for found in pool.map(look, range(16)) for vpc in found}
    assert len(seen) == 1
    assert len(fresh.client().describe_subnets()["Subnets"]) == 3


def test_a_first_look_may_also_be_a_writing_one(fresh):
    group = fresh.client().create_security_group(GroupName="first", Description="first", VpcId="")["GroupId"]
    [found] = fresh.client().describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert found["VpcId"] == fresh.client().describe_vpcs()["Vpcs"][0]["VpcId"]


def test_its_wiring_is_whole(served):
    ec2 = served.client()
    vpc = ec2.describe_vpcs()["Vpcs"][0]
    gateways = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}])
    gateway = gateways["InternetGateways"][0]["InternetGatewayId"]
    main = [{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    [table] = ec2.describe_route_tables(Filters=main)["RouteTables"]
    assert {route["GatewayId"] for route in table["Routes"]} == {"local", gateway}
    [acl] = ec2.describe_network_acls(Filters=[{"Name": "default", "Values": ["true"]}])["NetworkAcls"]
    assert len(acl["Associations"]) == len(ZONES)
    [options] = ec2.describe_dhcp_options(DhcpOptionsIds=[vpc["DhcpOptionsId"]])["DhcpOptions"]
    assert {each["Key"] for each in options["DhcpConfigurations"]} == {"domain-name", "domain-name-servers"}


def test_vpc_attributes_are_told(served):
    ec2 = served.client()
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    told = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")
    assert told["EnableDnsSupport"] == {"Value": True}


def test_a_second_default_vpc_is_refused(served, refusal):
    assert refusal(served.client().create_default_vpc) == "DefaultVpcAlreadyExists"
    subnet = served.client().create_default_subnet
    assert refusal(subnet, AvailabilityZone="us-east-1a") == "DefaultSubnetAlreadyExistsInAvailabilityZone"
    assert refusal(served.client().create_vpc, CidrBlock="10.0.0.0/16") == "UnknownOperation"


def test_what_there_is_none_of_is_an_empty_list(served, refusal):
    ec2 = served.client()
    assert ec2.describe_addresses()["Addresses"] == []
    assert ec2.describe_nat_gateways()["NatGateways"] == []
    assert refusal(ec2.describe_addresses, AllocationIds=["eipalloc-1"]) == "InvalidAllocationID.NotFound"


def test_account_attributes_name_the_vpc(served, refusal):
    ec2 = served.client()
    [told] = ec2.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
    assert told["AttributeValues"] == [{"AttributeValue": ec2.describe_vpcs()["Vpcs"][0]["VpcId"]}]
    assert refusal(ec2.describe_account_attributes, AttributeNames=["colour"]) == "InvalidParameterValue"
