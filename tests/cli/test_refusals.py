"""Every refusal is a sentence with its mend; what a host lacks is taken from it for real, in a namespace of the test's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .documents import GOOD, failing, pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Goldsmith

DEAD = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
"""A network on which nothing answers: nobody listens on the discard port of this host's loopback."""

CHECKS = ["programs", "formats", "subordinate", "sandbox", "memory", "disk", "acceleration", "archives"]
ROOT = Path(__file__).parents[2]
SYSTEM_PYTHON = "/usr/bin/python3"
NOBODY = 65534

as_root = pytest.mark.skipif(os.getuid() != 0, reason="takes things from the host in a mount namespace of root's")


@pytest.fixture
def documents(goldsmith: Goldsmith) -> Goldsmith:
    goldsmith.write("good.yml", GOOD)
    goldsmith.write("plain.yml", pipeline("./good.yml"))
    return goldsmith


def in_namespace(script: str) -> tuple[str, ...]:
    """What stands before the command so that ``script`` changes the mounts that it sees, and nobody else."""
    return ("unshare", "--mount", "sh", "-euc", f'{script}; exec "$@"', "sh")


@pytest.mark.parametrize("command", [("build", "plain.yml"), ("component", "run", "good.yml")])
def test_no_network(documents: Goldsmith, command: tuple[str, ...]) -> None:
    done = documents(*command, env=DEAD)
    assert done.returncode == 1
    assert "The package archive cannot be reached: http" in done.stderr
    assert "Connection refused" in done.stderr
    assert "  Check this host's network and proxy: `apt-get update` has to work." in done.stderr


def test_doctor_says_what_is_wrong_and_what_mends_it(goldsmith: Goldsmith) -> None:
    done = goldsmith("doctor", env=DEAD)
    assert done.returncode == 1
    assert "NO  archives      The package archive cannot be reached" in done.stdout
    assert "Check this host's network and proxy" in done.stdout


@pytest.mark.sandbox
@pytest.mark.network
def test_doctor_finds_a_good_host_good(goldsmith: Goldsmith) -> None:
    done = goldsmith("doctor", "--json")
    checks = json.loads(done.stdout)
    assert done.returncode == 0, checks
    assert [check["name"] for check in checks] == CHECKS
    assert all(check.keys() == {"name", "ok", "found", "mend"} for check in checks)


class _Tampering(BaseHTTPRequestHandler):
    """A proxy that changes one byte of what archives sign."""

    def do_GET(self) -> None:
        try:
            answer = urllib.request.urlopen(self.path)
        except urllib.error.HTTPError as refused:
            answer = refused
        content = answer.read()
        if self.path.endswith("/InRelease"):
            content = content.replace(b"Suite: ", b"Suite:  ", 1)
        self.send_response(answer.status or 502)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def tampering() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Tampering) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.sandbox
@pytest.mark.network
def test_an_archive_s_signature_is_wrong(documents: Goldsmith, tampering: str) -> None:
    done = documents("build", "plain.yml", env={"http_proxy": tampering})
    assert done.returncode == 1
    assert "The archive's signature for debian/12 is not valid: W: GPG error:" in done.stderr
    assert "BADSIG" in done.stderr
    assert "build from no archive whose signature is bad" in done.stderr
    assert not list((documents.home / "layers").iterdir())


@as_root
@pytest.mark.sandbox
@pytest.mark.network
@pytest.mark.parametrize("command", [("build", "plain.yml"), ("component", "run", "good.yml")])
def test_a_disk_too_small_is_told_before_anything_is_done(
    documents: Goldsmith, root_tar: Path, command: tuple[str, ...]
) -> None:
    documents.write("plain.yml", pipeline("./good.yml", parent=str(root_tar)))
    small = in_namespace(f"mount -t tmpfs -o size=50m tmpfs {documents.home}")
    done = documents(*command, *(("--parent", str(root_tar)) if command[0] == "component" else ()), before=small)
    assert done.returncode == 1
    assert f"The disk of {documents.home} has 50 MiB free, and a build here needs 256 MiB." in done.stderr
    assert "`goldsmith gc --days 0`" in done.stderr
    assert "GOLDSMITH_HOME" in done.stderr


@as_root
@pytest.mark.sandbox
@pytest.mark.network
def test_a_disk_that_fills_leaves_no_half_image(documents: Goldsmith, root_tar: Path) -> None:
    documents.write("plain.yml", pipeline("./good.yml", parent=str(root_tar)))
    script = f'mount -t tmpfs -o size=270m tmpfs {documents.home}; "$@" || code=$?; find {documents.home} -path "*/tree" -prune -o -print; exit $code'
    done = documents("build", "plain.yml", "--format", "raw", before=("unshare", "--mount", "sh", "-uc", script, "sh"))
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert f"The disk of {documents.home} is full: free some" in done.stderr
    left = [Path(line).relative_to(documents.home) for line in done.stdout.splitlines()]
    assert not [
        path for path in left if path.parts[:1] in {("images",), ("work",), ("machines",)} and len(path.parts) > 1
    ]


