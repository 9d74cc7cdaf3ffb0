"""The modules of Windows: they can be written in a document, but not run here (4.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from goldsmith.executor.failures import ActionError

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt


class Unsupported:
    """An action module that this platform lacks."""

    def run(self, inputs: Any, attempt: Attempt) -> NoReturn:  # noqa: ARG002  # the shape of every action
        """Raise ActionError."""
        raise ActionError(
            f"The action module {attempt.action} is not supported on this platform.",
            mend="It is for Windows; give the step a condition or use a component for Linux.",
        )
