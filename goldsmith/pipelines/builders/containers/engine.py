"""The container engine on a build's host: buildah builds and runs, skopeo carries images about.

It runs as root of the sandbox's own user namespace with chroot isolation, so that no right of the host is needed, and
a RUN that leaves its container is in a tree that is thrown away.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from goldsmith.guests.guest import Guest
from goldsmith.guests.process import run_process
from goldsmith.oci.reference import DOCKER_HUB
from goldsmith.pipelines.builders.containers.held import HeldRun
from goldsmith.pipelines.builders.containers.template import holding, render
from goldsmith.pipelines.workflows.action import ActionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from goldsmith.guests.process import Stream
    from goldsmith.guests.sandbox import SandboxGuest
    from goldsmith.oci.reference import Reference
    from goldsmith.pipelines.builders.containers.registry import Registry

    Hear = Callable[[Stream, bytes], None]
    Work = Callable[[Guest], None]

PACKAGES = ("buildah", "skopeo")
STORE = "/var/lib/goldsmith-containers"
SCRATCH = f"{STORE}/scratch"
IMAGE = f"{STORE}/image"
"""The folder of the image that is carried in or out, as containers-transports(5) has dir:."""

PARENT = "localhost/goldsmith-parent:latest"
OUTPUT = "localhost/goldsmith-output:latest"
LAST_LINES = 12

_LOGGED = re.compile(r'time="[^"]*" level=[a-z]+ msg="(.*)"')
_PREPARE = f"""
set -eu
mkdir -p {STORE} /etc/containers
driver=vfs
if [ "$1" != 0 ]; then
    mount -t tmpfs -o "mode=755,nodev,size=$1" containers {STORE}
    driver=overlay
fi
mkdir -p {SCRATCH} {STORE}/context {IMAGE}
printf '[storage]\\ndriver = "%s"\\ngraphroot = "{STORE}/graph"\\nrunroot = "/run/containers"\\n' $driver \\
    >/etc/containers/storage.conf
rm -rf /etc/containers/registries.conf.d
echo 'unqualified-search-registries = ["{DOCKER_HUB}"]' >/etc/containers/registries.conf
"""


class EngineGuest(Guest):
    """A container host's commands with what the engine needs to know of where it runs."""

    ENVIRONMENT = {  # noqa: RUF012 - nobody changes it
        "_CONTAINERS_USERNS_CONFIGURED": "done",
        "BUILDAH_ISOLATION": "chroot",
        "TMPDIR": f"{SCRATCH}",
        "XDG_RUNTIME_DIR": "/run",
    }

    def __init__(self, sandbox: SandboxGuest) -> None:
        self._sandbox = sandbox

    def command(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str) -> list[str]:
        """Run it in the sandbox with the engine's environment."""
        return self._sandbox.command(argv, env={**self.ENVIRONMENT, **env}, cwd=cwd)

    def reboot(self) -> None:
        """Restart the sandbox."""
        self._sandbox.reboot()


