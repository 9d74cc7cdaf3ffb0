"""Imports of disks in every format, of appliances, and of what somebody made to get at the host's files."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import subprocess
import tarfile
import time

import pytest
from botocore.exceptions import ClientError

from goldsmith.aws.ec2 import import_jobs

pytestmark = pytest.mark.sandbox

MIB = 1 << 20
OVF = """<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
<References><File ovf:id="file1" ovf:href="data.vmdk"/><File ovf:id="file2" ovf:href="root.vmdk"/></References>
<DiskSection><Disk ovf:diskId="vmdisk1" ovf:fileRef="file1"/><Disk ovf:diskId="vmdisk2" ovf:fileRef="file2"/></DiskSection>
<VirtualSystem ovf:id="vm"><VirtualHardwareSection>
<Item><rasd:ResourceType>17</rasd:ResourceType><rasd:Parent>3</rasd:Parent><rasd:AddressOnParent>1</rasd:AddressOnParent>
<rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource></Item>
<Item><rasd:ResourceType>17</rasd:ResourceType><rasd:Parent>3</rasd:Parent><rasd:AddressOnParent>0</rasd:AddressOnParent>
<rasd:HostResource>ovf:/disk/vmdisk2</rasd:HostResource></Item>
</VirtualHardwareSection></VirtualSystem></Envelope>
"""


def code(function, **arguments):
    with pytest.raises(ClientError) as refused:
        function(**arguments)
    return refused.value.response["Error"]["Code"]


@pytest.fixture
def bucket(served):
    folder = served.cloud.home.buckets / served.account_id() / "disks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A disk of 5 MiB with a GPT that has an EFI partition, and random contents."""
    path = tmp_path_factory.mktemp("disk") / "disk.raw"
    generator = random.Random(7)  # noqa: S311 - contents, not secrets
    with path.open("wb") as file:
        file.truncate(5 * MIB)
        file.seek(3 * MIB)
        file.write(generator.randbytes(MIB))
    table = "label: gpt\nsize=1MiB, type=uefi\n"
    subprocess.run(["sfdisk", "-q", path], input=table.encode(), check=True)
    return path


def convert(raw, path, form, *options):
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", form, *options, raw, path], check=True)


def ended(look):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        task = look()
        status = task.get("Status") or task["SnapshotTaskDetail"]["Status"]
        if status not in {"active", "deleting"}:
            return task
        time.sleep(0.05)
    raise AssertionError(task)


def import_disk(client, key, form, **more):
    answer = client.import_snapshot(
        DiskContainer={"Format": form, "UserBucket": {"S3Bucket": "disks", "S3Key": key}}, **more
    )
    assert answer["SnapshotTaskDetail"]["Status"] == "active"
    ids = [answer["ImportTaskId"]]
    return ended(lambda: client.describe_import_snapshot_tasks(ImportTaskIds=ids)["ImportSnapshotTasks"][0])


def contents(served, snapshot):
    store = served.cloud.blocks("us-east-1")
    with served.cloud.catalog(served.account_id(), "us-east-1", writes=False) as catalog:
        block_map = store.load_map(catalog.own("snapshot", snapshot).inner["map"])
    return b"".join(
        store.get(block_map.get(index) or bytes(32)) if block_map.get(index) else bytes(524288) for index in range(10)
    )


