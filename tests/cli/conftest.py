"""The command as a person runs it: a process of its own, with a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping


PROGRAM = str(Path(sys.executable).with_name("goldsmith"))


@dataclass
class Goldsmith:
    """Runs the installed command in ``folder``; its state is in ``home``. A traceback fails the test."""

    folder: Path
    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GOLDSMITH_")}
        return {**kept, "GOLDSMITH_HOME": str(self.home), "COLUMNS": "200", **self.variables}

    def __call__(
        self, *arguments: str, before: tuple[str, ...] = (), env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*before, PROGRAM, *arguments],
            cwd=self.folder,
            env={**self.environment, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return name


@pytest.fixture
def goldsmith(tmp_path: Path, home: Path) -> Goldsmith:
    mine = home / f"cli-{uuid.uuid4().hex[:8]}"
    mine.mkdir(mode=0o711)
    return Goldsmith(tmp_path, mine)
