"""A running machine as a guest: commands go through one multiplexed OpenSSH connection, as root by sudo."""

from __future__ import annotations

import contextlib
import shlex
import socket
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from goldsmith.guests.bound import end, start_bound
from goldsmith.guests.guest import Guest, GuestError
from goldsmith.guests.marks import MarkedEnd, MarkedOutput
from goldsmith.guests.process import Completed, run_process

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from goldsmith.guests.process import Stream

REBOOT_LIMIT = 600.0
"""Seconds that a reboot may take, from asking for it to a system that systemd calls finished."""

PAUSE = 0.25
"""Seconds between two looks; they cost the machine nothing."""

BANNER_PATIENCE = 2.0
"""Seconds that one look waits for an SSH server's banner."""

KILLED = 128 + 9

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "LANG": "C.UTF-8",
}

_WRAPPER = r"""
token=$1 folder=$2; shift 2
exec 3<&0
setsid sh -c 'cd -- "$0" && exec env -i "$@"' "$folder" "$@" <&3 3<&- &
printf '\0%s pid %d\0' "$token" "$!" >&2
wait "$!"
code=$?
printf '\0%s end %d\0' "$token" "$code"
printf '\0%s end %d\0' "$token" "$code" >&2
"""
"""Runs a command in a session of its own and reports its process id and exit code between its output."""


@dataclass(frozen=True)
class SshAddress:
    """Where a machine's SSH server is, who logs in and with which private key.

    ``folder`` is ours alone (mode 0700) and short enough for a socket's path; the host key is kept there on
    first use, which a server on this host's loopback allows.
    """

    host: str
    port: int
    user: str
    key: Path
    folder: Path


