"""A machine without a disk starts from what netboot wrote: QEMU's own iPXE fetches it all by HTTP."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread, Timer

import pytest

from goldsmith.disks.netboot.bundle import COMMAND_LINE, write_netboot

PATIENCE = 400

pytestmark = [
    pytest.mark.boots,
    pytest.mark.sandbox,
    pytest.mark.network,
    pytest.mark.skipif(not shutil.which("mksquashfs"), reason="squashfs-tools is not installed"),
]


def test_it_boots_over_the_network(disk, tmp_path):
    write_netboot(disk, tmp_path / "netboot.tar")
    with tarfile.open(tmp_path / "netboot.tar") as bundle:
        bundle.extractall(tmp_path / "served", filter="data")
    with served(tmp_path / "served") as (address, fetched):
        console = console_until(address, b" login: ")
    assert fetched == ["/boot.ipxe", "/vmlinuz", "/initrd.img", "/root.header", "/root.squashfs"]
    assert COMMAND_LINE.encode() in console
    assert b"goldsmith: root in memory over /root.squashfs" in console
    assert b" login: " in console, console[-3000:].decode(errors="replace")
    assert b"FAILED" not in console


@contextmanager
def served(folder):
    """Serve ``folder`` on loopback; give its address as a guest of QEMU's user network sees it, and what was asked."""
    fetched = []

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def log_request(self, *_):
            fetched.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://10.0.2.2:{server.server_port}", fetched
        finally:
            server.shutdown()
            thread.join()


def console_until(address, words):
    """Boot a machine from the network; return what its console said up to ``words``, or until it was given up."""
    argv = [
        "qemu-system-x86_64", "-nodefaults", "-no-reboot", "-machine", "q35", "-accel", "tcg,thread=multi",
        "-cpu", "max,la57=off,avx=off,avx2=off,svm=off", "-m", "1536", "-smp", "2", "-display", "none",
        "-serial", "stdio", "-device", "virtio-rng-pci", "-smbios", "type=1,serial=ds=nocloud",
        "-netdev", f"user,id=net,bootfile={address}/boot.ipxe",
        "-device", "virtio-net-pci,netdev=net,bootindex=0",
    ]  # fmt: skip
    console = b""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:
        limit = Timer(PATIENCE, machine.kill)
        limit.start()
        try:
            while words not in console and (piece := machine.stdout.read1()):
                console += piece
        finally:
            limit.cancel()
            machine.kill()
    return console
