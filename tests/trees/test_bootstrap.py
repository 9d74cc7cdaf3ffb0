from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from goldsmith.trees.bootstrap import FILES, BootstrapError, bootstrap
from goldsmith.trees.distributions import DEBIAN, DEBIAN_SECURITY, Distribution, host_mirrors

if TYPE_CHECKING:
    from pathlib import Path

    from goldsmith.guests.workspace import Workspace
    from goldsmith.trees.package_cache import PackageCache
    from goldsmith.trees.tree import Tree


@pytest.mark.sandbox
@pytest.mark.network
def test_a_package_that_is_not_there_is_said(
    workspace: Workspace, small_debian: Distribution, packages: PackageCache
) -> None:
    wanted = replace(small_debian, archives=small_debian.archives[:1], packages=("no-such-package-at-all",))
    with pytest.raises(BootstrapError, match="no-such-package-at-all"):
        bootstrap(workspace, wanted, workspace.path / "tree", apt_conf=packages.apt_conf)


@pytest.mark.sandbox
def test_an_archive_that_is_down_is_said(workspace: Workspace, small_debian: Distribution) -> None:
    gone = replace(small_debian.archives[0], uri="http://127.0.0.1:1/debian")
    with pytest.raises(BootstrapError, match="cannot be read"):
        bootstrap(workspace, replace(small_debian, archives=(gone,)), workspace.path / "tree", apt_conf="")


@pytest.mark.sandbox
@pytest.mark.network
def test_the_tree_holds_our_files_and_nothing_of_how_it_was_made(tree: Tree) -> None:
    base = tree.workspace.path / "layer0"
    for name, text in FILES.items():
        assert tree.workspace.run(["cat", str(base / name)]).stdout.decode() == text
    found = tree.workspace.run(["grep", "-rl", "127.0.0.1:", str(base / "etc/apt")], check=False)
    assert found.stdout == b""
    assert not tree.workspace.run(["find", str(base), "-name", "99mmdebstrap"]).stdout


@pytest.mark.sandbox
@pytest.mark.network
def test_a_tree_s_changes_are_a_layer_and_the_scaffold_is_in_none(tree: Tree) -> None:
    tree.scaffold({"usr/sbin/policy-rc.d": ("#!/bin/sh\nexit 101\n", 0o755)})
    upper = tree.open(scaffold=True)
    tree.workspace.run(["sh", "-c", "test -x usr/sbin/policy-rc.d; rm etc/hostname; rm -r usr/share/doc; echo x >new"],
                       cwd=tree.root)  # fmt: skip
    tree.close()
    found = tree.workspace.run(["find", ".", "!", "-type", "d", "-printf", "%p %y\n"], cwd=upper).stdout
    assert sorted(found.decode().splitlines()) == ["./etc/hostname c", "./new f", "./usr/share/doc c"]
    tree.add(upper)
    tree.clamp_times(upper, 86400)
    tree.open(scaffold=False)
    seen = tree.workspace.run(["sh", "-c", "ls etc/hostname usr/share/doc usr/sbin/policy-rc.d; stat -c %Y new"],
                              cwd=tree.root).stdout  # fmt: skip
    assert seen == b"86400\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", "# deb http://no/debian x main\ndeb [arch=amd64] http://mirror.example/debian/ x main\n"),
        ("sources.list.d/d.sources", "Types: deb\nURIs: http://mirror.example/debian\nSuites: x\n"),
    ],
)
def test_the_host_s_mirror_is_ours(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    assert host_mirrors(tmp_path) == ("http://mirror.example/debian", DEBIAN_SECURITY)


def test_a_mirror_with_a_password_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb https://me:word@mirror.example/debian x main\n")
    assert host_mirrors(tmp_path) == (DEBIAN, DEBIAN_SECURITY)
    assert host_mirrors(tmp_path / "none") == (DEBIAN, DEBIAN_SECURITY)