@pytest.mark.parametrize(
    ("form", "kind", "options"),
    [
        ("RAW", "raw", ()),
        ("VMDK", "vmdk", ()),
        ("VMDK", "vmdk", ("-o", "subformat=streamOptimized")),
        ("VHD", "vpc", ("-o", "force_size=on")),
        ("VHD", "vpc", ("-o", "subformat=fixed,force_size=on")),
        ("VHDX", "vhdx", ()),
        ("QCOW2", "qcow2", ("-c",)),
    ],
)
def test_a_disk_of_any_format_becomes_a_snapshot(served, bucket, raw, form, kind, options):
    key = f"some/{form}{len(options)}{len(''.join(options))}"
    (bucket / "some").mkdir(exist_ok=True)
    convert(raw, bucket / key, kind, *options)
    task = import_disk(served.client(), key, form, Description="mine")["SnapshotTaskDetail"]
    assert task["Status"] == "completed", task
    assert task["StatusMessage"] == "1 partitions, boots by UEFI"
    assert contents(served, task["SnapshotId"])[: 5 * MIB] == raw.read_bytes()
    (snapshot,) = served.client().describe_snapshots(SnapshotIds=[task["SnapshotId"]])["Snapshots"]
    assert (snapshot["State"], snapshot["VolumeSize"], snapshot["Description"]) == ("completed", 1, "mine")
    assert (bucket / key).exists()
    assert not any((served.cloud.home.path / "tasks").iterdir())


def backing(path, raw):
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", path, "5M"], check=True
    )


def data_file(path, raw):
    outside = path.parent.parent / "outside.raw"
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={outside},data_file_raw=on", path, "5M"],
        check=True,
    )


def descriptor(path, raw):
    path.write_text('# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\nRW 10 FLAT "/etc/passwd" 0\n')


def parent_hint(path, raw):
    convert(raw, path, "vmdk")
    data = bytearray(path.read_bytes())
    at = data.index(b"# Disk DescriptorFile")
    data[at : at + 60] = b'# Disk DescriptorFile\nparentFileNameHint="/etc/passwd"\n'.ljust(60, b" ")
    path.write_bytes(data)


def differencing(path, raw):
    convert(raw, path, "vpc", "-o", "force_size=on")
    data = bytearray(path.read_bytes())
    data[len(data) - 512 + 60 : len(data) - 512 + 64] = struct.pack(">I", 4)
    path.write_bytes(data)


def garbage(path, raw):
    path.write_bytes(b"garbage" * 1000)


def huge(path, raw):
    subprocess.run(["qemu-img", "create", "-q", "-f", "vhdx", path, "2T"], check=True)


def link(path, raw):
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    ("make", "form"),
    [
        (backing, "QCOW2"),
        (data_file, "QCOW2"),
        (descriptor, "VMDK"),
        (parent_hint, "VMDK"),
        (differencing, "VHD"),
        (garbage, "VHDX"),
        (garbage, "VHD"),
        (garbage, "QCOW2"),
        (garbage, "OVA"),
        (huge, "VHDX"),
        (link, "RAW"),
    ],
)
def test_what_is_hostile_becomes_nothing(served, bucket, raw, make, form):
    client = served.client()
    path = bucket / f"{make.__name__}-{form}"
    make(path, raw)
    before = len(client.describe_snapshots(OwnerIds=["self"])["Snapshots"])
    if form == "OVA":
        answer = client.import_image(
            DiskContainers=[{"Format": form, "UserBucket": {"S3Bucket": "disks", "S3Key": path.name}}]
        )
        ids = [answer["ImportTaskId"]]
        task = ended(lambda: client.describe_import_image_tasks(ImportTaskIds=ids)["ImportImageTasks"][0])
    else:
        task = import_disk(client, path.name, form)["SnapshotTaskDetail"]
    assert task["Status"] == "deleted"
    assert task["StatusMessage"].startswith("ClientError: ")
    assert "root:" not in task["StatusMessage"]
    assert len(client.describe_snapshots(OwnerIds=["self"])["Snapshots"]) == before


@pytest.mark.parametrize("key", ["../../../etc/passwd", "/etc/passwd", "nothing", "a//b"])
def test_a_key_that_leads_nowhere(served, bucket, key):
    task = import_disk(served.client(), key, "RAW")["SnapshotTaskDetail"]
    assert (task["Status"], task["StatusMessage"][:13]) == ("deleted", "ClientError: ")


def test_another_account_has_no_such_bucket(served, bucket, raw):
    convert(raw, bucket / "private.raw", "raw")
    task = import_disk(served.client(account="other"), "private.raw", "RAW")["SnapshotTaskDetail"]
    assert task["Status"] == "deleted"


