"""WebDownload: a file from an http or https address (4.5)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from goldsmith.executor import guest_files
from goldsmith.executor.failures import ActionError
from goldsmith.executor.intake import forbid_folder, receive
from goldsmith.executor.web import ALGORITHMS, ATTEMPTS, FIRST_PAUSE_SECONDS, TransientError, checked_url, opened

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs


def web_download(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Download ``source`` to ``destination``; the output ``destination`` is the final path.

    What stands at the destination changes only when the download is complete and its checksum right.
    """
    source = checked_url(inputs.text("source"))
    algorithm, checksum = _checksum(inputs)
    verify = not inputs.flag("ignoreCertificateErrors", default=False)
    overwrite = inputs.flag("overwrite", default=True)
    final = _final(guest_files.absolute(attempt, inputs.text("destination")), source)
    found = guest_files.kind(attempt, final)
    forbid_folder(final, found)
    if found == "file" and checksum and _digest_of(attempt, final, algorithm) == checksum:
        attempt.say(f"WebDownload: {final} has the right checksum already and is kept")
        return {"destination": final}
    guest_files.forbid_existing(attempt, final, overwrite=overwrite)
    guest_files.make_parents(attempt, final)
    _fetch_with_attempts(attempt, source, final, algorithm, checksum, verify=verify)
    return {"destination": final}


def _checksum(inputs: Inputs) -> tuple[str, str]:
    algorithm = inputs.optional("algorithm").upper()
    checksum = inputs.optional("checksum").strip().lower()
    if bool(algorithm) != bool(checksum):
        raise ActionError("WebDownload: 'checksum' and 'algorithm' go together; only one of them is given.")
    if algorithm and algorithm not in ALGORITHMS:
        raise ActionError(f"WebDownload: there is no algorithm {algorithm}.", mend=f"Use {', '.join(ALGORITHMS)}.")
    return algorithm, checksum


def _final(destination: str, source: str) -> str:
    if not destination.endswith("/"):
        return destination
    name = unquote(posixpath.basename(urlsplit(source).path))
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise ActionError(
            f"The address {source} does not end in a file name.", mend="Name the file in the destination."
        )
    return destination + name


def _digest_of(attempt: Attempt, path: str, algorithm: str) -> str:
    tool = f"{algorithm.lower()}sum"
    return attempt.shell('"$2" <"$1"', path, tool, failing=f"Could not read {path}").decode().partition(" ")[0]


def _fetch_with_attempts(
    attempt: Attempt, source: str, final: str, algorithm: str, checksum: str, *, verify: bool
) -> None:
    for number in range(1, ATTEMPTS + 1):
        try:
            _fetch(attempt, source, final, algorithm, checksum, verify=verify)
        except TransientError as failed:
            if number == ATTEMPTS:
                raise ActionError(f"{failed.message} That was attempt {number}, the last.") from failed
            attempt.say(f"WebDownload: attempt {number} failed: {failed.message}")
            attempt.execution.services.pause(FIRST_PAUSE_SECONDS * 2 ** (number - 1))
        else:
            return


def _fetch(attempt: Attempt, source: str, final: str, algorithm: str, checksum: str, *, verify: bool) -> None:
    digest = ALGORITHMS[algorithm]() if algorithm else None

    def check() -> None:
        if digest and digest.hexdigest() != checksum:
            raise ActionError(
                f"What came from {source} has the {algorithm} checksum {digest.hexdigest()} instead of {checksum}."
            )

    with opened(source, verify=verify, timeout=attempt.deadline.remaining()) as answer:
        receive(attempt, answer, final, digest=digest, verify=check)
