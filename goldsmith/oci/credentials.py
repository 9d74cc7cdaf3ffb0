"""Logins of registries, where docker, podman and skopeo keep them (containers-auth.json(5), ~/.docker/config.json)."""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from goldsmith.guests.process import run_process
from goldsmith.oci.blobs import OciError
from goldsmith.oci.image import json_object

HELPER_SECONDS = 60
_HUB = ("https://index.docker.io/v1/", "index.docker.io", "docker.io")


@dataclass(frozen=True)
class Login:
    """A user and a password, or an identity token alone; neither is shown when it is printed."""

    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def find_login(host: str, path: str) -> Login | None:
    """Return the login for a repository of a registry, None where there is none.

    Looked for in $REGISTRY_AUTH_FILE, or else containers/auth.json and docker's config.json; credential helpers run.
    Raises OciError for a file or a helper that cannot be read; it never says what stood there.
    """
    for file in _files():
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            continue
        except OSError as wrong:
            raise OciError(f"The logins in {file} cannot be read: {wrong.strerror}.") from wrong
        document = json_object(content or b"{}", f"The file of logins {file}")
        found = _login(document, host, path, file)
        if found:
            return found
    return None


def _files() -> list[Path]:
    if named := os.environ.get("REGISTRY_AUTH_FILE"):
        return [Path(named)]
    running = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    docker = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    return [
        Path(running) / "containers" / "auth.json",
        settings / "containers" / "auth.json",
        docker / "config.json",
    ]


def _login(document: dict[str, object], host: str, path: str, file: Path) -> Login | None:
    helpers, auths = document.get("credHelpers"), document.get("auths")
    for name in _names(host, path):
        helper = helpers.get(name) if isinstance(helpers, dict) else None
        if isinstance(helper, str):
            return _helped(helper, name)
        entry = auths.get(name) if isinstance(auths, dict) else None
        if not isinstance(entry, dict):
            continue
        if entry.get("auth"):
            return _decoded(str(entry["auth"]), str(entry.get("identitytoken") or ""), file)
        if isinstance(store := document.get("credsStore"), str):
            return _helped(store, name)
    return None


def _names(host: str, path: str) -> list[str]:
    """Return what an entry may be called, the most particular first."""
    parts = path.split("/")
    below = [f"{host}/{'/'.join(parts[:count])}" for count in range(len(parts), 0, -1)]
    hub = list(_HUB) if host in {"docker.io", "registry-1.docker.io"} else []
    return [*below, host, f"https://{host}", f"http://{host}", *hub]


def _decoded(text: str, token: str, file: Path) -> Login:
    try:
        user, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise OciError(f"A login in {file} is not in the form that `docker login` writes.", mend="Log in again.")
    return Login(user, password.rstrip("\0"), token)


def _helped(helper: str, name: str) -> Login | None:
    """Ask a credential helper (docker-credential-helpers' protocol: `get`, the server on standard input)."""
    if "/" in helper or not helper.isprintable():
        raise OciError("A credential helper's name in the file of logins is none.")
    program = f"docker-credential-{helper}"
    done = run_process([program, "get"], stdin=name.encode(), timeout=HELPER_SECONDS)
    if done.exit_code:
        if b"credentials not found" in done.stdout:
            return None
        raise OciError(f"{program} gave no login for {name}: exit code {done.exit_code}.", mend="Log in again.")
    try:
        found = json.loads(done.stdout)
        user, secret = str(found["Username"]), str(found["Secret"])
    except (ValueError, KeyError, TypeError):
        raise OciError(f"What {program} said for {name} is no login.") from None
    return Login(identity_token=secret) if user == "<token>" else Login(user, secret)
