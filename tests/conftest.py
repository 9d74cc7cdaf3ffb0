"""What the tests of all rooms share: a home the sandbox can reach, one small tree and one bootable disk."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from goldsmith.disks.boot import boot_files
from goldsmith.disks.build import build_raw
from goldsmith.disks.plan import GIB, DiskPlan
from goldsmith.guests.sandbox import SandboxGuest
from goldsmith.guests.workspace import Workspace
from goldsmith.trees.archives import archive_states
from goldsmith.trees.bootstrap import FORMAT, bootstrap, furnish
from goldsmith.trees.distributions import Distribution, debian
from goldsmith.trees.kernels import newest_kernel, settle_kernels
from goldsmith.trees.layers import Layer, LayerKey, LayerStore, digest_of
from goldsmith.trees.package_cache import PackageCache
from goldsmith.trees.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A busy machine is no fault.
settings.register_profile("goldsmith", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("goldsmith")

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored

KEPT = Path("/var/cache/goldsmith-tests")
HOMES = "goldsmith-tests-"
AREA_BYTES = 2 << 30
DISK_AREA_BYTES = 4 * GIB
EPOCH = 1_800_000_000
BREAKAGE = {
    "/etc/systemd/system/broken.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo why it broke; exit 7'\n",
}
"""A unit that nothing starts, for the tests of boots that fail."""


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A home folder that the sandbox's user may pass: pytest's own folders are closed to it."""
    _sweep_homes()
    folder = Path(tempfile.mkdtemp(prefix=HOMES, dir="/var/tmp"))
    with (folder / "in-use").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        folder.chmod(0o711)
        yield folder
        shutil.rmtree(folder)


def _sweep_homes() -> None:
    """Remove the homes of runs that were killed: some gigabytes each, and a full disk fails every later run."""
    for folder in Path("/var/tmp").glob(f"{HOMES}*"):
        with suppress(OSError), (folder / "in-use").open() as held:
            if folder.stat().st_mode & 0o777 == 0o700:  # another run is about to lock it
                continue
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cache(home: Path) -> Path:
    """Where packages and the base tree outlive a run of the tests."""
    mine = KEPT / str(os.getuid())
    try:
        mine.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        return home
    return mine


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Whether a process ends within a minute; one that has ended already is gone."""

    def waited(pid: int) -> bool:
        try:
            ended = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        try:
            return bool(poll.poll(60_000))
        finally:
            os.close(ended)

    return waited


@pytest.fixture(scope="session")
def small_debian() -> Distribution:
    """Debian 12 with nothing but what is essential and apt."""
    return replace(debian("12"), packages=("ca-certificates",))


@pytest.fixture(scope="session")
def packages(cache: Path, small_debian: Distribution) -> Iterator[PackageCache]:
    with PackageCache(cache / "packages", small_debian.archives) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def base_layer(home: Path, cache: Path, small_debian: Distribution, packages: PackageCache) -> tuple[LayerStore, Layer]:
    """A bootstrapped minimal tree, made once for each state of the archives."""
    states = archive_states(small_debian.archives, cache / "archives")
    store = LayerStore(cache / "layers")
    key = LayerKey("tests-base", {"format": str(FORMAT), "archives": digest_of([state.sha256 for state in states])})
    with Workspace(home, memory=AREA_BYTES) as workspace:
        found = store.find(key, workspace)
        if found is None:
            made = workspace.path / "made"
            bootstrap(workspace, small_debian, made, apt_conf=packages.apt_conf)
            store.save(workspace, key, made, {})
            found = store.find(key, workspace)
    assert found is not None
    return store, found


@pytest.fixture
def workspace(home: Path) -> Iterator[Workspace]:
    with Workspace(home, memory=AREA_BYTES) as made:
        yield made


@pytest.fixture
def tree(workspace: Workspace, base_layer: tuple[LayerStore, Layer]) -> Tree:
    """The small tree's layers, not yet mounted."""
    store, layer = base_layer
    made = Tree(workspace)
    made.add(store.tree(layer))
    return made