@pytest.mark.sandbox
@pytest.mark.network
def test_a_work_area_that_fills_says_how_to_have_a_larger_one(documents: Goldsmith, root_tar: Path) -> None:
    documents.write("fill.yml", failing("head -c 600M /dev/zero > /var/fill"))
    documents.write("plain.yml", pipeline("./fill.yml", parent=str(root_tar)))
    done = documents("build", "plain.yml", env={"GOLDSMITH_MEMORY": "0.3G"})
    assert done.returncode == 1
    assert "The step Break (ExecuteBash) of fill.yml" in done.stderr
    assert "No space left on device" in done.stderr
    assert "GOLDSMITH_MEMORY=0 has it on disk" in done.stderr


def test_an_amount_of_memory_that_is_none(documents: Goldsmith) -> None:
    done = documents("component", "run", "good.yml", env={"GOLDSMITH_MEMORY": "lots"})
    assert (done.returncode, done.stdout) == (1, "")
    assert "GOLDSMITH_MEMORY is 'lots', which is no amount of memory.\n  Write bytes, 4G, or 0 for disk." in done.stderr


@as_root
@pytest.mark.sandbox
@pytest.mark.network
def test_missing_programs_are_named_with_their_packages(documents: Goldsmith, root_tar: Path) -> None:
    layers = documents.home / "layers-of-usr-bin"
    layers.mkdir()
    before = in_namespace(
        f"mount -t tmpfs tmpfs {layers}; mkdir {layers}/new {layers}/work; "
        f"mount -t overlay -o lowerdir=/usr/bin,upperdir={layers}/new,workdir={layers}/work overlay /usr/bin; "
        "rm /usr/bin/mmdebstrap /usr/bin/qemu-img"
    )
    documents.write("plain.yml", pipeline("./good.yml", parent=str(root_tar)))
    said = "This host lacks mmdebstrap (package mmdebstrap), qemu-img (package qemu-utils).\n"
    mend = "apt-get install --no-install-recommends mmdebstrap qemu-utils"
    for command in (("build", "plain.yml"), ("component", "run", "good.yml")):
        done = documents(*command, before=before)
        assert done.returncode == 1
        assert done.stderr == f"goldsmith: {said}  Run as root: {mend}\n"
    assert mend in documents("doctor", before=before).stdout


@pytest.fixture
def nobody(goldsmith: Goldsmith) -> tuple[str, ...]:
    """What stands before the command's arguments so that a user without subordinate ids gives it."""
    asked = [SYSTEM_PYTHON, "-c", "import sys; print(*sys.version_info[:2])"]
    if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split() != [
        str(number) for number in sys.version_info[:2]
    ]:
        pytest.skip("the user cannot reach a Python of our version")
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    goldsmith.home.chmod(0o777)
    user = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--reset-env")
    environment = (f"PYTHONPATH={ROOT}:{packages}", "PYTHONDONTWRITEBYTECODE=1", f"GOLDSMITH_HOME={goldsmith.home}")
    program = "from goldsmith.cli.main import main; main()"
    return (*user, "env", *environment, SYSTEM_PYTHON, "-c", program)


def as_nobody(nobody: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*nobody, *arguments], cwd="/", capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@as_root
@pytest.mark.sandbox
@pytest.mark.network
def test_no_subordinate_ids(goldsmith: Goldsmith, nobody: tuple[str, ...], root_tar: Path) -> None:
    done = as_nobody(nobody, "component", "run", "nginx", "--phases", "validate", "--parent", str(root_tar))
    assert done.returncode == 1
    assert (
        "The user nobody has no range of 65536 subordinate ids in /etc/subuid.\n  Run as root: usermod" in done.stderr
    )
    assert "NO  subordinate   The user nobody has no range" in as_nobody(nobody, "doctor").stdout
    assert as_nobody(nobody, "gc").returncode == 0


@as_root
def test_a_home_of_somebody_else_s(goldsmith: Goldsmith, nobody: tuple[str, ...]) -> None:
    goldsmith.home.chmod(0o755)
    done = as_nobody(nobody, "images")
    assert done.returncode == 1
    assert f"The folder {goldsmith.home}, where Goldsmith keeps its state, cannot be used: it cannot be written" in (
        done.stderr
    )


@pytest.mark.parametrize(
    "command", [("images",), ("show", "x"), ("gc",), ("build", "plain.yml"), ("component", "run", "good.yml")]
)
def test_a_home_that_is_a_file(documents: Goldsmith, command: tuple[str, ...]) -> None:
    file = documents.home / "file"
    file.touch()
    done = documents(*command, env={"GOLDSMITH_HOME": str(file)})
    assert done.returncode == 1
    assert done.stderr == (
        f"goldsmith: The folder {file}, where Goldsmith keeps its state, cannot be used: File exists.\n"
        "  Point GOLDSMITH_HOME at a folder that you may write.\n"
    )


def test_a_home_that_cannot_be_passed_is_no_end_of_doctor(goldsmith: Goldsmith) -> None:
    file = goldsmith.home / "file"
    file.touch()
    done = goldsmith("doctor", "--json", env={"GOLDSMITH_HOME": str(file)})
    assert done.returncode == 1
    assert {check["name"]: check["ok"] for check in json.loads(done.stdout)}["disk"] is False


def test_doctor_says_it_all_at_once(goldsmith: Goldsmith) -> None:
    done = goldsmith("doctor", "--json", env={**DEAD, "GOLDSMITH_MEMORY": "lots"})
    wrong = {check["name"]: check for check in json.loads(done.stdout) if not check["ok"]}
    assert {"memory", "archives"} <= wrong.keys()
    assert all(check["mend"] for check in wrong.values())
