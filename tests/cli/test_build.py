from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from .conftest import PROGRAM
from .documents import BAD, BAD_FAULTS, GOOD, failing, pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Goldsmith

LIMIT = 120
"""Seconds without a word after which a test on a terminal gives up."""


class Terminal:
    """The command on a terminal of its own."""

    def __init__(self, goldsmith: Goldsmith, *arguments: str, **variables: str) -> None:
        self.pid, self._fd = pty.fork()
        if not self.pid:
            os.chdir(goldsmith.folder)
            environment = {**goldsmith.environment, "TERM": "xterm", **variables}
            os.execve(PROGRAM, [PROGRAM, *arguments], environment)  # noqa: S606 - a terminal's child has no shell
        self.said = ""

    def until(self, text: str) -> None:
        while text not in self.said:
            assert self._listen(), f"{text!r} was never said: {self.said}"

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def end(self) -> int:
        while self._listen():
            pass
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _listen(self) -> bool:
        ready, _, _ = select.select([self._fd], [], [], LIMIT)
        try:
            chunk = os.read(self._fd, 1 << 16) if ready else b""
        except OSError:
            chunk = b""
        self.said += chunk.decode(errors="replace")
        return bool(chunk)


def leftovers(goldsmith: Goldsmith) -> list[Path]:
    """Drafts, work areas and machine folders, and the mounts and processes that name this home."""
    home = goldsmith.home
    found = [*home.glob("images/.draft-*"), *home.glob("work/*"), *home.glob("machines/*.lock")]
    assert str(home) not in (home / "/proc/self/mounts").read_text()
    told = subprocess.run(["pgrep", "--full", str(home)], capture_output=True, text=True, check=False).stdout.split()
    return [*found, *(home / "proc" / pid for pid in told if int(pid) != os.getpid())]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nope.yml",), "nope.yml cannot be read: No such file or directory."),
        (("good.yml",), "good.yml is a component document, and a build needs a pipeline file that names it."),
        (("plain.yml", "--format", "vdi"), "There is no format vdi.\n  There are: qcow2, raw, "),
        (("plain.yml", "-p", "Greeting"), "The parameter 'Greeting' is not of the form name=value."),
    ],
)
def test_what_is_no_build_is_refused(goldsmith: Goldsmith, arguments: tuple[str, ...], said: str) -> None:
    goldsmith.write("good.yml", GOOD)
    goldsmith.write("plain.yml", pipeline("./good.yml", parent="./none.raw"))
    done = goldsmith("build", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_everything_that_is_not_there_is_told_at_once_with_its_place(goldsmith: Goldsmith) -> None:
    goldsmith.write("good.yml", GOOD)
    goldsmith.write("bad.yml", BAD)
    components = (
        "nginz",
        "nginx/3.x.x",
        "./god.yml",
        "./bad.yml",
        "arn:aws:imagebuilder:x:123456789012:component/a/1.0.0",
    )
    goldsmith.write("p.yml", pipeline(*components, parent="other/1.x.x", more="cleanup: {skip: [loggs]}\n"))
    done = goldsmith("build", "p.yml")
    assert done.returncode == 2
    elsewhere = (
        f"p.yml:11:21: {components[-1]} belongs to 123456789012; only Amazon's own names stand for managed components."
        " Give the path of its document instead."
    )
    assert done.stderr.splitlines() == [
        *BAD_FAULTS,
        "p.yml:5:16: There is no image named other here. Make one with `goldsmith build PIPELINE.yaml`.",
        "p.yml:7:21: There is no managed component nginz. Did you mean nginx?",
        "p.yml:8:21: The managed component nginx has no version 3.x.x. There are: 1.0.0.",
        "p.yml:9:21: The component god.yml cannot be read: No such file or directory. Did you mean good.yml?",
        elsewhere,
        "p.yml:13:18: There is no cleanup rule loggs. Did you mean logs?",
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{name: Greting, value: [x]}", "The component good has no parameter Greting. It has: Greeting."),
        ("{name: Greeting}", "value"),
    ],
)
def test_a_wrong_parameter_of_the_recipe_is_a_fault_at_its_component(
    goldsmith: Goldsmith, value: str, said: str
) -> None:
    goldsmith.write("good.yml", GOOD)
    goldsmith.write("p.yml", pipeline(f"./good.yml\n      parameters: [{value}]"))
    done = goldsmith("build", "p.yml", env={"http_proxy": "http://127.0.0.1:9"})
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("zero.raw", bytes(1 << 20), "has no root file system of the kind ext2, ext3 or ext4."),
        ("fake.qcow2", b"no disk" * 1000, "is not a qcow2 image."),
        ("fake.tar", b"no tar" * 1000, "could not be unpacked: tar: This does not look like a tar archive"),
    ],
)
def test_a_parent_that_is_no_disk_is_told(goldsmith: Goldsmith, name: str, content: bytes, said: str) -> None:
    goldsmith.write("good.yml", GOOD)
    (goldsmith.folder / name).write_bytes(content)
    goldsmith.write("p.yml", pipeline("./good.yml", parent=f"./{name}"))
    done = goldsmith("build", "p.yml")
    assert done.returncode == 1
    assert said in done.stderr
    assert not leftovers(goldsmith)