@pytest.fixture
def sandbox(tree: Tree, packages: PackageCache) -> Iterator[SandboxGuest]:
    """A running guest on the small tree, with a fresh layer for its changes."""
    tree.open(scaffold=False)
    with SandboxGuest(tree.workspace, tree.root, apt_conf=packages.apt_conf) as guest:
        yield guest


@pytest.fixture(scope="session")
def disk(home: Path, cache: Path) -> Path:
    """A raw disk of Debian 12 as recipes get it from debian/12, with the agent that captures of a running guest ask."""
    distribution = debian("12")
    distribution = replace(distribution, packages=(*distribution.packages, "qemu-guest-agent"))
    states = archive_states(distribution.archives, cache / "archives")
    store = LayerStore(cache / "layers")
    inputs = [*distribution.packages, *(state.sha256 for state in states)]
    key = LayerKey("tests-machine", {"format": str(FORMAT), "machine": digest_of(inputs)})
    raw = home / "machine.raw"
    with Workspace(home, memory=DISK_AREA_BYTES) as workspace:
        tree = Tree(workspace)
        found = store.find(key, workspace)
        folder = tree.next_folder()
        if found:
            folder = store.tree(found)
        else:
            with PackageCache(cache / "packages", distribution.archives) as packages:
                bootstrap(workspace, distribution, folder, apt_conf=packages.apt_conf)
            with SandboxGuest(workspace, folder) as guest:
                furnish(guest)
                settle_kernels(guest, epoch=EPOCH)
            store.save(workspace, key, folder, {})
        tree.add(folder)
        tree.open(scaffold=False)
        plan = DiskPlan.derive("machines", EPOCH, 3 * GIB)
        with SandboxGuest(workspace, tree.root) as guest:
            for path, text in {**boot_files(plan), **BREAKAGE}.items():
                guest.run(["mkdir", "-p", path.rpartition("/")[0]])
                guest.put(path, text.encode())
        build_raw(workspace, tree.root, plan, raw)
        (home / "vmlinuz").write_bytes(workspace.call(newest_kernel, chroot=tree.root))
    return raw


@pytest.fixture(scope="session")
def root_tar(home: Path, base_layer: tuple[LayerStore, Layer]) -> Path:
    """A small Debian as a root archive: a parent that needs no bootstrap and no network."""
    store, layer = base_layer
    archive = home / "small.tar"
    with Workspace(home, memory=1 << 28) as workspace, archive.open("wb") as file:
        workspace.run(["tar", "--create", "--numeric-owner", "--file=-", "."], cwd=store.tree(layer), output=file)
    return archive


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host and port of Debian's docker-registry, which wants the login of a user "u" with the password "secret"."""
    program = shutil.which("docker-registry")
    if not program:
        pytest.skip("docker-registry is not installed")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host, port = free.getsockname()
    (folder / "htpasswd").write_text("u:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n")
    settings = {
        "version": "0.1",
        "log": {"accesslog": {"disabled": True}, "level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "blobs")}},
        "http": {"addr": f"{host}:{port}"},
        "auth": {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}},
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        for _ in range(200):
            try:
                socket.create_connection((host, port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"{host}:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def logged_in(registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of logins with the one of the registry, which is set for us and for skopeo."""
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {registry: {"auth": base64.b64encode(b"u:secret").decode()}}}))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))
    return file


@pytest.fixture
def podman() -> Iterator[Callable[..., str]]:
    """Runs podman with a storage of its own and returns what it says; with cgroup v1 beside v2 crun starts nothing."""
    if not shutil.which("podman") or os.getuid():
        pytest.skip("needs podman, and to be root")
    script = 'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec podman "$@"'
    with tempfile.TemporaryDirectory(prefix="podman-") as folder:  # podman's paths have at most 50 characters
        argv = ["unshare", "--mount", "sh", "-c", script, "podman", "--root", f"{folder}/root", "--runroot"]

        def ran(*arguments: str, driver: str = "vfs") -> str:
            told = [f"{folder}/run", "--cgroup-manager", "cgroupfs", "--storage-driver", driver, *arguments]
            done = subprocess.run([*argv, *told], capture_output=True, text=True, check=False)
            assert not done.returncode, done.stderr
            return done.stdout.strip()

        yield ran