class MachineGuest(Guest):
    """Runs commands as root in a machine that runs an SSH server, sudo and systemd.

    ``watch`` is called while waiting; it raises when the machine is known to be beyond hope.
    """

    def __init__(self, address: SshAddress, *, watch: Callable[[], None] = lambda: None) -> None:
        self.address = address
        self._watch = watch
        self._master: subprocess.Popen[bytes] | None = None

    def command(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str) -> list[str]:
        """Return the host's argv that runs ``argv`` inside the machine."""
        return self._client(argv, env, cwd, "-")

    def shell(self) -> list[str]:
        """Return the host's argv of a root shell on a terminal of the machine's own."""
        return ["ssh", "-tt", *self._options(), self.address.host, shlex.join([*self._become(), "bash", "-l"])]

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | BinaryIO = b"",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        timeout: float | None = None,
        on_output: Callable[[Stream, bytes], None] | None = None,
    ) -> Completed:
        """Run a command to its end (see Guest.run); what it leaves in the background is left running."""
        begun = time.monotonic()
        output = MarkedOutput(on_output)
        timed_out = False
        with contextlib.suppress(MarkedEnd):
            done = run_process(
                self._client(argv, env or {}, cwd, output.token),
                stdin=stdin,
                timeout=timeout,
                on_output=output.take,
            )
            timed_out = done.timed_out
        if timed_out and output.process_id:
            self.kill(str(output.process_id))
        elif output.exit_code is None and not timed_out:
            self._watch()
            said = bytes(output.text["stderr"]).decode(errors="replace").strip()
            raise GuestError(
                f"The connection to the machine at {self.address.host} was lost: {said or 'no reason given'}"
            )
        return Completed(
            argv=tuple(argv),
            exit_code=KILLED if output.exit_code is None else output.exit_code,
            stdout=bytes(output.text["stdout"]),
            stderr=bytes(output.text["stderr"]),
            seconds=time.monotonic() - begun,
            timed_out=timed_out,
        )

    def kill(self, token: str) -> None:
        """Kill the process group whose leader has the id ``token`` inside the machine."""
        self.run(["sh", "-c", 'kill -KILL "-$1"', "sh", token])

    def reboot(self) -> None:
        """Reboot the machine and return when systemd has finished starting it again."""
        deadline = time.monotonic() + REBOOT_LIMIT
        before = self._boot_id()
        with contextlib.suppress(GuestError):
            self.run(["systemctl", "reboot"])
        while self._master and self._master.poll() is None:
            self._look_again(deadline)
        self.connect(deadline)
        while self._boot_id() == before:
            self._look_again(deadline)
        self.await_started(deadline)

    def await_started(self, deadline: float) -> str:
        """Wait until systemd has finished starting; return what it calls the system's state (systemctl(1))."""
        done = self.run(["systemctl", "is-system-running", "--wait"], timeout=max(0.0, deadline - time.monotonic()))
        if done.timed_out:
            raise GuestError("systemd did not finish starting the machine in time.")
        return done.stdout.decode(errors="replace").strip()

    def connect(self, deadline: float) -> None:
        """Open the connection that all commands share, as soon as the server answers and knows the key.

        ``deadline`` is on the monotonic clock, in seconds; past it, GuestError says how far it came.
        """
        said = "no SSH server answered"
        while True:
            if self._answers():
                said = self._open(deadline)
                if not said:
                    return
            self._look_again(deadline, said)

    def close(self) -> None:
        """End the connection; the machine stays."""
        if self._master:
            end(self._master)
            self._master = None

    def _look_again(self, deadline: float, said: str = "") -> None:
        self._watch()
        if time.monotonic() > deadline:
            raise GuestError(
                f"The machine at {self.address.host} was not reached in time" + (f": {said}." if said else ".")
            )
        time.sleep(PAUSE)

    def _answers(self) -> bool:
        """Whether an SSH server says its banner."""
        try:
            with socket.create_connection((self.address.host, self.address.port), BANNER_PATIENCE) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _open(self, deadline: float) -> str:
        """Start the master connection; return what ssh said where it failed, nothing where it stands."""
        self.close()
        control = self.address.folder / "ssh"
        control.unlink(missing_ok=True)
        with tempfile.TemporaryFile() as words:
            self._master = start_bound(["ssh", *self._options(), "-M", "-N", self.address.host], stderr=words)
            while self._master.poll() is None and time.monotonic() < deadline:
                if control.exists():
                    return ""
                time.sleep(PAUSE / 5)
            self.close()
            words.seek(0)
            return words.read().decode(errors="replace").strip() or "the SSH server did not let us in"

    def _boot_id(self) -> bytes:
        return self.get("/proc/sys/kernel/random/boot_id")

    def _client(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, token: str) -> list[str]:
        variables = [f"{name}={value}" for name, value in {**ENVIRONMENT, **env}.items()]
        remote = [*self._become(), "sh", "-c", _WRAPPER, "sh", token, cwd, *variables, *argv]
        return ["ssh", *self._options(), self.address.host, shlex.join(remote)]

    def _become(self) -> list[str]:
        return [] if self.address.user == "root" else ["sudo", "-n", "--"]

    def _options(self) -> list[str]:
        """Return what keeps ssh(1) from reading anything of the user's, and its arithmetic light under emulation."""
        options = {
            "BatchMode": "yes",
            "CheckHostIP": "no",
            "Ciphers": "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes128-ctr",
            "Compression": "no",
            "ConnectTimeout": "30",
            "ControlPath": self.address.folder / "ssh",
            "ForwardAgent": "no",
            "GlobalKnownHostsFile": "/dev/null",
            "HostKeyAlgorithms": "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "IdentityFile": self.address.key,
            "KexAlgorithms": "curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256",
            "LogLevel": "ERROR",
            "Port": self.address.port,
            "PreferredAuthentications": "publickey",
            "ServerAliveCountMax": "6",
            "ServerAliveInterval": "10",
            "StrictHostKeyChecking": "accept-new",
            "User": self.address.user,
            "UserKnownHostsFile": self.address.folder / "known_hosts",
        }
        return ["-F", "/dev/null", *(f"-o{name}={_quoted(value)}" for name, value in options.items())]


def _quoted(value: object) -> str:
    """Return an option's value as ssh_config(5) reads it: with spaces kept and no % or ~ taken for a token."""
    text = str(value).replace("%", "%%")
    return f'"{text}"' if " " in text else text
