"""The managed documents, run for real in a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldsmith.components import library
from goldsmith.documents.parser import parse_component
from goldsmith.executor.execution import DocumentRun
from goldsmith.executor.run import run_documents
from goldsmith.guests.sandbox import SandboxGuest
from goldsmith.trees.tree import SCAFFOLD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from goldsmith.trees.package_cache import PackageCache
    from goldsmith.trees.tree import Tree

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

OTHER_VALUES = {
    "chrony": {"Servers": "ntp1.example.org 192.0.2.7", "AmazonTimeSync": "false"},
    "fail2ban": {"BanTime": "2d", "IgnoreAddresses": "10.0.0.0/8"},
    "hardening": {"PermitRootLogin": "no", "Banner": 'Keep out: it\'s "ours" `id` $(id)', "Umask": "077"},
    "nginx": {"Port": "8080", "ServerName": "example.org *.example.org", "DocumentRoot": "/srv/www"},
    "podman": {"SearchRegistries": "", "DockerCommand": "true"},
    "python-3": {"Packages": ""},
    "unattended-upgrades": {"Updates": "all", "AutomaticReboot": "true", "RebootTime": "03:30"},
}


def run_of(name: str, values: dict[str, str]) -> DocumentRun:
    return DocumentRun(parse_component(library.resolve(name).text, f"{name}.yml"), values)


@pytest.fixture
def machine(tree: Tree, packages: PackageCache) -> Iterator[SandboxGuest]:
    """A sandbox with an init system and what a parent image always has."""
    tree.scaffold(SCAFFOLD)
    tree.open(scaffold=True)
    with SandboxGuest(tree.workspace, tree.root, apt_conf=packages.apt_conf) as guest:
        packages_of_a_parent = ["systemd-sysv", "openssh-server", "kmod", "procps", "sudo"]
        done = guest.run(
            ["sh", "-c", 'apt-get update -q && apt-get install -q -y --no-install-recommends "$@"', "sh",
             *packages_of_a_parent]
        )  # fmt: skip
        assert done.exit_code == 0, done.stderr.decode()
        yield guest


def test_every_component_builds_and_validates_and_does_so_again_with_other_values(machine, tmp_path: Path):
    first = [run_of(name, {}) for name in library.names()]
    again = [run_of(name, values) for name, values in OTHER_VALUES.items()]
    result = run_documents([*first, *again], machine, phases=["build", "validate"], log_directory=tmp_path)
    assert result.status == "success", result.failure

    sites = machine.get("/etc/nginx/sites-available/static").decode()
    assert "listen 8080 default_server" in sites
    assert "server_name example.org *.example.org;" in sites
    sources = machine.get("/etc/chrony/sources.d/local.sources").decode()
    assert sources == "server ntp1.example.org iburst\nserver 192.0.2.7 iburst\n"
    assert machine.run(["grep", "^pool", "/etc/chrony/chrony.conf"]).exit_code == 1
    assert machine.get("/etc/issue.net").decode() == 'Keep out: it\'s "ours" `id` $(id)\n'
    assert machine.get("/etc/containers/registries.conf.d/60-search.conf") == b"unqualified-search-registries = []\n"
    assert machine.run(["grep", "-c", "pam_faillock", "/etc/pam.d/common-auth"]).stdout == b"2\n"


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("nginx", "Port"),
        ("nginx", "ServerName"),
        ("chrony", "Servers"),
        ("podman", "SearchRegistries"),
        ("hardening", "Umask"),
    ],
)
def test_a_value_that_would_be_shell_is_refused_before_a_shell_sees_it(sandbox, tmp_path, name, parameter):
    for attack in ("80; touch /owned", "$(touch /owned)", "80\ntouch /owned\n", "' && touch /owned #"):
        run = run_of(name, {parameter: attack})
        result = run_documents([run], sandbox, phases=["build"], log_directory=tmp_path)
        assert result.status == "failed"
        assert result.failure.step == "CheckParameters"
    assert sandbox.run(["test", "-e", "/owned"]).exit_code == 1


@pytest.mark.parametrize(
    ("values", "status"), [({}, "success"), ({"MaxPercent": "0"}, "failed"), ({"Path": "/nowhere"}, "failed")]
)
def test_disk_usage_is_measured(sandbox, tmp_path, values, status):
    sandbox.run(["sh", "-c", "head -c 50M /dev/zero >/filling"])
    run = run_of("disk-usage-test", values)
    assert run_documents([run], sandbox, phases=["test"], log_directory=tmp_path).status == status
