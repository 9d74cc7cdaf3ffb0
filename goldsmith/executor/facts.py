"""What is true of the guest: its environment, its system's name, its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldsmith.executor.output import readable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.guests.guest import Guest

DIGESTS = {
    "fileMD5Equals": "md5sum",
    "fileSHA1Equals": "sha1sum",
    "fileSHA256Equals": "sha256sum",
    "fileSHA512Equals": "sha512sum",
}


class GuestFacts:
    """Facts asked of the guest when they are needed; those that a step can change are asked each time."""

    def __init__(self, guest: Guest, environment: Mapping[str, str], cwd: str) -> None:
        self._guest = guest
        self._environment = environment
        self._cwd = cwd

    def environment(self) -> dict[str, str]:
        """Return the environment that the guest's commands get."""
        listing = readable_fields(self._output("env", "-0"))
        return dict(entry.split("=", 1) for entry in listing if "=" in entry)

    def operating_system(self) -> tuple[str, str]:
        """Return ID and VERSION_ID of /etc/os-release, or of /usr/lib/os-release; empty where neither says."""
        script = 'for f in /etc/os-release /usr/lib/os-release; do [ -r "$f" ] && . "$f" && break; done'
        said = self._output("sh", "-c", f'unset ID VERSION_ID; {script}; printf "%s\\n%s" "$ID" "$VERSION_ID"')
        name, _, version = readable(said).partition("\n")
        return name, version

    def hostname(self) -> str:
        """Return the guest's host name."""
        return readable(self._output("uname", "-n")).strip()

    def has_binary(self, name: str) -> bool:
        """Return whether bash's ``type`` finds a command of that name."""
        return self._succeeds("bash", "-c", 'type -- "$1"', "bash", name)

    def is_file(self, path: str) -> bool:
        """Return whether the path, links followed, is a regular file."""
        return self._succeeds("test", "-f", path)

    def is_folder(self, path: str) -> bool:
        """Return whether the path, links followed, is a folder."""
        return self._succeeds("test", "-d", path)

    def digest(self, tool: str, path: str) -> str:
        """Return a regular file's digest in hexadecimal by md5sum, sha1sum, …; empty where there is none."""
        if not self.is_file(path):
            return ""
        return readable(self._output("sh", "-c", '"$1" <"$2"', "sh", tool, path)).partition(" ")[0]

    def _output(self, *argv: str) -> bytes:
        return self._guest.run(argv, env=self._environment, cwd=self._cwd).stdout

    def _succeeds(self, *argv: str) -> bool:
        return self._guest.run(argv, env=self._environment, cwd=self._cwd).exit_code == 0


def readable_fields(listing: bytes) -> list[str]:
    """Return the NUL-ended fields of a listing as text that can be an argument again, byte for byte."""
    return [field.decode(errors="surrogateescape") for field in listing.split(b"\0") if field]
