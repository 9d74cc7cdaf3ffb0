"""What an instance's own metadata says, from what the catalogue knows of it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from goldsmith.aws.ec2.regions import zone_id
from goldsmith.aws.ec2.subnets import subnet_of
from goldsmith.aws.iam.profiles import role_credentials
from goldsmith.aws.wire.times import seconds
from goldsmith.machines.metadata import InstanceMetadata

if TYPE_CHECKING:
    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource


def metadata_of(cloud: Cloud, catalog: Catalog, instance: Resource) -> InstanceMetadata:
    """Return the metadata of an instance of the catalogue's account."""
    document, inner = instance.document, instance.inner
    options = document["MetadataOptions"]
    zone = document["Placement"]["AvailabilityZone"]
    key = catalog.named("key-pair", document["KeyName"]) if document.get("KeyName") else None
    keys = {key.name: str(key.inner["public_key"])} if key is not None else dict(inner.get("public_keys", {}))
    root = document.get("RootDeviceName", "")
    others = [each["DeviceName"] for each in document["BlockDeviceMappings"] if each["DeviceName"] != root]
    tags = {name: value for name, value in catalog.tags(instance).items() if not name.startswith("aws:")}
    profile = document.get("IamInstanceProfile")
    credentials = role_credentials(cloud, catalog, profile["Arn"], instance.id) if profile else {}
    info = (
        {
            "Code": "Success",
            "LastUpdated": document["LaunchTime"],
            "InstanceProfileArn": profile["Arn"],
            "InstanceProfileId": profile["Id"],
        }
        if profile
        else None
    )
    return InstanceMetadata(
        instance_id=instance.id,
        mac=inner["mac"],
        image_id=document["ImageId"],
        instance_type=document["InstanceType"],
        account=instance.account,
        region=instance.region,
        zone=zone,
        zone_id=zone_id(instance.region, zone),
        local_ipv4=document["PrivateIpAddress"],
        subnet=subnet_of(catalog, document["SubnetId"])["CidrBlock"],
        public_keys=keys,
        security_groups=tuple(group["GroupName"] for group in document["SecurityGroups"]),
        group_ids=tuple(group["GroupId"] for group in document["SecurityGroups"]),
        block_devices={"ami": root, "root": root, **{f"ebs{n}": device for n, device in enumerate(others, 1)}},
        tags=tags if options["InstanceMetadataTags"] == "enabled" else None,
        user_data=base64.b64decode(inner["user_data"]) if inner.get("user_data") else None,
        launched=datetime.fromtimestamp(seconds(document["LaunchTime"]), UTC),
        reservation_id=inner["reservation"],
        interface_id=inner["interface"],
        subnet_id=document["SubnetId"],
        vpc_id=document["VpcId"],
        tokens_required=options["HttpTokens"] == "required",
        enabled=options["HttpEndpoint"] == "enabled",
        hop_limit=options["HttpPutResponseHopLimit"],
        launch_index=document["AmiLaunchIndex"],
        public_ipv4=inner.get("address", ""),
        product_codes=tuple(code["ProductCodeId"] for code in document.get("ProductCodes", [])),
        profile=json.dumps(info) if info else "",
        credentials=credentials,
        target_lifecycle_state=inner.get("lifecycle", ""),
    )
