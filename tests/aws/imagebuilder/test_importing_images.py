"""Disks from elsewhere become images: by a task that EC2 has, and from a file in a bucket; and what cannot be."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from goldsmith.aws.imagebuilder.import_outcomes import follow_imports
from goldsmith.aws.imagebuilder.pinning import pin_parent
from goldsmith.aws.imagebuilder.world import CloudWorld
from goldsmith.aws.resuming import resume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.aws.conftest import Served

pytestmark = pytest.mark.sandbox

REGION = "us-east-1"
MIB = 1 << 20
RELEASE = 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk with a partition table and a root file system that says which system it is."""
    folder = tmp_path_factory.mktemp("disk")
    release = folder / "root" / "usr" / "lib" / "os-release"
    release.parent.mkdir(parents=True)
    release.write_text(RELEASE)
    (folder / "root" / "etc").mkdir()
    path = folder / "disk.raw"
    with path.open("wb") as file:
        file.truncate(16 * MIB)
    subprocess.run(["sfdisk", "-q", path], input=b"label: gpt\nstart=1MiB\n", check=True)
    options = ["-q", "-F", "-t", "ext4", "-d", folder / "root", "-E", f"offset={MIB}"]
    subprocess.run(["mke2fs", *options, path, "14m"], check=True, stderr=subprocess.DEVNULL)
    return path


@pytest.fixture
def bucket(served: Served) -> Path:
    folder = served.cloud.home.buckets / served.account_id() / "disks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def builder(served: Served) -> Any:
    return served.client("imagebuilder")


@pytest.fixture
def infrastructure(served: Served, builder: Any) -> str:
    arn = f"arn:aws:imagebuilder:{REGION}:{served.account_id()}:infrastructure-configuration/plain"
    if not builder.list_infrastructure_configurations()["infrastructureConfigurationSummaryList"]:
        builder.create_infrastructure_configuration(name="plain", instanceProfileName="any")
    return arn


def convert(raw: Path, path: Path, form: str) -> None:
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", form, raw, path], check=True)


def follow(served: Served) -> list[dict[str, Any]]:
    """Follow the imports once; return the events that were told."""
    told: list[dict[str, Any]] = []

    def emit(kind: str, resources: list[str], detail: dict[str, Any], **_: Any) -> None:
        told.append({"kind": kind, "resources": resources, **detail})

    follow_imports(CloudWorld(served.cloud), emit, lambda _: None)
    return told


