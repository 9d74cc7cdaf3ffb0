"""What moto's EC2 and EBS leave out of what AWS does with AMIs and uploaded snapshots, put in.

Sources: "Encryption outcomes for EBS direct APIs", and the references of RegisterImage, CopyImage, StartSnapshot and
ModifyImageAttribute.
"""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult, EmptyResult
from moto.ebs.models import EBSBackend, ebs_backends
from moto.ebs.responses import EBSResponse
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.responses import EC2Response
from moto.ec2.responses.amis import AmisResponse
from moto.kms import kms_backends

KEPT = {
    "BootMode": "boot_mode",
    "TpmSupport": "tpm_support",
    "ImdsSupport": "imds_support",
    "EnaSupport": "ena_support",
    "Architecture": "architecture",
    "RootDeviceName": "root_device_name",
}
_PLAIN = {
    "describe": AmisResponse.describe_images,
    "modify": AmisResponse.modify_image_attribute,
    "start": EBSResponse.start_snapshot,
}
_COMPLETE = EBSBackend.complete_snapshot


class InvalidError(JsonRESTError):
    code = 400

    def __init__(self, reason, message):
        super().__init__("ValidationException", message)
        self.reason = reason


def fill_in():
    """Put it in, once for the process."""
    AmisResponse.describe_images = describe_images
    AmisResponse.register_image = register_image
    AmisResponse.copy_image = copy_image
    AmisResponse.modify_image_attribute = modify_image_attribute
    EC2Response.get_ebs_default_kms_key_id = get_ebs_default_kms_key_id
    EBSResponse.start_snapshot = start_snapshot
    EBSBackend.complete_snapshot = complete_snapshot
    Ami.block_device_mappings = property(mappings)


def mappings(ami):
    snapshot = getattr(ami, "disk", None) or ami.ebs_snapshot
    return [{"DeviceName": ami.root_device_name, "Ebs": {"SnapshotId": snapshot.id, "VolumeSize": 1}}]


def tags_for(response, kind):
    said = response._get_param("TagSpecifications", [])
    return {tag["Key"]: tag["Value"] for each in said if each["ResourceType"] == kind for tag in each["Tags"]}


def new_image(response, name):
    if any(ami.name == name for ami in response.ec2_backend.describe_images(owners=["self"])):
        raise EC2ClientError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use")
    ami = response.ec2_backend.register_image(name, response._get_param("Description", ""))
    ami.root_device_type = "ebs"
    ami.add_tags(tags_for(response, "image"))
    return ami


def describe_images(self):
    answer = _PLAIN["describe"](self)
    if not self._get_param("IncludeDisabled"):
        answer.result["Images"] = [ami for ami in answer.result["Images"] if ami.state != "disabled"]
    return answer


def register_image(self):
    (mapping,) = self._get_param("BlockDeviceMappings")
    disk = self.ec2_backend.get_snapshot(mapping["Ebs"]["SnapshotId"])
    if disk.status != "completed":
        raise EC2ClientError("InvalidSnapshot.InvalidState", f"{disk.id} is {disk.status}")
    ami = new_image(self, self._get_param("Name"))
    ami.boot_mode = None
    for said, kept in KEPT.items():
        if self._get_param(said) is not None:
            setattr(ami, kept, self._get_param(said))
    _stand_on(ami, disk)
    return ActionResult({"ImageId": ami.id})


def copy_image(self):
    backends = ec2_backends[self.current_account]
    source = backends[self._get_param("SourceRegion")].describe_images(ami_ids=[self._get_param("SourceImageId")])[0]
    ami = new_image(self, self._get_param("Name"))
    for kept in KEPT.values():
        setattr(ami, kept, getattr(source, kept, None))
    disk = ami.ebs_snapshot
    of_source = getattr(source, "disk", source.ebs_snapshot)
    if self._get_param("Encrypted") or of_source.encrypted or self.ec2_backend.ebs_encryption_by_default:
        disk.encrypted, disk.kms_key_id = True, self._get_param("KmsKeyId") or default_key(self.ec2_backend)
    disk.add_tags(tags_for(self, "snapshot"))
    _stand_on(ami, disk)
    return ActionResult({"ImageId": ami.id})


def _stand_on(ami, disk):
    if ami.ebs_snapshot is not disk:
        ami.ec2_backend.snapshots.pop(ami.ebs_snapshot.id)
    ami.disk, disk.from_ami = disk, ami.id


def modify_image_attribute(self):
    imds = self._get_param("ImdsSupport")
    if imds:
        self.ec2_backend.describe_images(ami_ids=[self._get_param("ImageId")])[0].imds_support = imds["Value"]
        return EmptyResult()
    added = (self._get_param("LaunchPermission") or {}).get("Add", [])
    ami = self.ec2_backend.describe_images(ami_ids=[self._get_param("ImageId")])[0]
    disk = getattr(ami, "disk", ami.ebs_snapshot)
    keys = kms_backends[self.current_account][self.region]
    if added and disk.encrypted and keys.describe_key(disk.kms_key_id).key_manager == "AWS":
        raise EC2ClientError("InvalidParameter", f"Snapshot {disk.id} is encrypted with the default key")
    return _PLAIN["modify"](self)


def get_ebs_default_kms_key_id(self):
    return ActionResult({"KmsKeyId": default_key(self.ec2_backend)})


def default_key(backend):
    if not backend.default_kms_key_id:
        kms_backends[backend.account_id][backend.region_name].describe_key(
            backend._create_default_encryption_key()
        ).key_manager = "AWS"
    return backend.default_kms_key_id


def start_snapshot(self):
    backend = ec2_backends[self.current_account][self.region]
    said = {name: self._get_param(name) for name in ("ParentSnapshotId", "Encrypted", "KmsKeyArn", "ClientToken")}
    parent = backend.snapshots.get(said["ParentSnapshotId"])
    if parent and (said["Encrypted"] or said["KmsKeyArn"]):
        raise InvalidError("INVALID_PARAMETER_VALUE", "Encrypted and ParentSnapshotId")
    if parent and backend.ebs_encryption_by_default and not parent.encrypted:
        raise InvalidError("INVALID_PARAMETER_VALUE", "The account enciphers all, and the parent is not.")
    if said["KmsKeyArn"] and not said["Encrypted"]:
        raise InvalidError("INVALID_PARAMETER_VALUE", "KmsKeyArn without Encrypted")
    uploads = ebs_backends[self.current_account][self.region]
    known = uploads.__dict__.setdefault("tokens", {})
    if said["ClientToken"] in known:
        return known[said["ClientToken"]]
    answer = known[said["ClientToken"]] = _PLAIN["start"](self)
    disk = backend.snapshots[answer.result["SnapshotId"]]
    disk.status, disk.timeout = "pending", self._get_param("Timeout")
    if parent and parent.encrypted:
        disk.encrypted, disk.kms_key_id = True, parent.kms_key_id
    elif said["Encrypted"] or backend.ebs_encryption_by_default:
        disk.encrypted, disk.kms_key_id = True, said["KmsKeyArn"] or default_key(backend)
    return answer


def complete_snapshot(self, snapshot_id):
    self.ec2_backend.snapshots[snapshot_id].status = "completed"
    return _COMPLETE(self, snapshot_id)
