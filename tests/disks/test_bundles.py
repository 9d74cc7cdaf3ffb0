"""What is made of a disk for others: each is read back and held against the disk."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import ssl
import subprocess
import tarfile
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import yaml
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from goldsmith.disks.about import About
from goldsmith.disks.ext4.lookup import find, names, read
from goldsmith.disks.glance import command, properties, write_glance
from goldsmith.disks.incus import write_incus
from goldsmith.disks.netboot.bundle import write_netboot, write_netboot_erofs
from goldsmith.disks.netboot.cpio import archive
from goldsmith.disks.plan import DiskError
from goldsmith.disks.reading import export_tar, root_files
from goldsmith.disks.root_tar import write_root_tar
from goldsmith.disks.squashfs import write_squashfs
from goldsmith.disks.vagrant import write_box

MIB = 1 << 20
ABOUT = About(
    name="web", version="1.0.2", created="2026-11-23T15:18:55Z", distribution="debian/12", epoch=1_800_000_000
)
mksquashfs = pytest.mark.skipif(not shutil.which("mksquashfs"), reason="squashfs-tools is not installed")
UNUSUAL = """\
set_inode_field / mode 040711
set_inode_field / mtime @1600000000
set_inode_field /etc uid 70000
set_inode_field /etc/sparse gid 1234
set_inode_field /etc/hosts mode 0104755
set_inode_field /etc/hosts mtime @1500000000
ea_set /etc/hosts user.note kept
ea_set /boot security.selinux label
mknod disk b 8 1
mknod pipe p
"""


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A root file system with a kernel's files, a sparse file, a hard link, links and an attribute."""
    folder = tmp_path_factory.mktemp("bundles")
    tree = folder / "tree"
    modules = tree / "usr/lib/modules/6.1.0-9"
    for path in ("etc", "boot", "usr/lib/modules/6.1.0-9/kernel"):
        (tree / path).mkdir(parents=True)
    (tree / "lib").symlink_to("usr/lib")
    (tree / "etc/hosts").write_text("localhost\n")
    (tree / "etc/fstab").write_text("UUID=1 / ext4 {{ defaults }} 0 1\n")
    (tree / "etc/again").hardlink_to(tree / "etc/hosts")
    (tree / "etc/round").symlink_to("/etc/round")
    (tree / "etc/out").symlink_to("../../../etc/hosts")
    with (tree / "etc/sparse").open("wb") as file:
        file.seek(3 * MIB)
        file.write(b"end")
    for version in ("6.1.0-10", "6.1.0-9"):
        (tree / f"boot/vmlinuz-{version}").write_text(f"kernel {version}")
    (tree / "boot/initrd.img-6.1.0-9").write_text("initramfs")
    for name in ("loop", "squashfs", "overlay", "xxhash", "erofs"):
        (modules / f"kernel/{name}.ko").write_text(name)
    (modules / "modules.dep").write_text(
        "kernel/loop.ko:\nkernel/xxhash.ko:\nkernel/squashfs.ko: kernel/xxhash.ko\nkernel/overlay.ko:\nkernel/erofs.ko:\n"
    )
    image = folder / "disk.raw"
    with image.open("wb") as file:
        file.truncate(32 * MIB)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, image], check=True)
    change(image, UNUSUAL)
    return image


def change(image, commands):
    subprocess.run(["debugfs", "-w", "-f", "-", image], input=commands, text=True, check=True, capture_output=True)


def members(bundle):
    with tarfile.open(bundle) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


def described(file):
    """Name to kind, mode, owner, time, link, content, device and attributes of each member of a tar."""
    with tarfile.open(fileobj=file) as archive:
        return {
            member.name.removeprefix("./"): (
                member.type, member.mode, member.uid, member.gid, member.mtime, member.linkname,
                archive.extractfile(member).read() if member.isreg() else b"",
                (member.devmajor, member.devminor) if member.isdev() else (),
                {name: value for name, value in member.pax_headers.items() if name.startswith("SCHILY.xattr.") and not member.islnk()},
            )
            for member in archive
        }  # fmt: skip


def test_the_root_tar_is_the_disk(raw, tmp_path):
    write_root_tar(raw, tmp_path / "root.tar.zst")
    plain = io.BytesIO()
    export_tar(raw, "raw", plain)
    with (tmp_path / "root.tar.zst").open("rb") as file:
        packed = zstandard.ZstdDecompressor().stream_reader(file).read()
    assert packed == plain.getvalue()
    assert described(io.BytesIO(packed))["etc/sparse"][6] == bytes(3 * MIB) + b"end"


