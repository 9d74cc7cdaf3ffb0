from __future__ import annotations

import pytest

from goldsmith.documents.arns import Arn
from goldsmith.documents.component_reference import (
    ComponentArn,
    ComponentFile,
    ComponentReferenceError,
    ManagedComponent,
    parse_component_reference,
)
from goldsmith.documents.parent_image import (
    AmiId,
    Bootstrap,
    CatalogueImage,
    ContainerImage,
    ImageArn,
    LocalFile,
    ParentImageError,
    SsmParameter,
    parse_parent_image,
)
from goldsmith.documents.versions import VersionPattern

IMAGE = "arn:aws:imagebuilder:us-east-1:aws:image/debian-12/x.x.x"
COMPONENT = "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("debian/11", Bootstrap("debian", "11")),
        ("debian/13", Bootstrap("debian", "13")),
        ("./disk.qcow2", LocalFile("./disk.qcow2", "qcow2")),
        ("disk.RAW", LocalFile("disk.RAW", "raw")),
        ("/srv/a.img", LocalFile("/srv/a.img", "raw")),
        ("../a.vmdk", LocalFile("../a.vmdk", "vmdk")),
        ("../a.sparse.vmdk", LocalFile("../a.sparse.vmdk", "vmdk")),
        ("a.vhd", LocalFile("a.vhd", "vhd")),
        ("a.VHDX", LocalFile("a.VHDX", "vhdx")),
        ("./a b.ova", LocalFile("./a b.ova", "ova")),
        ("a.img.xz", LocalFile("a.img.xz", "raw.xz")),
        ("a.raw.zst", LocalFile("a.raw.zst", "raw.zst")),
        ("a.tar.xz", LocalFile("a.tar.xz", "tar")),
        ("./root.tar.zst", LocalFile("./root.tar.zst", "tar")),
        ("root.tgz", LocalFile("root.tgz", "tar")),
        ("oci:./layout", ContainerImage("oci", "./layout")),
        ("oci:layout:v1", ContainerImage("oci", "layout:v1")),
        ("./rootfs.oci.tar", ContainerImage("oci-archive", "./rootfs.oci.tar")),
        ("docker-archive:/srv/a.tar:web:1", ContainerImage("docker-archive", "/srv/a.tar:web:1")),
        ("oci://registry.example:5000/web:1", ContainerImage("docker", "registry.example:5000/web:1")),
        ("docker://debian", ContainerImage("docker", "debian")),
        ("web-server/1.0.0", CatalogueImage("web-server", VersionPattern((1, 0, 0)))),
        ("web-server/1.0.0/3", CatalogueImage("web-server", VersionPattern((1, 0, 0), 3))),
        ("web server/1.x.x", CatalogueImage("web server", VersionPattern((1,)))),
        (IMAGE, ImageArn(Arn.parse(IMAGE))),
        ("ami-0123456789abcdef0", AmiId("ami-0123456789abcdef0")),
        ("ssm:/aws/service/debian", SsmParameter("/aws/service/debian")),
    ],
)
def test_every_form_of_parent(value, expected):
    assert parse_parent_image(value) == expected


@pytest.mark.parametrize(
    ("value", "said", "meant"),
    [
        ("debian/14", "There is no 'debian/14' to bootstrap.", ""),
        ("debian/bookworm", "There is no 'debian/bookworm' to bootstrap.", "debian/12"),
        ("debian", "There is no 'debian' to bootstrap.", ""),
        ("debain/12", "'debain/12' is no parent image.", "debian/12"),
        ("web-server", "'web-server' names an image without a version.", "web-server/x.x.x"),
        ("web-server/x.1.x", "'web-server/x.1.x' names no version: 'x.1.x' has an x before a number.", ""),
        ("./disk.iso", "'./disk.iso' is a file of no known kind.", ""),
        (COMPONENT, f"'{COMPONENT}' is the ARN of a component; a parent is an image.", ""),
        ("oci:", "'oci:' names no container image.", ""),
        ("", "'' is no parent image.", ""),
    ],
)
def test_what_is_no_parent(value, said, meant):
    with pytest.raises(ParentImageError) as caught:
        parse_parent_image(value)
    assert (caught.value.message, caught.value.meant) == (said, meant)
    assert caught.value.mend


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("nginx", ManagedComponent("nginx", VersionPattern(()))),
        ("python-3/1.x.x", ManagedComponent("python-3", VersionPattern((1,)))),
        ("./hello.yml", ComponentFile("./hello.yml")),
        ("parts/hello.JSON", ComponentFile("parts/hello.JSON")),
        (COMPONENT, ComponentArn(Arn.parse(COMPONENT))),
    ],
)
def test_every_form_of_component(value, expected):
    assert parse_component_reference(value) == expected


@pytest.mark.parametrize("value", ["", "Nginx", "nginx/1", "nginx/x.1.0", "a b", "arn:aws:x", IMAGE])
def test_what_is_no_component(value):
    with pytest.raises(ComponentReferenceError) as caught:
        parse_component_reference(value)
    assert caught.value.mend