def make_ova(path, raw, tmp_path, *, manifest=None, description=OVF):
    """Write an OVA whose root is ``raw`` and whose data disk is of 2 MiB."""
    data = tmp_path / "data.raw"
    data.write_bytes(b"data" * (MIB // 2))
    convert(data, tmp_path / "data.vmdk", "vmdk", "-o", "subformat=streamOptimized")
    convert(raw, tmp_path / "root.vmdk", "vmdk", "-o", "subformat=streamOptimized")
    root = (tmp_path / "root.vmdk").read_bytes()
    text = f"SHA256(root.vmdk)= {manifest or hashlib.sha256(root).hexdigest()}\n"
    parts = [("machine.ovf", description.encode()), ("machine.mf", text.encode()), ("root.vmdk", root)]
    parts.append(("data.vmdk", (tmp_path / "data.vmdk").read_bytes()))
    with tarfile.open(path, "w") as tar:
        for name, content in parts:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def import_ova(served, key):
    client = served.client()
    answer = client.import_image(
        Description="appliance", DiskContainers=[{"Format": "OVA", "Url": f"s3://disks/{key}"}]
    )
    ids = [answer["ImportTaskId"]]
    assert answer["Status"] == "active"
    return ended(lambda: client.describe_import_image_tasks(ImportTaskIds=ids)["ImportImageTasks"][0])


def test_an_appliance_becomes_an_image_with_its_disks_in_order(served, bucket, raw, tmp_path):
    make_ova(bucket / "good.ova", raw, tmp_path)
    task = import_ova(served, "good.ova")
    assert task["Status"] == "completed", task
    (image,) = served.client().describe_images(ImageIds=[task["ImageId"]])["Images"]
    assert (image["Name"], image["Description"], image["BootMode"]) == (task["ImportTaskId"], "appliance", "uefi")
    root, data = image["BlockDeviceMappings"]
    assert (root["DeviceName"], data["DeviceName"]) == ("/dev/sda1", "/dev/sdf")
    assert contents(served, root["Ebs"]["SnapshotId"])[: 5 * MIB] == raw.read_bytes()
    assert contents(served, data["Ebs"]["SnapshotId"])[:8] == b"datadata"
    assert [each["DeviceName"] for each in task["SnapshotDetails"]] == ["/dev/sda1", "/dev/sdf"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"manifest": "0" * 64},
        {"description": OVF.replace('<?xml version="1.0"?>', '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>')},
        {"description": OVF.replace("root.vmdk", "../../../etc/passwd")},
        {"description": OVF.replace('ovf:href="root.vmdk"', 'ovf:href="root.vmdk" ovf:compression="gzip"')},
        {"description": OVF.replace("vmdisk1<", "vmdisk2<")},
        {"description": "no xml"},
    ],
)
def test_a_wrong_appliance_becomes_nothing(served, bucket, raw, tmp_path, wrong):
    make_ova(bucket / "wrong.ova", raw, tmp_path, **wrong)
    task = import_ova(served, "wrong.ova")
    assert (task["Status"], task["StatusMessage"][:13]) == ("deleted", "ClientError: ")


