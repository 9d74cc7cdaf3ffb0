"""Files that belong together become one tar: no owner, one time, one order, so the same files give the same bytes."""

from __future__ import annotations

import io
import tarfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def staging(output: Path) -> Iterator[Path]:
    """Give a folder beside ``output`` for what goes into it, gone afterwards; on failure ``output`` is gone too."""
    try:
        with TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as folder:
            yield Path(folder)
    except BaseException:
        output.unlink(missing_ok=True)
        raise


def write_bundle(output: Path, members: Mapping[str, bytes | Path], epoch: int) -> None:
    """Write the members, content or the file that has it by name, as an uncompressed POSIX tar in the given order."""
    with tarfile.open(output, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, what in members.items():
            info = tarfile.TarInfo(name)
            info.mode, info.mtime = 0o644, epoch
            if isinstance(what, bytes):
                info.size = len(what)
                archive.addfile(info, io.BytesIO(what))
                continue
            with what.open("rb") as file:
                info.size = what.stat().st_size
                archive.addfile(info, file)
