"""Which registries speak no TLS, where podman, skopeo and buildah keep that (containers-registries.conf(5))."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldsmith.oci.blobs import OciError

if TYPE_CHECKING:
    from goldsmith.oci.reference import Reference

_SYSTEM = Path("/etc/containers")
_FILE, _FOLDER = "registries.conf", "registries.conf.d"


def is_insecure(reference: Reference) -> bool:
    """Tell whether the entry that fits a repository best says ``insecure = true``. Raises OciError."""
    name = f"{reference.host}/{reference.path}"
    fitting = [(len(prefix), insecure) for prefix, insecure in _entries().items() if _fits(prefix, name)]
    return max(fitting, default=(0, False))[1]


def _entries() -> dict[str, bool]:
    """Return what is said of each prefix; a later file's word counts."""
    found = {}
    for file in _files():
        entries = _document(file).get("registry")
        for entry in entries if isinstance(entries, list) else ():
            prefix = entry.get("prefix") or entry.get("location") if isinstance(entry, dict) else None
            if isinstance(prefix, str):
                found[prefix] = entry.get("insecure") is True
    return found


def _files() -> list[Path]:
    if named := os.environ.get("CONTAINERS_REGISTRIES_CONF"):
        return [Path(named)]
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "containers"
    first = own / _FILE if (own / _FILE).is_file() else _SYSTEM / _FILE
    return [first, *sorted((_SYSTEM / _FOLDER).glob("*.conf")), *sorted((own / _FOLDER).glob("*.conf"))]


def _document(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as wrong:
        raise OciError(f"The file of registries {file} cannot be read: {wrong}.", mend="Mend it.") from wrong


def _fits(prefix: str, name: str) -> bool:
    """Tell whether a prefix, which may begin with ``*.`` for all hosts below one, is a repository's."""
    if prefix.startswith("*."):
        host, wanted = name.partition("/")[0], prefix[1:]
        return host.endswith(wanted) or host.partition(":")[0].endswith(wanted)
    return name == prefix or name.startswith(f"{prefix}/")
