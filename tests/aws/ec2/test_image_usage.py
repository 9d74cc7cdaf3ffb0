"""Who uses an AMI, what of one's own names it, where it comes from."""

from __future__ import annotations

import pytest

from goldsmith.catalog.resources import Resource, new_id
from tests.aws.ec2.amis import refusal, register, share, shown, where


def launch(served, image, account="acme", *, state="running", remembered=None):
    """Put an instance of an image into the catalogue, of which there is no machine."""
    owner = served.credential(account).account
    document = {
        "ImageId": image,
        "InstanceType": "t3.nano",
        "LaunchTime": "2027-01-01T00:00:00.000Z",
        "Placement": {"AvailabilityZone": "us-east-1a"},
    }
    with served.cloud.catalog(owner, "us-east-1") as catalog:
        instance = Resource(new_id("i"), "instance", owner.id, "us-east-1", "", state, 1.0, document)
        return catalog.add(instance.knowing(image=remembered)).id


def template(served, image, account="acme"):
    client = served.client(account=account)
    answer = client.create_launch_template(
        LaunchTemplateName=f"of-{image}", LaunchTemplateData={"ImageId": image, "InstanceType": "t3.nano"}
    )
    return answer["LaunchTemplate"]["LaunchTemplateId"]


@pytest.fixture(scope="module")
def used(served):
    """An AMI of which two accounts have instances, and one a launch template."""
    image = register(served, "maker")
    share(served, image, "user", account="maker")
    launch(served, image, "user")
    launch(served, image, "user", state="stopped")
    launch(served, image, "maker")
    template(served, image, "user")
    return image


class TestReports:
    def report(self, served, image, **more):
        types = [{"ResourceType": "ec2:Instance"}, {"ResourceType": "ec2:LaunchTemplate"}]
        client = served.client(account="maker")
        return client.create_image_usage_report(ImageId=image, **{"ResourceTypes": types, **more})["ReportId"]

    def entries(self, served, **asked):
        answer = served.client(account="maker").describe_image_usage_report_entries(**asked)
        return {(e["ResourceType"], e["AccountId"]): e["UsageCount"] for e in answer["ImageUsageReportEntries"]}

    def test_a_report_counts_by_account(self, served, used):
        report = self.report(served, used)
        maker, user = served.account_id("maker"), served.account_id("user")
        expected = {("ec2:Instance", maker): 1, ("ec2:Instance", user): 2, ("ec2:LaunchTemplate", user): 1}
        assert self.entries(served, ReportIds=[report]) == expected
        only = where("resource-type", "ec2:LaunchTemplate")
        assert self.entries(served, ReportIds=[report], Filters=only) == {("ec2:LaunchTemplate", user): 1}
        some = self.report(served, used, AccountIds=[maker], ResourceTypes=[{"ResourceType": "ec2:Instance"}])
        assert self.entries(served, ReportIds=[some]) == {("ec2:Instance", maker): 1}

    def test_a_report_is_described_and_deleted(self, served, used):
        client = served.client(account="maker")
        tags = [{"ResourceType": "image-usage-report", "Tags": [{"Key": "a", "Value": "b"}]}]
        report = self.report(served, used, TagSpecifications=tags)
        (told,) = client.describe_image_usage_reports(ReportIds=[report])["ImageUsageReports"]
        assert (told["ImageId"], told["State"], told["Tags"]) == (used, "available", [{"Key": "a", "Value": "b"}])
        assert (told["ExpirationTime"] - told["CreationTime"]).days == 30
        other = register(served, "maker")
        assert client.describe_image_usage_reports(ImageIds=[other])["ImageUsageReports"] == []
        client.delete_image_usage_report(ReportId=report)
        code = "InvalidImageUsageReportId.NotFound"
        assert refusal(client.describe_image_usage_reports, ReportIds=[report]) == code
        assert refusal(client.describe_image_usage_report_entries, ReportIds=[report]) == code

    def test_only_the_owner_is_told(self, served, used):
        report = self.report(served, used)
        user = served.client(account="user")
        types = [{"ResourceType": "ec2:Instance"}]
        assert refusal(user.create_image_usage_report, ImageId=used, ResourceTypes=types) == "AuthFailure"
        assert refusal(user.delete_image_usage_report, ReportId=report) == "InvalidImageUsageReportId.NotFound"

    def test_what_cannot_be_reported(self, served, used):
        create = served.client(account="maker").create_image_usage_report
        deep = {"ResourceTypeOptions": [{"OptionName": "version-depth", "OptionValues": ["0"]}]}
        for types in ([{"ResourceType": "ec2:Moon"}], [{"ResourceType": "ec2:LaunchTemplate", **deep}]):
            assert refusal(create, ImageId=used, ResourceTypes=types) == "InvalidParameterValue"


