"""What a workflow does with its instance, whatever stands behind the id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.pipelines.builders.commands import ShellScript


@dataclass(frozen=True)
class Inventory:
    """What a system says of itself: its name as "Debian 12", and its packages' names and versions."""

    os_version: str
    packages: tuple[Mapping[str, str], ...]


class BuildInstance(Protocol):
    """An instance as one step of a workflow sees it. All but `terminate` end at once when the step is to stop."""

    id: str

    def await_agent(self) -> None:
        """Return when commands can be run."""

    def run_components(self) -> str:
        """Run the components' phases of the step's stage; say what was run. Raises NothingToDoError."""

    def run_script(self, script: ShellScript) -> str:
        """Run a script, of which the changes stay; return its output."""

    def sanitize(self) -> str:
        """Remove what no image may carry; say what was done."""

    def inspect(self) -> Inventory:
        """Tell what the instance's system is."""

    def create_image(self) -> str:
        """Make an AMI of the instance and return its id."""

    def kept(self, *, terminates: bool) -> bool:
        """Whether the instance is to stay where the infrastructure configuration does not have it terminated."""

    def terminate(self, *, wait: bool) -> None:
        """End the instance and all that came with it; with ``wait``, return when it is gone."""