@mksquashfs
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_the_squashfs_is_the_disk_and_the_same_again(raw, tmp_path):
    sums = []
    for name in ("one", "two"):
        write_squashfs(raw, tmp_path / name)
        sums.append(hashlib.sha256((tmp_path / name).read_bytes()).digest())
    assert sums[0] == sums[1]
    out = tmp_path / "out"
    subprocess.run(["unsquashfs", "-quiet", "-no-progress", "-dest", out, tmp_path / "one"], check=True)
    plain = io.BytesIO()
    export_tar(raw, "raw", plain)
    subprocess.run(
        ["tar", "-cf", tmp_path / "back.tar", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-C", out, "."],
        check=True,
    )
    plain.seek(0)
    with (tmp_path / "back.tar").open("rb") as file:
        back, disk = described(file), described(plain)
    made, top = back.pop("."), disk.pop(".")
    assert made[:4] == top[:4]
    assert made[4] == max(what[4] for what in disk.values())
    assert back == disk
    assert (out / "etc/again").stat().st_ino == (out / "etc/hosts").stat().st_ino
    assert (out / "etc/sparse").stat().st_blocks < 3 * MIB // 512


@mksquashfs
def test_a_disk_of_endless_holes_ends_in_a_sentence(raw, tmp_path):
    shutil.copy(raw, tmp_path / "disk")
    change(tmp_path / "disk", f"set_inode_field etc/sparse size {40 << 30}\n")
    with pytest.raises(
        DiskError, match="/etc/sparse and the files before it have more than 16 GiB of holes"
    ) as refused:
        write_squashfs(tmp_path / "disk", tmp_path / "out")
    assert "root-tar" in refused.value.mend
    assert sorted(each.name for each in tmp_path.iterdir()) == ["disk"]


@mksquashfs
def test_netboot_takes_the_newest_kernel_that_can_start(raw, tmp_path):
    write_netboot(raw, tmp_path / "n.tar", about=ABOUT)
    found = members(tmp_path / "n.tar")
    assert list(found) == ["boot.ipxe", "cmdline", "vmlinuz", "initrd.img", "root.header", "root.squashfs"]
    assert found["vmlinuz"] == b"kernel 6.1.0-9"
    assert found["initrd.img"].startswith(b"initramfs\x00\x00\x00070701")
    added = subprocess.run(["cpio", "-it", "--quiet"], input=found["initrd.img"][12:], capture_output=True, check=True)
    assert added.stdout.decode().split() == [
        "goldsmith", "scripts", "scripts/goldsmith",
        "goldsmith/00-loop.ko", "goldsmith/01-xxhash.ko", "goldsmith/02-squashfs.ko", "goldsmith/03-overlay.ko",
    ]  # fmt: skip
    assert found["cmdline"].decode().strip() in found["boot.ipxe"].decode()
    root = found["root.header"] + found["root.squashfs"]
    (tmp_path / "there").mkdir()
    subprocess.run(["cpio", "-i", "--quiet"], input=root + archive({}), cwd=tmp_path / "there", check=True)
    assert (tmp_path / "there/root.squashfs").read_bytes() == found["root.squashfs"]
    assert len(found["root.header"]) % 4096 == len(found["root.squashfs"]) % 4096 == 0


@pytest.mark.skipif(not shutil.which("mkfs.erofs"), reason="erofs-utils is not installed")
def test_netboot_with_erofs_has_the_same_files(raw, tmp_path):
    raw = Path(shutil.copy(raw, tmp_path / "disk.raw"))
    change(raw, "set_inode_field /etc uid 1000\n")  # a workspace has the first 65536
    for name in ("a", "b"):
        write_netboot_erofs(raw, tmp_path / name, about=ABOUT)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    found = members(tmp_path / "a")
    assert list(found) == ["boot.ipxe", "cmdline", "vmlinuz", "initrd.img", "root.header", "root.erofs"]
    assert "root=/root.erofs " in found["cmdline"].decode()
    assert b"goldsmith/01-erofs.ko" in found["initrd.img"]
    (tmp_path / "root.erofs").write_bytes(found["root.erofs"])
    subprocess.run(
        ["fsck.erofs", f"--extract={tmp_path}/there", tmp_path / "root.erofs"], check=True, capture_output=True
    )
    with root_files(raw) as files:
        for path in ("etc/hosts", "etc/again", "etc/sparse", "boot/vmlinuz-6.1.0-9"):
            assert (tmp_path / "there" / path).read_bytes() == read(files, path, 4 * MIB)
    argv = ["dump.erofs", "--path=/etc/hosts", tmp_path / "root.erofs"]
    told = subprocess.run(argv, env={**os.environ, "TZ": "UTC"}, capture_output=True, text=True, check=True).stdout
    assert ("2017-07-14 02:40:00" in told, "Links: 2" in told) == (True, True)
    assert (tmp_path / "there/etc/round").readlink() == Path("/etc/round")


def test_a_disk_without_a_kernel_leaves_no_netboot(tmp_path):
    (tmp_path / "tree/etc").mkdir(parents=True)
    (tmp_path / "tree/usr").mkdir()
    with (tmp_path / "disk").open("wb") as file:
        file.truncate(8 * MIB)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", tmp_path / "tree", tmp_path / "disk"], check=True)
    with pytest.raises(DiskError, match="no kernel"):
        write_netboot(tmp_path / "disk", tmp_path / "n.tar")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["disk", "tree"]


def test_links_stay_inside_the_disk_and_a_circle_leads_nowhere(raw):
    with root_files(raw) as files:
        assert read(files, "etc/out", 100) == b"localhost\n"
        assert read(files, "lib/modules/6.1.0-9/kernel/loop.ko", 2) == b"lo"
        assert read(files, "etc/none", 1) == b""
        assert names(files, find(files, "etc/hosts")) == {}
        assert list(names(files, find(files, "lib/modules"))) == [b"6.1.0-9"]
        assert find(files, "etc/round") is None


def test_a_box_is_what_vagrant_reads(raw, tmp_path):
    write_box(raw, tmp_path / "web.box", about=ABOUT)
    found = members(tmp_path / "web.box")
    assert json.loads(found["metadata.json"]) == {"provider": "libvirt", "format": "qcow2", "virtual_size": 1}
    assert b'username = "admin"' in found["Vagrantfile"]
    same_disk(raw, found["box.img"], tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["disk.qcow2", "web.box"]


@pytest.mark.skipif(not shutil.which("vagrant"), reason="vagrant is not installed")
def test_vagrant_takes_the_box(raw, tmp_path):
    write_box(raw, tmp_path / "web.box", about=ABOUT)
    env = {"VAGRANT_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    env |= {"VAGRANT_DISABLE_STRICT_DEPENDENCY_ENFORCEMENT": "1", "VAGRANT_NO_PLUGINS": "1"}
    with (tmp_path / "web.box").open("rb") as file:
        checked = ["--checksum-type", "sha256", "--checksum", hashlib.file_digest(file, "sha256").hexdigest()]
    argv = ["vagrant", "box", "add", "--provider", "libvirt", "--name", "web", *checked, tmp_path / "web.box"]
    subprocess.run(argv, env=env, check=True, capture_output=True)
    listed = subprocess.run(["vagrant", "box", "list", "-i"], env=env, check=True, capture_output=True, text=True)
    assert "web (libvirt, 0" in listed.stdout
    assert "version: 1.0.2" in listed.stdout


@mksquashfs
def test_incus_finds_each_file_by_its_sums(raw, tmp_path):
    write_incus(raw, tmp_path / "web.tar", about=ABOUT)
    found = members(tmp_path / "web.tar")
    index = json.loads(found["streams/v1/index.json"])["index"]["images"]
    product = json.loads(found[index["path"]])["products"][index["products"][0]]
    ((serial, version),) = product["versions"].items()
    assert serial == "202611231518"
    items = version["items"]
    for item in items.values():
        assert hashlib.sha256(found[item["path"]]).hexdigest() == item["sha256"]
        assert len(found[item["path"]]) == item["size"]
    meta = items["incus.tar.xz"]
    for ftype, key in (("disk-kvm.img", "combined_disk-kvm-img_sha256"), ("squashfs", "combined_squashfs_sha256")):
        both = found[meta["path"]] + found[items[ftype]["path"]]
        assert hashlib.sha256(both).hexdigest() == meta[key]
    with tarfile.open(fileobj=io.BytesIO(found[meta["path"]]), mode="r:xz") as inner:
        told = yaml.safe_load(inner.extractfile("metadata.yaml"))
        texts = {
            path: (inner.extractfile(f"templates/{each['template']}").read().decode(), each["properties"]["default"])
            for path, each in told["templates"].items()
        }
    for text, default in texts.values():
        assert bool(default) == ("{{ properties.default }}" in text or "properties.default)" in text)
    assert texts["/etc/fstab"][1] == "UUID=1 / ext4 {{ defaults }} 0 1\n"
    assert "{{ defaults }}" not in texts["/etc/fstab"][0]
    assert told["architecture"] == "x86_64"
    assert {"os", "release", "variant", "architecture", "description"} <= told["properties"].keys()
    assert told["properties"]["requirements.secureboot"] == "false"
    same_disk(raw, found[items["disk-kvm.img"]["path"]], tmp_path)


@mksquashfs
@pytest.mark.skipif(not shutil.which("incus"), reason="incus-client is not installed")
def test_incus_takes_machine_and_container_from_the_served_tree(raw, tmp_path):
    write_incus(raw, tmp_path / "web.tar", about=ABOUT)
    with tarfile.open(tmp_path / "web.tar") as archive:
        archive.extractall(tmp_path / "tree", filter="data")
    (tmp_path / "out").mkdir()
    with served(tmp_path / "tree", tmp_path) as (address, certificate):
        env = {"INCUS_CONF": str(tmp_path / "conf"), "SSL_CERT_FILE": certificate, "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}  # fmt: skip

        def incus(*words):
            return subprocess.run(["incus", *words], env=env, check=True, capture_output=True, text=True).stdout

        incus("remote", "add", "here", address, "--protocol", "simplestreams")
        listed = {each["type"]: each for each in json.loads(incus("image", "list", "here:", "--format", "json"))}
        incus("image", "export", "here:debian/12/web", str(tmp_path / "out"))
        incus("image", "export", "here:web", str(tmp_path / "out"), "--vm")
    meta = (tmp_path / "out/incus.tar.xz").read_bytes()
    for kind, name in (("virtual-machine", "disk.qcow2"), ("container", "rootfs.squashfs")):
        both = meta + (tmp_path / "out" / name).read_bytes()
        assert listed[kind]["fingerprint"] == hashlib.sha256(both).hexdigest()
        assert listed[kind]["properties"]["description"] == "Debian 12 web 1.0.2 amd64 (202611231518)"
        assert listed[kind]["properties"]["requirements.secureboot"] == "false"
    same_disk(raw, (tmp_path / "out/disk.qcow2").read_bytes(), tmp_path)


def test_glance_hears_what_the_disk_needs(raw, tmp_path):
    write_glance(raw, tmp_path / "web.tar", about=ABOUT)
    found = members(tmp_path / "web.tar")
    image = json.loads(found["image.json"])
    assert (image["os_distro"], image["os_version"], image["min_disk"]) == ("debian", "12", 1)
    assert found["SHA512SUMS"].decode().split()[0] == hashlib.sha512(found["disk.qcow2"]).hexdigest()
    assert b"--property hw_firmware_type=uefi" in found["create.sh"]
    same_disk(raw, found["disk.qcow2"], tmp_path)


def test_glance_hears_of_arm_by_novas_name():
    arm = properties(About(name="web", architecture="arm64"), MIB)
    assert (arm["architecture"], arm["hw_machine_type"]) == ("aarch64", "virt")


def test_no_name_reaches_the_shell():
    written = command(properties(About(name="$(reboot) 'x'"), MIB))
    said = subprocess.run(
        ["sh", "-c", written.replace("openstack", "printf '%s\\n'", 1)], capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines()[-1] == "$(reboot) 'x'"


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True), st.binary(max_size=50), max_size=5))
def test_cpio_reads_what_was_packed(files):
    packed = archive(files)
    assert len(packed) % 4 == 0
    for name, data in files.items():
        assert name.encode() + b"\0" in packed
        assert data in packed


@contextmanager
def served(tree, folder):
    """Serve a folder over HTTPS on loopback; gives its address and the certificate to trust, kept in ``folder``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        signed.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tree)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}", str(pem)
        finally:
            server.shutdown()
            thread.join()


def same_disk(raw, image, folder):
    (folder / "disk.qcow2").write_bytes(image)
    subprocess.run(
        ["qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, folder / "disk.qcow2"], check=True, capture_output=True
    )