class TestReferences:
    def test_ones_own_resources_that_name_an_image(self, served, used):
        client = served.client(account="user")
        answer = client.describe_image_references(ImageIds=[used], IncludeAllResourceTypes=True)
        kinds = sorted(each["ResourceType"] for each in answer["ImageReferences"])
        assert kinds == ["ec2:Instance", "ec2:Instance", "ec2:LaunchTemplate"]
        assert all(f":{served.account_id('user')}:" in each["Arn"] for each in answer["ImageReferences"])

    def test_a_parameter_of_the_type_image_counts(self, served):
        image = register(served)
        parameters = {"Name": "/golden", "Value": image, "Type": "String", "DataType": "aws:ec2:image"}
        served.client("ssm").put_parameter(**parameters)
        asked = {"ImageIds": [image], "ResourceTypes": [{"ResourceType": "ssm:Parameter"}]}
        (found,) = served.client().describe_image_references(**asked)["ImageReferences"]
        assert found["Arn"].endswith(":parameter/golden")

    def test_states_and_versions_that_are_asked_for(self, served, used):
        client = served.client(account="user")

        def count(kind, option, value):
            options = [{"OptionName": option, "OptionValues": [value]}]
            types = [{"ResourceType": kind, "ResourceTypeOptions": options}]
            return len(client.describe_image_references(ImageIds=[used], ResourceTypes=types)["ImageReferences"])

        assert count("ec2:Instance", "state-name", "stopped") == 1
        assert count("ec2:LaunchTemplate", "version-depth", "1") == 1
        client.create_launch_template_version(
            LaunchTemplateName=f"of-{used}", LaunchTemplateData={"InstanceType": "t3.nano"}
        )
        assert count("ec2:LaunchTemplate", "version-depth", "1") == 0
        assert count("ec2:LaunchTemplate", "version-depth", "2") == 1

    def test_nothing_is_told_of_others(self, served, used):
        stranger = served.client(account="stranger")
        asked = {"ImageIds": [used], "IncludeAllResourceTypes": True}
        assert stranger.describe_image_references(**asked)["ImageReferences"] == []
        assert refusal(stranger.describe_image_references, ImageIds=[used]) == "MissingParameter"


class TestAncestry:
    def make_of(self, served, source, account="maker"):
        """Register an AMI and record what it was made of, as copies and captures do."""
        image = register(served, account)
        with served.cloud.catalog(served.account_id(account), "us-east-1") as catalog:
            there = catalog.own("image", image)
            catalog.save(there.having(SourceImageId=source, SourceImageRegion="us-east-1", SourceInstanceId="i-0" * 3))
        return image

    def chain(self, served, image, account="maker"):
        entries = served.client(account=account).get_image_ancestry(ImageId=image)["ImageAncestryEntries"]
        return [(entry["ImageId"], entry.get("SourceImageId")) for entry in entries]

    def test_the_chain_goes_back_to_the_first(self, served):
        first = register(served, "maker")
        second = self.make_of(served, first)
        third = self.make_of(served, second)
        assert self.chain(served, third) == [(third, second), (second, first), (first, None)]
        served.client(account="maker").deregister_image(ImageId=second)
        assert self.chain(served, third) == [(third, second), (second, first), (first, None)]

    def test_others_see_as_much_of_it_as_they_may(self, served):
        first = register(served, "maker")
        second = self.make_of(served, first)
        share(served, second, "user", account="maker")
        assert self.chain(served, second, "user") == [(second, None)]
        told = shown(served, "user")[second]
        assert "SourceImageId" not in told
        assert "SourceInstanceId" not in told
        assert not shown(served, "user", Filters=where("source-image-id", first))
        share(served, first, "user", account="maker")
        assert self.chain(served, second, "user") == [(second, first), (first, None)]
        assert shown(served, "user")[second]["SourceImageId"] == first

    def test_a_ring_has_an_end(self, served):
        first = register(served, "maker")
        second = self.make_of(served, first)
        with served.cloud.catalog(served.account_id("maker"), "us-east-1") as catalog:
            catalog.save(catalog.own("image", first).having(SourceImageId=second, SourceImageRegion="us-east-1"))
        assert [image for image, _ in self.chain(served, second)] == [second, first]


