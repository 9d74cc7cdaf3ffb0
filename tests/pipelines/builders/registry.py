"""A real registry on loopback, and a parent image in it: bash, coreutils and grep of the base tree."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from urllib.error import URLError

COPIED = [
    "bash",
    "sh",
    "cat",
    "chmod",
    "chown",
    "cp",
    "date",
    "env",
    "false",
    "grep",
    "head",
    "id",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mktemp",
    "mv",
    "printf",
    "readlink",
    "rm",
    "rmdir",
    "sed",
    "sleep",
    "sort",
    "stat",
    "tail",
    "tar",
    "test",
    "touch",
    "tr",
    "true",
    "uname",
    "wc",
]
GATHER = """
set -eu
for name in "$@"; do
    for place in /usr/bin /bin; do if [ -e $place/$name ]; then echo $place/$name; break; fi; done
done >/tmp/programs
for program in $(cat /tmp/programs); do ldd $program | grep -o '/[^ ]*' || true; done | sort -u >/tmp/libraries
mkdir -p /tmp/root
for file in $(cat /tmp/programs /tmp/libraries) /etc/os-release; do
    mkdir -p "/tmp/root$(dirname $file)"; cp -L $file /tmp/root$file
done
mkdir -p /tmp/root/tmp /tmp/root/root /tmp/root/bin; cp -L /bin/sh /bin/bash /tmp/root/bin/
echo 'root:x:0:0:root:/root:/bin/bash' >/tmp/root/etc/passwd
"""


@contextmanager
def serving(folder):
    """Run docker-registry; give its host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    (folder / "config.yml").write_text(
        f"version: 0.1\nlog: {{accesslog: {{disabled: true}}, level: error}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/blobs}}}}\nhttp: {{addr: '{host}'}}\n"
    )
    program = shutil.which("docker-registry") or "docker-registry"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://{host}/v2/", timeout=5).close()
                break
            except URLError:
                time.sleep(0.05)
        yield host
    finally:
        process.terminate()
        process.wait()


def push_parent(guest, host):
    """Make a small image of the host's tree and push it as HOST/base:1."""
    done = guest.run(["sh", "-c", GATHER, "sh", *COPIED])
    assert not done.exit_code, done.stderr
    script = (
        "set -eu; c=$(buildah from scratch); buildah add --quiet $c /tmp/root /; "
        "buildah config --env GREETING=hello --cmd /bin/bash $c; "
        f"buildah commit --quiet $c localhost/base; buildah push --quiet --tls-verify=false localhost/base {host}/base:1"
    )
    done = guest.run(["sh", "-c", script])
    assert not done.exit_code, done.stderr
