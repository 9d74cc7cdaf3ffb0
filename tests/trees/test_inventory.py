"""The package inventory, from dpkg's files."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goldsmith.trees.inventory import Change, Package, changed_packages, has_dpkg, installed, packages

STATUS = """\
Package: nginx
Status: install ok installed
Architecture: amd64
Version: 1.22.1-9
Conffiles:
 /etc/nginx/nginx.conf 0123
Description: small web server
 Version: 9.9 is not this line

Package: libssl3
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: openssl (3.0.17-1)
Version: 3.0.17-1+b1

Package: libssl3
Status: hold ok installed
Architecture: i386
Source: openssl
Version: 3.0.17-1

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""

DEP5 = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: BSD-2-clause

Files: debian/*
License: GPL-2+ or Expat
 text: License: not this
"""


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_what_is_installed(tmp_path):
    write(tmp_path, "var/lib/dpkg/status", STATUS)
    assert packages(tmp_path) == (
        Package("libssl3", "amd64", "3.0.17-1+b1", "openssl", "3.0.17-1"),
        Package("libssl3", "i386", "3.0.17-1", "openssl", "3.0.17-1"),
        Package("nginx", "amd64", "1.22.1-9", "nginx", "1.22.1-9"),
    )


def test_licences_come_from_machine_readable_copyright_files_and_through_package_links(tmp_path):
    write(tmp_path, "var/lib/dpkg/status", STATUS)
    write(tmp_path, "usr/share/doc/openssl/copyright", DEP5)
    (tmp_path / "usr/share/doc/libssl3").symlink_to("openssl")
    write(tmp_path, "usr/share/doc/nginx/copyright", "Free as in\nLicense: none said\n")
    known = {package.name: package.licences for package in packages(tmp_path)}
    assert known == {"libssl3": ("BSD-2-clause", "GPL-2+ or Expat"), "nginx": ()}


def test_links_that_lead_out_are_not_followed(tmp_path):
    root = tmp_path / "root"
    write(tmp_path, "secret/copyright", DEP5)
    write(root, "var/lib/dpkg/status", STATUS + "\nPackage: ../../secret\nStatus: install ok installed\nVersion: 1\n")
    (root / "usr/share/doc/nginx").mkdir(parents=True)
    (root / "usr/share/doc/nginx/copyright").symlink_to(tmp_path / "secret/copyright")
    (root / "usr/share/doc/libssl3").symlink_to(tmp_path / "secret")
    assert {package.licences for package in packages(root)} == {()}
    (tmp_path / "linked/var/lib").mkdir(parents=True)
    (tmp_path / "linked/var/lib/dpkg").symlink_to(root / "var/lib/dpkg")
    assert installed(tmp_path / "linked") == ()
    assert not has_dpkg(tmp_path / "linked")


def test_a_tree_without_dpkg_has_no_packages_and_says_why(tmp_path):
    assert packages(tmp_path) == ()
    assert not has_dpkg(tmp_path)


def test_changes(tmp_path):
    before = [Package("a", "amd64", "1"), Package("b", "amd64", "1"), Package("c", "amd64", "1")]
    after = [Package("a", "amd64", "1", licences=("Expat",)), Package("b", "amd64", "2"), Package("d", "all", "1")]
    changes = changed_packages(before, after)
    assert changes == (Change("b", "amd64", "1", "2"), Change("c", "amd64", "1", ""), Change("d", "all", "", "1"))
    assert [change.kind for change in changes] == ["changed", "removed", "added"]
    assert str(changes[0]) == "b 1 → 2"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=2000))
def test_any_bytes_never_crash_it(tmp_path, data):
    write(tmp_path, "var/lib/dpkg/status", STATUS)
    with (tmp_path / "var/lib/dpkg/status").open("ab") as status:
        status.write(b"\n\nPackage: x\nStatus: install ok installed\nVersion: 1\n" + data)
    write(tmp_path, "usr/share/doc/x/copyright", "")
    (tmp_path / "usr/share/doc/x/copyright").write_bytes(data)
    assert len(packages(tmp_path)) >= 3
