from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from goldsmith.errors import GoldsmithError
from goldsmith.guests.workspace import Workspace, WorkspaceError, sweep
from goldsmith.trees.tree import overlay_in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldsmith.trees.layers import Layer, LayerStore

pytestmark = pytest.mark.sandbox

MEMORY = 1 << 30
BOTH = pytest.mark.parametrize("memory", [0, MEMORY], ids=["disk", "memory"])

SETXATTR = 'mkdir "d"; @a = ("d", "user.overlay.opaque", "y"); exit(syscall(188, @a, 1, 0) != 0)'
"""setxattr(2) by its number on x86-64."""

BUILD = """
import json, os, sys
from pathlib import Path
from goldsmith.guests.sandbox import SandboxGuest
from goldsmith.guests.workspace import Workspace
from goldsmith.trees.layers import Layer, LayerKey, LayerStore
from goldsmith.trees.tree import Tree
home, folder, layer, memory = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), int(sys.argv[4])
with Workspace(home, memory=memory) as workspace:
    tree = Tree(workspace)
    tree.add(LayerStore(folder).tree(Layer(**layer)))
    tree.open(scaffold=False)
    with SandboxGuest(workspace, tree.root) as guest:
        def listen(stream, chunk):
            print(json.dumps([workspace.pid, guest._pid]), flush=True)
        script = "{ exec 9>/proc/1/fd/0; } 2>/dev/null; setsid sleep 1000 & sleep 1001 & echo begun; exec sleep 1002"
        guest.run(["bash", "-c", script], on_output=listen)
"""
"""A build that hangs, with a component that holds its sandbox's lifeline open."""


