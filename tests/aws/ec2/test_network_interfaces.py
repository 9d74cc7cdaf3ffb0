"""Network interfaces: one for each instance that is not gone."""

from __future__ import annotations


def test_an_instance_has_one_interface(served, place_instance, refusal):
    ec2 = served.client()
    group = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]["GroupId"]
    instance = place_instance(served, [group], address="169.254.7.70")
    place_instance(served, [group], address="169.254.7.71", state="terminated")
    wanted = [{"Name": "group-id", "Values": [group]}, {"Name": "attachment.instance-id", "Values": [instance]}]
    [card] = ec2.describe_network_interfaces(Filters=wanted)["NetworkInterfaces"]
    assert (card["PrivateIpAddress"], card["Status"], card["AvailabilityZone"]) == (
        "169.254.7.70",
        "in-use",
        "us-east-1a",
    )
    again = ec2.describe_network_interfaces(NetworkInterfaceIds=[card["NetworkInterfaceId"]])["NetworkInterfaces"]
    assert again == [card]
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 1
    theirs = served.client(account="other").describe_network_interfaces
    assert refusal(theirs, NetworkInterfaceIds=[card["NetworkInterfaceId"]]) == "InvalidNetworkInterfaceID.NotFound"
