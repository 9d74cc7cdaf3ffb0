"""Instances once more, as an ordinary user who is in nobody's files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PYTHON = "/usr/bin/python3"
ROOT = Path(__file__).parents[3]
FOLDER = Path(__file__).parent.relative_to(ROOT)
STRANGER = 54321
CHOSEN = "killed_keeper or ports_open or screen or outlives or plugged or one_moment or before_a_merge or qemu_reads"


@pytest.mark.sandbox
def test_an_ordinary_user_has_instances() -> None:
    if os.getuid():
        pytest.skip("this run is an ordinary user's already")
    done = subprocess.run([PYTHON, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, check=False)
    if done.stdout.split() != [str(number).encode() for number in sys.version_info[:2]]:
        pytest.skip("the user cannot reach a Python of our version")
    home = Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    try:
        os.chown(home, STRANGER, STRANGER)
        done = run_as_stranger(home)
    finally:
        subprocess.run(["rm", "-rf", home], check=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def run_as_stranger(home: Path) -> subprocess.CompletedProcess[str]:
    """Run some of these tests in an environment of the stranger's own, whose Python finds us without being told."""
    become = ["setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", "--reset-env"]
    subprocess.run([*become, PYTHON, "-m", "venv", "--without-pip", home / "venv"], check=True)
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    (home / "venv/lib" / f"python3.{sys.version_info[1]}" / "site-packages/us.pth").write_text(f"{ROOT}\n{packages}\n")
    environment = [
        f"HOME={home}",
        f"TMPDIR={home}",
        "LOGNAME=stranger",
        "PYTHONDONTWRITEBYTECODE=1",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    ]
    tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", CHOSEN, FOLDER]
    return subprocess.run(
        [*become, "env", *environment, home / "venv/bin/python", *tests],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