@pytest.fixture
def own_home(home: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A home of the test's own; nothing may be left in its work folder."""
    folder = home / f"home{abs(hash(request.node.name))}"
    folder.mkdir(mode=0o711)
    yield folder
    assert not list((folder / "work").iterdir())


def members(pid: int) -> set[int]:
    """The host's ids of all processes in that process's pid namespace, or in one below it."""
    return {
        int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _space(folder) == _space(Path(f"/proc/{pid}"))
    }


def _space(process: Path) -> str | None:
    try:
        return os.readlink(process / "ns/pid")  # noqa: PTH115 - the link's text is what is asked for
    except OSError:
        return None


def begin(home: Path, base: tuple[LayerStore, Layer], memory: int) -> tuple[subprocess.Popen[str], set[int]]:
    """Start BUILD; return it and the ids of the processes inside once its component runs."""
    store, layer = base
    arguments = [str(home), str(store.folder), json.dumps(vars(layer)), str(memory)]
    build = subprocess.Popen([sys.executable, "-c", BUILD, *arguments], stdout=subprocess.PIPE, text=True)
    assert build.stdout
    inside = json.loads(build.stdout.readline())
    return build, {pid for one in inside for pid in members(one)}


@BOTH
def test_a_tool_is_root_over_the_area_and_nobody_outside(home: Path, memory: int) -> None:
    with Workspace(home, memory=memory) as workspace:
        done = workspace.run(["sh", "-c", "id -u; touch file; chown 33:44 file; stat -c %u:%g file; pwd"])
        assert done.stdout.split() == [b"0", b"33:44", str(workspace.path).encode()]
        with pytest.raises(WorkspaceError, match="exit code"):
            workspace.run(["touch", "/etc/goldsmith-was-here"])
        with pytest.raises(WorkspaceError, match="exit code"):
            workspace.run(["mknod", "disk", "b", "254", "0"])
    assert not workspace.path.exists()


@BOTH
def test_the_area_is_gone_after_an_exception_with_mounts_in_it(own_home: Path, memory: int) -> None:
    workspace = Workspace(own_home, memory=memory)
    with pytest.raises(KeyError), workspace:  # noqa: PT012 - the exception ends a workspace in use
        workspace.run(["mkdir", "-p", "low/sub", "up", "work", "root", "over there"])
        workspace.run(["mount", "-t", "overlay", "o", "-o", "lowerdir=low,upperdir=up,workdir=work,userxattr", "root"])
        workspace.run(["mount", "-t", "tmpfs", "t", "over there"])
        workspace.run(["touch", "root/sub/file", "over there/file"])
        raise KeyError
    assert str(own_home) not in Path("/proc/mounts").read_text()


@BOTH
def test_a_workspace_that_is_left_has_no_process(home: Path, memory: int) -> None:
    with Workspace(home, memory=memory) as workspace:
        workspace.run(
            ["bash", "-c", "mkfifo f; setsid sh -c 'echo >f; exec sleep 1000' >/dev/null 2>&1 & read -r _ <f; rm f"]
        )
        pids = members(workspace.pid)
        assert len(pids) >= 2
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.network
@BOTH
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_a_killed_build_leaves_no_process_and_no_mount(
    own_home: Path,
    base_layer: tuple[LayerStore, Layer],
    gone: Callable[[int], bool],
    memory: int,
    number: signal.Signals,
) -> None:
    build, pids = begin(own_home, base_layer, memory)
    build.send_signal(number)
    assert build.wait() == -number
    assert all(gone(pid) for pid in pids)
    assert str(own_home) not in Path("/proc/mounts").read_text()
    left = [path for path in (own_home / "work").iterdir() if path.is_dir()]
    assert len(left) == (1 if number == signal.SIGKILL else 0)
    assert sweep(own_home) == left


@pytest.mark.network
def test_a_sweep_leaves_what_is_in_use(own_home: Path) -> None:
    with Workspace(own_home) as workspace:
        workspace.run(["touch", "file"])
        assert sweep(own_home) == []
        assert workspace.run(["ls"]).stdout == b"file\n"


def test_a_function_runs_inside_and_answers(workspace: Workspace) -> None:
    workspace.run(["sh", "-c", "mkdir -p tree/sub; ln -s / tree/sub/link; echo in >tree/file"])
    assert workspace.call(os.getuid) == 0
    for way in ("/", "/sub/link"):
        assert set(workspace.call(os.listdir, way, chroot=workspace.path / "tree")) == {"sub", "file"}
    with pytest.raises(FileNotFoundError):
        workspace.call(os.listdir, "/sub/link/etc", chroot=workspace.path / "tree")
    with pytest.raises(GoldsmithError, match="killed"):
        workspace.call(os._exit, 3)
    assert str(workspace.path) not in Path("/proc/mounts").read_text()
    assert workspace.seen_from_host(workspace.path / "tree/file").read_text() == "in\n"


def test_a_home_that_others_cannot_pass_is_named(tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("an ordinary user's namespaces are the user")
    tmp_path.chmod(0o700)
    with pytest.raises(WorkspaceError, match="cannot pass") as refused, Workspace(tmp_path):
        pass
    assert "chmod o+x" in refused.value.mend


def test_the_area_in_memory_holds_an_overlay_when_the_probe_says_so(workspace: Workspace) -> None:
    done = workspace.run(["perl", "-e", SETXATTR], check=False)
    assert (done.exit_code == 0) == overlay_in_memory()


def test_a_full_area_ends_the_tool_and_not_the_host(home: Path) -> None:
    with Workspace(home, memory=64 << 20) as workspace, pytest.raises(WorkspaceError, match="No space left"):
        workspace.run(["dd", "if=/dev/zero", "of=big", "bs=1M", "count=100"])


@BOTH
def test_a_workspace_that_is_killed_ends_all_inside_and_leaves_nothing(
    own_home: Path, memory: int, gone: Callable[[int], bool]
):
    """Killed from another thread while a tool runs: whoever waits for the tool is told, and the area goes."""
    with Workspace(own_home, memory=memory) as workspace:
        workspace.run(["sh", "-c", "mkdir -p deep/folder && echo some >deep/folder/file"])
        held = members(workspace.pid)

        def kill(_: str, __: bytes) -> None:
            workspace.kill()

        done = workspace.run(["sh", "-c", "echo begun; setsid sleep 1000 & sleep 1001"], on_output=kill, check=False)
        assert done.exit_code
        assert all(gone(pid) for pid in held)
