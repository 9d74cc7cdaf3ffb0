"""The sandbox's tests once more, as an ordinary user with subordinate ids."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from goldsmith.guests.namespaces import _subordinate

NAME = "goldsmith-test"
PYTHON = "/usr/bin/python3"
ROOT = Path(__file__).parents[2]
FILES = ["tests/guests/test_sandbox.py", "tests/guests/test_workspace.py", "tests/trees/test_layers.py"]
CHOSEN = (
    "package_is_installed or other_users or links_and_proc or disks or namespaces_lead or mount_points and link "
    "or kill-memory or kill-disk or comes_back"
)


@pytest.fixture
def user() -> pwd.struct_passwd:
    if os.getuid():
        pytest.skip("this run is an ordinary user's already")
    done = subprocess.run([PYTHON, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, check=False)
    if done.stdout.split() != [str(number).encode() for number in sys.version_info[:2]]:
        pytest.skip("the user cannot reach a Python of our version")
    try:
        found = pwd.getpwnam(NAME)
    except KeyError:
        subprocess.run(["useradd", "--create-home", NAME], check=True)
        found = pwd.getpwnam(NAME)
    for kind in ("uid", "gid"):
        if not _subordinate(Path(f"/etc/sub{kind}"), found.pw_uid):
            subprocess.run(["usermod", f"--add-sub{kind}s", "1000000-1065535", NAME], check=True)
    return found


@pytest.mark.sandbox
@pytest.mark.network
def test_an_ordinary_user_s_sandbox_works_and_holds(user: pwd.struct_passwd, cache: Path) -> None:
    kept = cache.parent / str(user.pw_uid)
    kept.mkdir(exist_ok=True)
    shutil.chown(kept, user.pw_uid, user.pw_gid)
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups", "--reset-env"]
    environment = [f"PYTHONPATH={ROOT}:{packages}", "PYTHONDONTWRITEBYTECODE=1", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    pytest_argv = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", CHOSEN, *FILES]
    done = subprocess.run(
        [*become, "env", *environment, *pytest_argv], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
