"""Attempts to break out of the sandbox, each with a host folder that anyone may write in as its prize."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from goldsmith.guests.guest import GuestError
from goldsmith.guests.sandbox import SandboxGuest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldsmith.guests.process import Completed
    from goldsmith.trees.package_cache import PackageCache
    from goldsmith.trees.tree import Tree

pytestmark = [pytest.mark.sandbox, pytest.mark.network]

PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture
def prize(home: Path) -> Iterator[Path]:
    """A host folder that every user may write in; a guest that finds its way there leaves a trace."""
    folder = home / "prize"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "secret").write_text("the host's own")
    yield folder
    assert {file.name: file.read_text() for file in folder.iterdir()} == {"secret": "the host's own"}
    (folder / "secret").unlink()
    folder.rmdir()


def sh(guest: SandboxGuest, script: str, *args: str) -> Completed:
    return guest.run(["bash", "-c", script, "sh", *args], timeout=120)


def test_a_command_s_words_and_end_come_back(sandbox: SandboxGuest) -> None:
    done = sandbox.run(
        ["sh", "-c", 'cat; echo "$WORD" >&2; pwd; exit 3'], stdin=b"in\n", env={"WORD": "a b"}, cwd="/usr"
    )
    assert (done.stdout, done.stderr, done.exit_code) == (b"in\n/usr\n", b"a b\n", 3)


def test_a_package_is_installed(sandbox: SandboxGuest) -> None:
    done = sh(sandbox, "apt-get update -q && apt-get install -yq --no-install-recommends hello && hello")
    assert done.exit_code == 0, done.stderr.decode()
    assert done.stdout.endswith(b"Hello, world!\n")


def test_other_users_and_setuid_work_inside(sandbox: SandboxGuest) -> None:
    script = """
    cp /usr/bin/id /opt/id; chown 0:0 /opt/id; chmod 4755 /opt/id
    install -o 65534 -g 100 /dev/null /opt/file; stat -c %u:%g /opt/file
    setpriv --reuid 33 --regid 33 --clear-groups /opt/id -u
    setpriv --reuid 33 --regid 33 --clear-groups /usr/bin/id -u
    """
    assert sh(sandbox, script).stdout.split() == [b"65534:100", b"0", b"33"]


def test_writes_through_links_and_proc_stay_inside(sandbox: SandboxGuest, prize: Path) -> None:
    script = r"""
    ln -s "$1" /link; ln -s "../../../../../../../..$1" /up
    for way in "$1" /link /up "/../../..$1" /proc/*/root"$1" /proc/*/cwd"$1" /proc/*/cwd/../../../../.."$1" \
               /proc/*/fd/*"$1" /proc/*/root/proc/1/root"$1" /proc/*/task/*/root"$1"; do
        echo owned >"$way/trace"; rm -rf "$way/secret"; cat "$way/secret"
    done 2>/dev/null
    """
    assert b"host's own" not in sh(sandbox, script, str(prize)).stdout


def test_the_host_s_files_are_not_there(sandbox: SandboxGuest, prize: Path) -> None:
    done = sh(sandbox, 'ls -d "$1"; ls /work /sys/kernel; cat /proc/self/mountinfo', str(prize))
    assert str(prize).encode() not in done.stdout
    assert b"/dev/vda" not in done.stdout
    assert sh(sandbox, "ls /sys | wc -l").stdout.strip() == b"0"


def test_no_device_reaches_the_host_s_disks(sandbox: SandboxGuest) -> None:
    assert sh(sandbox, "mknod /disk b 254 0; mknod /dev/mem c 1 1; mknod /tmp/disk b 8 0").exit_code == 1
    listed = sh(
        sandbox, "for n in /dev/* /dev/*/*; do [ -L $n ] || [ ! -b $n -a ! -c $n ] || echo $n; done | sort"
    ).stdout.split()
    assert listed == [
        f"/dev/{name}".encode() for name in ("full", "null", "pts/ptmx", "random", "tty", "urandom", "zero")
    ]
    tries = "for t in ext4 devtmpfs sysfs debugfs securityfs tracefs; do mount -t $t /dev/vda /mnt && echo $t; done"
    assert sh(sandbox, tries).stdout == b""


def test_the_kernel_s_settings_are_the_host_s_own(sandbox: SandboxGuest) -> None:
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    script = """
    echo '|/tmp/x' >/proc/sys/kernel/core_pattern && echo written
    echo x >/proc/sysrq-trigger && echo written
    echo 1 >/proc/sys/vm/drop_caches && echo written
    echo 1 >/proc/sys/net/ipv4/ip_forward && echo written
    mount -t proc proc /mnt && echo '|/tmp/x' >/mnt/sys/kernel/core_pattern && echo written
    true
    """
    assert sh(sandbox, script).stdout == b""
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before


def test_no_host_process_can_be_seen_or_signalled(sandbox: SandboxGuest) -> None:
    seen = sh(sandbox, "ls -d /proc/[0-9]* | wc -l; kill -9 $1 || true; kill -9 -1 || true", str(os.getpid()))
    assert int(seen.stdout) < 10


def test_held_namespaces_lead_nowhere(sandbox: SandboxGuest, prize: Path) -> None:
    script = r"""
    perl -e 'mkdir "/jail"; chroot "/jail"; chdir ".." for 1..50; chroot "."; open F, ">", "$ARGV[0]/trace"' "$1"
    nsenter -t 1 -m -p -u -i sh -c 'echo owned >"$1/trace"' sh "$1"
    unshare --user --map-root-user --mount sh -c 'umount -l /proc; umount -l /dev; echo owned >"$1/trace"' sh "$1"
    mkdir -p /old; pivot_root . /old; echo owned >"/old$1/trace"
    umount -l /dev /proc /run; umount -l /; echo owned >"$1/trace"; ls /; ls "$1"
    """
    assert b"secret" not in sh(sandbox, script, str(prize)).stdout


def test_nothing_of_our_environment_gets_in(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    guest: SandboxGuest = request.getfixturevalue("sandbox")
    seen = sh(guest, "cat /proc/*/environ")
    assert b"APT_CONFIG" in seen.stdout
    spying = "#!/bin/sh\nexec cat /proc/self/environ\n"
    sh(guest, 'rm /usr/bin/env; printf %s "$1" >/usr/bin/env; chmod 755 /usr/bin/env', spying)
    spied = guest.run(["true"])
    assert b"PATH" in spied.stdout
    assert b"wJalrXUtnFEMI" not in seen.stdout + spied.stdout


def test_a_full_disk_is_the_guest_s_alone(sandbox: SandboxGuest, home: Path) -> None:
    before = os.statvfs(home).f_bavail
    done = sh(sandbox, "fallocate -l 3G /big; rm /big; echo still here")
    assert b"No space left on device" in done.stderr
    assert done.stdout == b"still here\n"
    assert before - os.statvfs(home).f_bavail < (1 << 30) // os.statvfs(home).f_frsize


def test_a_timeout_ends_the_command_and_the_sandbox_stays(sandbox: SandboxGuest) -> None:
    assert sandbox.run(["sh", "-c", "sleep 400 & sleep 401"], timeout=0.5).timed_out
    assert sh(sandbox, "cat /proc/*/comm").stdout.split().count(b"sleep") == 0


def test_a_reboot_ends_processes_and_keeps_files(sandbox: SandboxGuest) -> None:
    sh(sandbox, "setsid sleep 500 >/dev/null 2>&1 & echo kept >/opt/kept; echo gone >/run/gone")
    sandbox.reboot()
    assert sh(sandbox, "cat /opt/kept; ls /run/gone; cat /proc/*/comm | grep sleep").stdout == b"kept\n"


def test_a_sandbox_that_was_killed_is_told_from_a_command_that_fails(sandbox: SandboxGuest) -> None:
    os.kill(sandbox._pid, signal.SIGKILL)
    sandbox._holder._process.wait()
    with pytest.raises(GuestError, match="sandbox has ended"):
        sandbox.run(["true"])


@pytest.mark.parametrize("name", ["dev", "proc", "run"])
@pytest.mark.parametrize("kind", ["link", "file", "nothing"])
def test_a_tree_without_its_mount_points_is_refused(tree: Tree, prize: Path, name: str, kind: str) -> None:
    tree.open(scaffold=False)
    tree.workspace.run(["rm", "-r", f"root/{name}"])
    if kind == "link":
        tree.workspace.run(["ln", "-s", str(prize), f"root/{name}"])
    elif kind == "file":
        tree.workspace.run(["touch", f"root/{name}"])
    with pytest.raises(GuestError, match=f"/{name} is"), SandboxGuest(tree.workspace, tree.root):
        pass


def test_a_mount_point_made_a_link_does_not_survive_a_reboot(sandbox: SandboxGuest, prize: Path) -> None:
    assert sh(sandbox, 'umount -l /run && rm -r /run && ln -s "$1" /run', str(prize)).exit_code == 0
    with pytest.raises(GuestError, match="/run is a symbolic link"):
        sandbox.reboot()


def test_folders_that_are_links_to_the_host_are_the_guest_s_own(tree: Tree, prize: Path) -> None:
    tree.open(scaffold=False)
    script = 'mv root/etc root/etc.real; for f in etc tmp sys; do rm -rf "root/$f"; ln -s "$1" "root/$f"; done'
    tree.workspace.run(["sh", "-c", script, "sh", str(prize)])
    with SandboxGuest(tree.workspace, tree.root) as guest:
        with pytest.raises(GuestError, match="Could not write /etc/resolv"):
            guest.put("/etc/resolv.conf", b"owned")
        with pytest.raises(GuestError):
            guest.get("/etc/secret")
        sh(guest, "echo owned >/tmp/trace; echo owned >/sys/trace")


def test_a_file_goes_in_and_comes_out(sandbox: SandboxGuest) -> None:
    data = os.urandom(3 << 20)
    sandbox.put("/opt/a name\n", data, mode=0o750)
    assert sandbox.get("/opt/a name\n") == data
    assert sh(sandbox, "stat -c %a /opt/a*").stdout == b"750\n"


def test_no_program_of_the_tree_runs_while_the_host_is_in_sight(tree: Tree, prize: Path) -> None:
    tree.open(scaffold=False)
    spy = f'#!/bin/sh\nfor way in . ..; do echo owned >"$way{prize}/trace"; done; exit 0\n'
    for name in ("umount", "mount", "hostname", "mkdir", "ln"):
        script = 'rm -f "root/usr/bin/$1"; cat >"root/usr/bin/$1"; chmod 755 "root/usr/bin/$1"'
        tree.workspace.run(["sh", "-c", script, "sh", name], stdin=spy.encode())
    with SandboxGuest(tree.workspace, tree.root) as guest:
        assert b"secret" not in sh(guest, 'umount; ls "$1" ".$1" /', str(prize)).stdout


def test_a_component_that_forks_without_end_is_stopped(sandbox: SandboxGuest) -> None:
    script = "while (defined(my $child = fork)) { if (!$child) { sleep 1000; exit } $count++ } print $count"
    done = sandbox.run(["perl", "-e", script])
    assert 4000 < int(done.stdout) < 8192


def test_a_sandbox_ends_although_orphans_of_it_became_ours(tree: Tree, packages: PackageCache) -> None:
    """As in a container whose process 1 we are: nobody else waits for what a command's end left."""
    tree.open(scaffold=False)

    def run() -> None:
        with SandboxGuest(tree.workspace, tree.root, apt_conf=packages.apt_conf) as guest:
            assert guest.run(["setsid", "sleep", "99"], timeout=0.5).timed_out

    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        running = threading.Thread(target=run, daemon=True)
        running.start()
        running.join(60)
        assert not running.is_alive()
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0)