class Engine:
    """The engine on ``guest``; ``hear`` gets all that it says. ``memory`` is the bytes its images may take in memory.

    With 0 they lie in the sandbox's tree on the disk, whole for every layer, as no overlay can be laid there.
    """

    def __init__(self, guest: SandboxGuest, hear: Hear, *, memory: int) -> None:
        self.guest = EngineGuest(guest)
        self._hear = hear
        self._do(["sh", "-c", _PREPARE, "sh", str(memory)], "The container engine could not be set up")

    def pull(self, reference: Reference, registry: Registry | None) -> None:
        """Bring the parent image from its registry; its logins are gone before anything of the image runs."""
        logins = registry.logins() if registry else b""
        plain = registry.is_plain if registry else reference.is_loopback
        argv = ["skopeo", "copy", "--quiet", *([] if not plain else ["--src-tls-verify=false"])]
        with self._logins(logins) as file:
            authentication = [f"--src-authfile={file}"] if logins else []
            source = f"docker://{reference}"
            self._do(
                [*argv, *authentication, source, f"containers-storage:{PARENT}"],
                f"The parent image {reference} could not be pulled",
                mend="Look at its name, and whether this host reaches its registry.",
            )

    def load_parent(self, kind: str, file: Path) -> None:
        """Take a file of the host for the parent image; ``kind`` is oci-archive or docker-archive."""
        brought = f"{SCRATCH}/parent.tar"
        try:
            with file.open("rb") as archive:
                self.guest.put(brought, archive, mode=0o600)
        except OSError as wrong:
            raise ActionFailedError(
                f"The parent image {file} could not be read: {wrong.strerror}.", mend="Mend the recipe's parentImage."
            ) from wrong
        self._do(
            ["skopeo", "copy", "--quiet", f"{kind}:{brought}", f"containers-storage:{PARENT}"],
            f"The parent image {file} could not be read",
            mend=f"It is to be one image, as {kind}.",
        )

    def build(self, template: str, *, components: Work | None) -> None:
        """Build OUTPUT of a Dockerfile template; ``components`` does its work in the container at its placeholder."""
        token = uuid.uuid4().hex
        dockerfile = render(template, parent=PARENT, token=token if components else "")
        self.guest.put(f"{STORE}/Dockerfile", dockerfile.encode())
        argv = ["buildah", "bud", "--format=docker", "--no-cache", "--force-rm", "--tag", OUTPUT]
        self._hold([*argv, f"--file={STORE}/Dockerfile", f"{STORE}/context"], token, components, "The Dockerfile")

    def run(self, work: Work) -> None:
        """Do work in a container of OUTPUT, which is removed."""
        token = uuid.uuid4().hex
        container = self._say(["buildah", "from", "--pull-never", OUTPUT], "No container could be made of the image")
        argv = ["buildah", "run", "--user=root", container, "--", *holding(token)]
        self._hold(argv, token, work, "A container of the image")
        self._do(["buildah", "rm", container], "The container could not be removed")

    def save(self, file: BinaryIO) -> None:
        """Write OUTPUT into a file, as a tar of a dir: image."""
        self._do(["buildah", "push", "--quiet", "--format=docker", OUTPUT, f"dir:{IMAGE}"], "The image was not saved")
        self._write(["tar", "-C", IMAGE, "-c", "."], file)

    def load(self, file: Path, *, stored: bool) -> None:
        """Take what `save` wrote; ``stored``, it becomes OUTPUT."""
        with file.open("rb") as source:
            self._do(["tar", "-C", IMAGE, "-x"], f"The image {file} could not be read", stdin=source)
        if stored:
            argv = ["skopeo", "copy", "--quiet", f"dir:{IMAGE}", f"containers-storage:{OUTPUT}"]
            self._do(argv, f"The image {file} could not be read")

    def push(self, target: str, registry: Registry) -> str:
        """Push the loaded image to HOST/REPOSITORY:TAG; return its digest there."""
        logins = registry.logins()
        plain = ["--dest-tls-verify=false"] if registry.is_plain else []
        with self._logins(logins) as file:
            authentication = [f"--dest-authfile={file}"] if logins else []
            noted = f"--digestfile={STORE}/digest"
            argv = ["skopeo", "copy", "--quiet", noted, *plain, *authentication, f"dir:{IMAGE}", f"docker://{target}"]
            self._do(
                argv,
                f"The image could not be pushed to {target}",
                mend="Look at the registry of the region in cloud.yml, and its logins.",
            )
        return self.guest.get(f"{STORE}/digest").decode().strip()

    def archive(self, file: BinaryIO, tag: str) -> None:
        """Write the loaded image into a file as an OCI archive."""
        made = f"{SCRATCH}/archive.tar"
        argv = ["skopeo", "copy", "--quiet", f"dir:{IMAGE}", f"oci-archive:{made}:{tag}"]
        self._do(argv, "The image could not be made an OCI archive")
        self._write(["cat", made], file)

    def _hold(self, argv: Sequence[str], token: str, work: Work | None, what: str) -> None:
        with HeldRun(self.guest, argv, token, self._hear, cwd=STORE) as running:
            for container in running:
                if work:
                    work(container)
            done = running.result()
        if done.exit_code:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise ActionFailedError(f"{what} failed: {_last(said)}", mend="What it said is in the step's console.log.")

    def _do(self, argv: Sequence[str], failed: str, *, stdin: bytes | BinaryIO = b"", mend: str = "") -> None:
        done = self.guest.run(argv, stdin=stdin, on_output=self._hear)
        if done.exit_code:
            raise ActionFailedError(f"{failed}: {_last(done.stderr.decode(errors='replace'))}", mend=mend)

    def _say(self, argv: Sequence[str], failed: str) -> str:
        done = self.guest.run(argv)
        if done.exit_code:
            raise ActionFailedError(f"{failed}: {_last(done.stderr.decode(errors='replace'))}")
        return done.stdout.decode().strip()

    def _write(self, argv: Sequence[str], file: BinaryIO) -> None:
        done = run_process(self.guest.command(argv, env={}, cwd="/"), output=file)
        if done.exit_code:
            raise ActionFailedError(f"The image could not be written: {_last(done.stderr.decode(errors='replace'))}")

    def _logins(self, logins: bytes) -> _Logins:
        return _Logins(self.guest, logins)


class _Logins:
    """A file of logins that is there for one command."""

    def __init__(self, guest: Guest, logins: bytes) -> None:
        self._guest = guest
        self._logins = logins
        self._file = "/run/goldsmith/logins.json"

    def __enter__(self) -> str:
        if self._logins:
            self._guest.put(self._file, self._logins, mode=0o600)
        return self._file

    def __exit__(self, *_: object) -> None:
        if self._logins:
            self._guest.run(["rm", "-f", self._file])


def _last(text: str) -> str:
    """Return the last lines of what the engine said, its log's lines without their time and level."""
    lines = text.strip().splitlines()[-LAST_LINES:]
    return "\n".join(_said(line) for line in lines)


def _said(line: str) -> str:
    found = _LOGGED.fullmatch(line)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else line