@pytest.mark.sandbox
@pytest.mark.network
class TestBuild:
    """On a parent that is a root archive, without a kernel and not booted: all else is real."""

    @pytest.fixture(autouse=True)
    def _documents(self, goldsmith: Goldsmith, root_tar: Path) -> None:
        goldsmith.write("good.yml", GOOD)
        goldsmith.write("failing.yml", failing())
        goldsmith.write("slow.yml", failing("echo begun; sleep 600"))
        for name in ("good", "failing", "slow"):
            goldsmith.write(f"{name}-image.yml", pipeline(f"./{name}.yml", parent=str(root_tar)))

    def test_a_build_is_told_plainly_and_not_done_twice(self, goldsmith: Goldsmith) -> None:
        done = goldsmith("build", "good-image.yml", "--format", "qcow2,raw")
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert "plain/1.0.0/1  AVAILABLE" in done.stdout
        assert "not tested: the pipeline turns image tests off" in done.stdout
        assert "Next: goldsmith show plain/1.0.0/1 --packages" in done.stdout
        for stage in ("component good", "clean", "scan", "disk", "write qcow2", "write raw"):
            assert f"[ ok ] {stage}  " in done.stderr
        again = goldsmith("build", "good-image.yml")
        assert "Nothing has changed since this build" in again.stdout
        assert again.stderr == ""
        assert "plain/1.0.0/1" in goldsmith("images").stdout
        assert not leftovers(goldsmith)

    def test_json_is_a_line_for_each_event_and_the_image_last(self, goldsmith: Goldsmith) -> None:
        done = goldsmith("build", "good-image.yml", "--json", "-p", "Greeting=Servus")
        *events, built = [json.loads(line) for line in done.stdout.splitlines()]
        assert {event["event"] for event in events} >= {"StageStarted", "StageEnded", "Note"}
        assert (built["event"], built["unchanged"], built["status"]) == ("Built", False, "AVAILABLE")
        assert built["components"] == [{"name": "good", "parameters": {"Greeting": "Servus"}}]
        assert done.stderr == ""

    def test_a_failed_build_names_the_step_and_its_stderr_and_keeps_the_logs(self, goldsmith: Goldsmith) -> None:
        done = goldsmith("build", "failing-image.yml", "--json", "--keep-failed")
        assert done.returncode == 1
        failed = json.loads(done.stdout.splitlines()[-1])
        assert failed["event"] == "Failed"
        for said in ("The step Break (ExecuteBash) of failing.yml, phase build, failed in the sandbox", "it broke"):
            assert said in failed["message"]
            assert said in done.stderr
        assert "--keep-failed opens a shell only on a terminal" in done.stderr
        (log,) = goldsmith.home.glob("failed/*/logs/*/console.log")
        assert str(log.parent) in done.stderr
        assert json.loads(goldsmith("images", "--json").stdout) == []
        assert not leftovers(goldsmith)

    def test_a_terminal_shows_it_live(self, goldsmith: Goldsmith) -> None:
        terminal = Terminal(goldsmith, "build", "good-image.yml")
        assert terminal.end() == 0
        assert "✓" in terminal.said
        assert "\x1b[32m" in terminal.said
        assert "plain/1.0.0/1  AVAILABLE" in terminal.said

    def test_no_color_is_heeded(self, goldsmith: Goldsmith) -> None:
        terminal = Terminal(goldsmith, "build", "good-image.yml", NO_COLOR="1")
        assert terminal.end() == 0
        assert "✓" in terminal.said
        assert "\x1b[3" not in terminal.said

    def test_keep_failed_opens_a_shell_where_it_failed(self, goldsmith: Goldsmith) -> None:
        terminal = Terminal(goldsmith, "build", "failing-image.yml", "--keep-failed")
        terminal.until("Failed: component failing, build: Break. This is a shell in its guest")
        terminal.until("# ")
        terminal.type("echo $((6 * 7)) $(id -u) $(ls -d /etc/debian_version)\n")
        terminal.until("42 0 /etc/debian_version")
        terminal.type("exit\n")
        assert terminal.end() == 1
        assert "it broke" in terminal.said
        assert not leftovers(goldsmith)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_an_interrupted_build_leaves_nothing(self, goldsmith: Goldsmith, number: signal.Signals) -> None:
        code, said = self.end_slow_build(goldsmith, number)
        assert code == 130
        assert "goldsmith: interrupted; nothing is left behind." in said
        assert not leftovers(goldsmith)

    def test_gc_removes_all_that_a_killed_build_left(self, goldsmith: Goldsmith, gone: Callable[[int], bool]) -> None:
        code, _ = self.end_slow_build(goldsmith, signal.SIGKILL)
        assert code == -signal.SIGKILL
        left = leftovers(goldsmith)
        assert all(gone(int(path.name)) for path in left if path.parent.name == "proc")
        assert any(path.name.startswith(".draft-") for path in left)
        done = goldsmith("gc")
        assert done.stdout.count("removed what a killed build left: ") == 2
        assert not leftovers(goldsmith)

    def end_slow_build(self, goldsmith: Goldsmith, number: signal.Signals) -> tuple[int, str]:
        with subprocess.Popen(
            [PROGRAM, "build", "slow-image.yml"],
            cwd=goldsmith.folder,
            env=goldsmith.environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr
            said = ""
            for line in process.stderr:
                said += line
                if "build: Break" in line:
                    process.send_signal(number)
        return process.returncode, said