def ended(served: Served, builder: Any, arn: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        follow(served)
        image: dict[str, Any] = builder.get_image(imageBuildVersionArn=arn)["image"]
        if image["state"]["status"] != "PENDING":
            return image
        time.sleep(0.05)
    raise AssertionError(image)


def begin_task(served: Served, key: str, form: str, **more: Any) -> str:
    container = {"Format": form, "UserBucket": {"S3Bucket": "disks", "S3Key": key}}
    return str(served.client().import_image(DiskContainers=[container], **more)["ImportTaskId"])


def test_an_import_task_becomes_an_image_that_recipes_build_on(
    served: Served, builder: Any, bucket: Path, raw: Path
) -> None:
    convert(raw, bucket / "vm.qcow2", "qcow2")
    task = begin_task(served, "vm.qcow2", "QCOW2", Description="from afar")
    answer = builder.import_vm_image(
        name="From Afar", semanticVersion="1.0.0", platform="Linux", vmImportTaskId=task, tags={"a": "b"}
    )
    arn = answer["imageArn"]
    assert arn == f"arn:aws:imagebuilder:{REGION}:{served.account_id()}:image/from-afar/1.0.0/1"
    image = ended(served, builder, arn)
    (ami,) = image["outputResources"]["amis"]
    (there,) = served.client().describe_images(ImageIds=[ami["image"]])["Images"]
    assert image["state"] == {"status": "AVAILABLE"}
    assert (image["buildType"], image["imageSource"], image["type"]) == ("IMPORT", "IMPORTED", "AMI")
    assert (image["osVersion"], image["version"], image["tags"]) == ("Debian 12", "1.0.0/1", {"a": "b"})
    assert (ami["region"], ami["name"], ami["accountId"]) == (REGION, there["Name"], served.account_id())
    (row,) = builder.list_images(filters=[{"name": "osVersion", "values": ["Debian 12"]}])["imageVersionList"]
    assert (row["name"], row["buildType"], row["imageSource"]) == ("From Afar", "IMPORT", "IMPORTED")
    with served.cloud.catalog(served.account_id(), REGION) as catalog:
        parent = pin_parent(CloudWorld(served.cloud), catalog, arn.replace("1.0.0/1", "x.x.x"))
    assert (parent.kind, parent.reference, parent.image_arn) == ("ami", ami["image"], arn)
    assert parent.map


def test_a_disk_image_of_a_bucket_is_imported(
    served: Served, builder: Any, bucket: Path, raw: Path, infrastructure: str
) -> None:
    convert(raw, bucket / "a disk%41.VMDK", "vmdk")
    answer = builder.import_disk_image(
        name="imported",
        semanticVersion="2.0.0",
        platform="Linux",
        osVersion="Debian 12 as I say",
        infrastructureConfigurationArn=infrastructure,
        uri="s3://disks/a disk%41.VMDK",
        description="mine",
        tags={"team": "images"},
        registerImageOptions={"uefiData": "QUJD"},
    )
    arn = answer["imageBuildVersionArn"]
    image = ended(served, builder, arn)
    assert image["state"] == {"status": "AVAILABLE"}
    assert image["osVersion"] == "Debian 12 as I say"
    assert image["infrastructureConfiguration"]["arn"] == infrastructure
    (ami,) = image["outputResources"]["amis"]
    assert ami["description"] == "mine"
    (there,) = served.client().describe_images(ImageIds=[ami["image"]])["Images"]
    tags = {each["Key"]: each["Value"] for each in there["Tags"]}
    assert tags == {"CreatedBy": "EC2 Image Builder", "Ec2ImageBuilderArn": arn, "team": "images"}
    assert there["BootMode"] == "uefi"
    uefi = served.client().describe_image_attribute(ImageId=ami["image"], Attribute="uefiData")["UefiData"]
    assert uefi == {"Value": "QUJD"}


def test_an_end_is_told_once_as_an_event(served: Served, builder: Any, bucket: Path, raw: Path) -> None:
    convert(raw, bucket / "told.raw", "raw")
    task = begin_task(served, "told.raw", "RAW")
    arn = builder.import_vm_image(name="told", semanticVersion="1.0.0", platform="Linux", vmImportTaskId=task)[
        "imageArn"
    ]
    told: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    while not told and time.monotonic() < deadline:
        told = [each for each in follow(served) if each["resources"] == [arn]]
        time.sleep(0.05)
    assert [each["previous-state"]["status"] for each in told] == ["PENDING"]
    assert [each["state"]["status"] for each in told] == ["AVAILABLE"]
    assert follow(served) == []


def test_what_goes_wrong_is_the_images_reason(
    served: Served, builder: Any, bucket: Path, infrastructure: str, refusal: Callable[..., str]
) -> None:
    (bucket / "broken.qcow2").write_bytes(b"no disk at all")
    asked = {
        "semanticVersion": "1.0.0",
        "platform": "Linux",
        "osVersion": "any",
        "infrastructureConfigurationArn": infrastructure,
    }
    broken = builder.import_disk_image(name="broken", uri="s3://disks/broken.qcow2", **asked)["imageBuildVersionArn"]
    missing = builder.import_disk_image(name="missing", uri="s3://disks/none.raw", **asked)["imageBuildVersionArn"]
    assert "not a qcow2 image" in ended(served, builder, broken)["state"]["reason"]
    assert refusal(builder.retry_image, imageBuildVersionArn=broken) == "InvalidRequestException"
    state = ended(served, builder, missing)["state"]
    assert state["status"] == "FAILED"
    assert "no file none.raw in the bucket disks" in state["reason"]


def test_a_server_that_was_killed_takes_imports_up_again(
    fresh: Served, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh.cloud, "queue", lambda _: None)  # killed before the job began
    client = fresh.client("imagebuilder")
    folder = fresh.cloud.home.buckets / fresh.account_id() / "disks"
    folder.mkdir(parents=True)
    convert(raw, folder / "disk.raw", "raw")
    made = client.create_infrastructure_configuration(name="plain", instanceProfileName="any")
    arn = client.import_disk_image(
        name="resumed",
        semanticVersion="1.0.0",
        platform="Linux",
        osVersion="any",
        infrastructureConfigurationArn=made["infrastructureConfigurationArn"],
        uri="s3://disks/disk.raw",
    )["imageBuildVersionArn"]
    assert follow(fresh) == []
    monkeypatch.undo()
    resume(fresh.cloud)
    assert ended(fresh, client, arn)["state"]["status"] == "AVAILABLE"


def test_cancelling_ends_the_images_own_task_and_no_other(
    fresh: Served, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh.cloud, "queue", lambda _: None)
    client = fresh.client("imagebuilder")
    made = client.create_infrastructure_configuration(name="plain", instanceProfileName="any")
    own = client.import_disk_image(
        name="own",
        semanticVersion="1.0.0",
        platform="Linux",
        osVersion="any",
        infrastructureConfigurationArn=made["infrastructureConfigurationArn"],
        uri="s3://disks/disk.raw",
    )["imageBuildVersionArn"]
    task = begin_task(fresh, "disk.raw", "RAW")
    other = client.import_vm_image(name="other", semanticVersion="1.0.0", platform="Linux", vmImportTaskId=task)
    with fresh.cloud.catalog(fresh.account_id(), REGION) as catalog:
        for arn in (own, other["imageArn"]):
            image = catalog.own("image-build", arn)
            assert image is not None
            catalog.save(image.having(state="CANCELLED"))
    follow(fresh)
    tasks = {
        each["ImportTaskId"]: each["Status"]
        for each in fresh.client().describe_import_image_tasks()["ImportImageTasks"]
    }
    assert tasks.pop(task) == "active"
    assert list(tasks.values()) == ["deleting"]


DISK = {"name": "x-y-z", "semanticVersion": "1.0.0", "platform": "Linux", "osVersion": "any", "uri": "s3://disks/x.raw"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"uri": "s3://disks/windows11.Iso", "platform": "Windows", "osVersion": "Microsoft Windows 11"},
            "this host is Linux",
        ),
        ({"platform": "Windows"}, "Disks of Linux"),
        ({"platform": "macOS"}, "Disks of Linux"),
        ({"uri": "https://example.com/x.raw"}, "s3://bucket/key"),
        ({"uri": "s3://disks/x.tar"}, "ends with its format"),
        ({"uri": "s3:///x.raw"}, "S3Bucket"),
        ({"windowsConfiguration": {"imageIndex": 1}}, "ISOs of Windows"),
        ({"registerImageOptions": {"secureBootEnabled": True}}, "Secure Boot"),
        ({"registerImageOptions": {"uefiData": "!"}}, "base64"),
        ({"name": "no/name"}, "name"),
        ({"semanticVersion": "1.x.x"}, "semanticVersion"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_words(
    builder: Any, infrastructure: str, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(builder.exceptions.ClientException, match=said):
        builder.import_disk_image(**{**DISK, "infrastructureConfigurationArn": infrastructure, **more})


def test_tasks_that_are_not_the_callers_or_of_another_platform_are_refused(
    served: Served, builder: Any, refusal: Callable[..., str]
) -> None:
    task = begin_task(served, "none.raw", "RAW")
    asked = partial(dict, name="task", semanticVersion="1.0.0", platform="Linux", vmImportTaskId=task)
    other = served.client("imagebuilder", account="other")
    for client, given in (
        (builder, asked(vmImportTaskId="import-ami-0123456789abcdef0")),
        (other, asked()),
        (builder, asked(platform="Windows")),
        (builder, asked(loggingConfiguration={"logGroupName": "elsewhere"})),
        (builder, asked(name="no name!")),
    ):
        assert refusal(client.import_vm_image, **given) == "ClientException"
    unknown = {
        **DISK,
        "infrastructureConfigurationArn": f"arn:aws:imagebuilder:{REGION}:123456789012:infrastructure-configuration/no",
    }
    assert refusal(builder.import_disk_image, **unknown) == "ResourceNotFoundException"
    assert builder.import_vm_image(**asked())["imageArn"].endswith("/1.0.0/1")
    assert builder.import_vm_image(**asked(description="again"))["imageArn"].endswith("/1.0.0/2")