def test_an_image_of_a_file_and_a_snapshot(served, bucket, raw, upload_blocks):
    client = served.client()
    convert(raw, bucket / "root.vmdk", "vmdk")
    snapshot = upload_blocks(served.client("ebs"), {"b0": b"a"})
    answer = client.import_image(
        DiskContainers=[
            {"UserBucket": {"S3Bucket": "disks", "S3Key": "root.vmdk"}, "DeviceName": "/dev/xvda"},
            {"SnapshotId": snapshot},
        ],
        BootMode="legacy-bios",
        TagSpecifications=[{"ResourceType": "import-image-task", "Tags": [{"Key": "k", "Value": "v"}]}],
    )
    assert answer["Tags"] == [{"Key": "k", "Value": "v"}]
    ids = [answer["ImportTaskId"]]
    task = ended(lambda: client.describe_import_image_tasks(ImportTaskIds=ids)["ImportImageTasks"][0])
    (image,) = client.describe_images(ImageIds=[task["ImageId"]])["Images"]
    assert image["BootMode"] == "legacy-bios"
    assert [each["Ebs"]["SnapshotId"] == snapshot for each in image["BlockDeviceMappings"]] == [False, True]
    assert image["RootDeviceName"] == "/dev/xvda"
    by_state = client.describe_import_image_tasks(Filters=[{"Name": "task-state", "Values": ["completed"]}])
    assert task["ImportTaskId"] in [each["ImportTaskId"] for each in by_state["ImportImageTasks"]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "MissingParameter"),
        ({"DiskContainers": [{"Format": "ISO", "Url": "s3://a/b"}]}, "InvalidParameterValue"),
        ({"DiskContainers": [{"Format": "RAW"}]}, "InvalidParameterCombination"),
        ({"DiskContainers": [{"Format": "RAW", "Url": "https://example.org/x"}]}, "UnsupportedOperation"),
        ({"DiskContainers": [{"SnapshotId": "snap-0123456789abcdef0"}]}, "InvalidSnapshot.NotFound"),
        ({"DiskContainers": [{"Url": "s3://a/b.raw"}], "Encrypted": True}, "UnsupportedOperation"),
        ({"DiskContainers": [{"Url": "s3://a/b.raw"}], "Platform": "OS/2"}, "InvalidParameterValue"),
        ({"DiskContainers": [{"Url": "s3://a/b.ova"}, {"Url": "s3://a/b.raw"}]}, "InvalidParameterCombination"),
    ],
)
def test_imports_that_cannot_be(served, asked, expected):
    assert code(served.client().import_image, **asked) == expected


def test_a_task_that_is_cancelled_makes_nothing(fresh, monkeypatch):
    held = []
    monkeypatch.setattr(fresh.cloud, "submit", lambda job: job())
    monkeypatch.setattr(fresh.cloud, "queue", held.append)
    client = fresh.client()
    folder = fresh.cloud.home.buckets / fresh.account_id() / "disks"
    folder.mkdir(parents=True)
    (folder / "disk").write_bytes(bytes(MIB))
    container = {"Format": "RAW", "UserBucket": {"S3Bucket": "disks", "S3Key": "disk"}}
    task = client.import_snapshot(DiskContainer=container)["ImportTaskId"]
    answer = client.cancel_import_task(ImportTaskId=task, CancelReason="no")
    assert (answer["PreviousState"], answer["State"]) == ("active", "deleting")
    assert code(client.cancel_import_task, ImportTaskId=task) == "IncorrectState"
    held[0]()
    (found,) = client.describe_import_snapshot_tasks(ImportTaskIds=[task])["ImportSnapshotTasks"]
    assert found["SnapshotTaskDetail"]["Status"] == "deleted"
    assert client.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    assert code(client.cancel_import_task, ImportTaskId="import-ami-0123456789abcdef0") == "InvalidConversionTaskId"


def test_a_task_begins_anew_after_the_server_died(fresh, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(fresh.cloud, "submit", lambda job: None)
        client = fresh.client()
        folder = fresh.cloud.home.buckets / fresh.account_id() / "disks"
        folder.mkdir(parents=True)
        (folder / "disk").write_bytes(b"x" * MIB)
        container = {"Format": "RAW", "UserBucket": {"S3Bucket": "disks", "S3Key": "disk"}}
        task = client.import_snapshot(DiskContainer=container)["ImportTaskId"]
    with fresh.cloud.catalog(fresh.account_id(), "us-east-1") as catalog:
        record = catalog.own("import-snapshot-task", task)
    (fresh.cloud.home.path / "tasks" / task).mkdir(parents=True)
    (fresh.cloud.home.path / "tasks" / task / "image").write_text("half")
    import_jobs.import_snapshot(fresh.cloud, record)
    (found,) = client.describe_import_snapshot_tasks(ImportTaskIds=[task])["ImportSnapshotTasks"]
    assert found["SnapshotTaskDetail"]["Status"] == "completed"