class TestWatermarks:
    def test_they_are_put_on_and_taken_off(self, served):
        client, image = served.client(account="maker"), register(served, "maker")
        key = client.attach_image_watermark(ImageId=image, WatermarkName="approved")["WatermarkKey"]
        assert key == f"{served.account_id('maker')}:approved"
        client.attach_image_watermark(ImageId=image, WatermarkName="approved")
        (mark,) = shown(served, "maker", ImageIds=[image])[image]["ImageWatermarks"]
        assert (mark["WatermarkKey"], mark["SourceImageId"]) == (key, image)
        assert image in shown(served, "maker", Filters=where("image-watermark.watermark-key", "*:approved"))
        public = {"Add": [{"Group": "all"}]}
        assert refusal(client.modify_image_attribute, ImageId=image, LaunchPermission=public) == "OperationNotPermitted"
        for _ in range(2):
            client.detach_image_watermark(ImageId=image, WatermarkKey=key)
        assert "ImageWatermarks" not in shown(served, "maker", ImageIds=[image])[image]

    def test_what_cannot_be_marked(self, served):
        client, image = served.client(account="maker"), register(served, "maker")
        assert refusal(client.attach_image_watermark, ImageId=image, WatermarkName="a;b") == "InvalidParameterValue"
        assert refusal(client.detach_image_watermark, ImageId=image, WatermarkKey="x") == "InvalidParameterValue"
        share(served, image, account="maker", group="all")
        assert refusal(client.attach_image_watermark, ImageId=image, WatermarkName="mark") == "OperationNotPermitted"


class TestInstanceImageMetadata:
    def told(self, served, instance, account="user", **asked):
        client = served.client(account=account)
        answer = client.describe_instance_image_metadata(InstanceIds=[instance], **asked)
        return {each["InstanceId"]: each for each in answer["InstanceImageMetadata"]}.get(instance)

    def test_an_instances_image_is_told_as_it_is_now(self, served):
        image = register(served, "maker")
        share(served, image, "user", account="maker")
        instance = launch(served, image, "user")
        told = self.told(served, instance)
        assert (told["ImageMetadata"]["ImageId"], told["ImageMetadata"]["State"]) == (image, "available")
        assert told["ImageMetadata"]["OwnerId"] == served.account_id("maker")
        assert (told["ZoneId"], told["State"]["Name"]) == ("use1-az1", "running")
        assert self.told(served, instance, Filters=where("owner-id", "123456789012")) is None

    def test_one_that_is_withdrawn_is_told_as_it_was(self, served):
        image = register(served, "maker", "withdrawn")
        instance = launch(served, image, "user", remembered={"ImageId": image, "Name": "withdrawn"})
        assert self.told(served, instance)["ImageMetadata"]["Name"] == "withdrawn"
        forgetful = launch(served, image, "user")
        assert self.told(served, forgetful)["ImageMetadata"] == {"ImageId": image}

    def test_whether_it_is_allowed(self, served):
        image = register(served, "maker")
        share(served, image, "careful", account="maker")
        instance = launch(served, image, "careful")
        assert "ImageAllowed" not in self.told(served, instance, "careful")["ImageMetadata"]
        client = served.client(account="careful")
        client.enable_allowed_images_settings(AllowedImagesSettingsState="audit-mode")
        assert self.told(served, instance, "careful")["ImageMetadata"]["ImageAllowed"] is False

    def test_others_instances_are_not_there(self, served, used):
        instance = launch(served, used, "maker")
        code = "InvalidInstanceID.NotFound"
        assert refusal(served.client(account="user").describe_instance_image_metadata, InstanceIds=[instance]) == code
