"""UpdateOS: what it chooses and tells, with the real apt and dpkg in a root of their own."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from goldsmith.executor.packages import changes, matching

if TYPE_CHECKING:
    from pathlib import Path


def test_changes():
    before = {"a": "1", "b": "1", "gone": "1"}
    after = {"a": "1", "b": "2", "new": "3"}
    assert changes(before, after) == ["b 1 -> 2", "gone 1 -> none", "new none -> 3"]


def test_matching():
    names = ["libc6:amd64", "libc-bin", "linux-image-6.1"]
    assert matching(names, ["libc6", "linux-*"]) == ["libc6:amd64", "linux-image-6.1"]
    assert matching(names, []) == []


CONTROL = """Package: {name}
Architecture: all
Version: {version}
Maintainer: Nobody <nobody@localhost>
Description: made for a test
"""


class Prefix:
    """A root of its own for the real apt and dpkg; packages without scripts need no chroot."""

    def __init__(self, top: Path) -> None:
        self.root = top / "root"
        self.archive = top / "archive"
        self.admin = self.root / "var/lib/dpkg"
        self.sources = top / "sources.list"
        for folder in (
            self.admin / "updates",
            self.admin / "info",
            self.archive,
            top / "state/lists",
            top / "cache",
            top / "none",
        ):
            folder.mkdir(parents=True)
        (self.admin / "status").touch()
        self.configuration = top / "apt.conf"
        self.configuration.write_text(
            f"""
            Dir::State "{top}/state";
            Dir::State::status "{self.admin}/status";
            Dir::Cache "{top}/cache";
            Dir::Etc::sourcelist "{self.sources}";
            Dir::Etc::sourceparts "{top}/none";
            Dir::Etc::preferencesparts "{top}/none";
            Dir::Etc::parts "{top}/none";
            Dir::Log "{top}";
            DPkg::Options {{ "--root={self.root}"; "--force-not-root"; "--log={top}/dpkg.log"; }};
            DPkg::Post-Invoke "";
            APT::Sandbox::User "root";
            """
        )
        self.offer(self.archive)

    def offer(self, archive: Path) -> None:
        self.sources.write_text(f"deb [trusted=yes] copy:{archive} ./\n")

    @property
    def environment(self) -> dict[str, str]:
        return {"APT_CONFIG": str(self.configuration), "DPKG_ROOT": str(self.root), "DPKG_ADMINDIR": str(self.admin)}

    def install(self, *packages: Path) -> None:
        tool(
            "dpkg", f"--root={self.root}", f"--log={self.root}/dpkg.log", "--force-not-root", "-i", *map(str, packages)
        )


def tool(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def make(top: Path, archive: Path, name: str, version: str, needs: str = "") -> Path:
    folder = top / f"{name}-{version}"
    (folder / "DEBIAN").mkdir(parents=True)
    (folder / "DEBIAN/control").write_text(CONTROL.format(name=name, version=version) + needs)
    if name == "one":
        (folder / "etc").mkdir()
        (folder / "etc/one.conf").write_text(f"version {version}\n")
        (folder / "DEBIAN/conffiles").write_text("/etc/one.conf\n")
    package = archive / f"{name}_{version}_all.deb"
    tool("dpkg-deb", "--build", str(folder), str(package))
    return package


def index(archive: Path) -> None:
    text = ""
    for path in sorted(archive.glob("*.deb")):
        digest = tool("sha256sum", str(path)).split()[0]
        text += f"{tool('dpkg-deb', '-f', str(path))}Filename: ./{path.name}\nSize: {path.stat().st_size}\nSHA256: {digest}\n\n"
    (archive / "Packages").write_text(text)


@pytest.fixture
def prefix(tmp_path):
    """Packages one, two and three are installed in version 1; 2 is on offer, for which three needs four."""
    prefix = Prefix(tmp_path / "prefix")
    prefix.install(*(make(tmp_path, prefix.archive, name, "1") for name in ("one", "two", "three")))
    for name in ("one", "two"):
        make(tmp_path, prefix.archive, name, "2")
    make(tmp_path, prefix.archive, "three", "2", "Depends: four\n")
    make(tmp_path, prefix.archive, "four", "1")
    index(prefix.archive)
    return prefix


@pytest.fixture
def update(bench, prefix):
    def act(**inputs):
        bench.result = bench.steps(bench.step("UpdateOS", inputs), environment=prefix.environment)
        return bench.result

    return act


@pytest.mark.sandbox
def test_real_updates(bench, prefix, update):
    def changed(**inputs):
        result = update(**inputs)
        assert result.status == "success", result.failure
        lines = bench.outputs(result)[0]["packages"].splitlines()
        assert f"UpdateOS: {len(lines)} packages changed" in bench.console(result)
        return lines

    (prefix.root / "etc/one.conf").write_text("mine\n")
    assert changed(include=["tw*", "one"], exclude=["one"]) == ["two 1 -> 2"]
    assert changed(exclude=["three"]) == ["one 1 -> 2"]
    assert (prefix.root / "etc/one.conf").read_text() == "mine\n"
    assert changed() == ["four none -> 1", "three 1 -> 2"]
    assert changed() == []
    assert bench.guest.run(["apt-mark", "showhold"], env=prefix.environment).stdout == b""


@pytest.mark.sandbox
def test_nothing_included_is_installed(bench, update):
    assert update(include=["no-such-package"]).status == "success"
    assert bench.outputs(bench.result) == [{"packages": ""}]


@pytest.mark.sandbox
def test_an_archive_that_is_gone_fails_the_step(prefix, update, tmp_path):
    prefix.offer(tmp_path / "nowhere")
    failure = update().failure
    assert failure.message.startswith("env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get update")
    assert failure.message.endswith("ended with exit code 100.")
    assert "nowhere" in failure.stderr


def test_names_that_are_options_are_refused(bench):
    result = bench.steps(bench.step("UpdateOS", {"include": ["-oAPT::Update::Pre-Invoke::=touch /pwned"]}))
    assert "is not the name of a package" in result.failure.message


def test_neither_manager(bench, tmp_path):
    class Bare(type(bench.guest)):
        def command(self, argv, *, env, cwd):
            return super().command(argv, env={**env, "PATH": str(tmp_path)}, cwd=cwd)

    for tool in ("bash", "sh"):
        (tmp_path / tool).symlink_to(f"/bin/{tool}")
    bench.guest = Bare()
    result = bench.steps("name: Step\naction: UpdateOS")
    assert result.failure.message == "UpdateOS found neither apt-get nor yum in the guest."
