"""What can go wrong, said so that a person can mend it."""


class GoldsmithError(Exception):
    """Something a person can mend: what happened and where, then what to do.

    ``message`` is one sentence on what happened; ``mend`` is one on what to do about it. ``exit_code`` is
    the process's exit status when the command line ends with this error.
    """

    exit_code = 1

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.message}\n  {self.mend}" if self.mend else self.message
