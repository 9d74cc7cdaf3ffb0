"""What belongs to a package, unchanged: public already, so that nothing in it is a secret of this image."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
from functools import cached_property
from pathlib import Path

from goldsmith.trees.scan.files import CHUNK, open_file, read_small, walk

_MERGED = re.compile(r"^/(?:bin|sbin|lib|lib32|lib64|libx32)/")

_COMPILED = re.compile(r"^(?P<folder>.*)/__pycache__/(?P<stem>[^/]+?)\.[a-z]+-[0-9]+[^/]*\.pyc$")

WHOLE = 256 << 20


class OwnedFiles:
    """Knows dpkg's recorded MD5 sums (of files and of conffiles) and pip's recorded SHA-256 sums of a tree.

    The sums are for telling a package's own test keys from leftovers, not for security: whoever can write the
    tree can write the records, too.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def holds(self, path: str, secrets: set[bytes]) -> bool:
        """Whether the file at ``path``, in which ``secrets`` were found, is a package's own."""
        if self._is_recorded(path):
            return True
        compiled = _COMPILED.match(path)
        if not compiled:
            return False
        source = f"{compiled['folder']}/{compiled['stem']}.py"
        text = read_small(self._root, source, WHOLE)
        return all(secret in text for secret in secrets) and self._is_recorded(source)

    def _is_recorded(self, path: str) -> bool:
        recorded = self._dpkg.get(merged(path))
        if recorded and self._digest(path, "md5").hex() in recorded:
            return True
        return any(self._digest(path, "sha256") == digest for digest in self._pip_digests(path))

    @cached_property
    def _dpkg(self) -> dict[str, set[str]]:
        sums: dict[str, set[str]] = {}
        for entry in walk(self._root, ["/var/lib/dpkg/info"]):
            if entry.path.endswith(".md5sums"):
                for line in read_small(self._root, entry.path, WHOLE).decode(errors="replace").split("\n"):
                    digest, _, name = line.partition("  ")
                    sums.setdefault(merged(f"/{name}"), set()).add(digest)
        status = read_small(self._root, "/var/lib/dpkg/status", WHOLE).decode(errors="replace")
        for name, digest in re.findall(r"^ (/\S.*?) ([0-9a-f]{32})(?: obsolete)?$", status, re.MULTILINE):
            sums.setdefault(merged(name), set()).add(digest)
        return sums

    def _pip_digests(self, path: str) -> list[bytes]:
        """Return what the RECORD files of the folders above say of the path (PyPA's "Recording installed projects")."""
        folder = path.rpartition("/")[0]
        while folder and not folder.endswith(("/site-packages", "/dist-packages")):
            folder = folder.rpartition("/")[0]
        if not folder:
            return []
        name = path.removeprefix(folder + "/")
        return [digest for record, digest in self._records(folder) if record == name]

    def _records(self, folder: str) -> list[tuple[str, bytes]]:
        found = []
        try:
            names = sorted(entry.name for entry in Path(self._root + folder).iterdir())
        except OSError:
            return []
        for name in names:
            if name.endswith(".dist-info"):
                text = read_small(self._root, f"{folder}/{name}/RECORD", WHOLE).decode(errors="replace")
                for row in csv.reader(text.replace("\0", "").splitlines()):
                    if len(row) > 1 and row[1].startswith("sha256="):
                        encoded = row[1].removeprefix("sha256=")
                        found.append((row[0], _unpadded(encoded)))
        return found

    def _digest(self, path: str, algorithm: str) -> bytes:
        digest = hashlib.new(algorithm, usedforsecurity=False)
        opened = open_file(self._root + path)
        if opened is None:
            return b""
        with os.fdopen(opened, "rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
        return digest.digest()


def merged(path: str) -> str:
    """Return the path as it is on a system whose /bin and /lib are links into /usr."""
    return f"/usr{path}" if _MERGED.match(path) else path


def _unpadded(encoded: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        return b"unreadable"
