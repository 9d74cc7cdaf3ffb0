"""A repository of a registry: blobs and manifests pulled and pushed, nothing twice (distribution specification 1.1)."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin

from goldsmith.oci.blobs import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    INDEX,
    LARGEST_DOCUMENT,
    MANIFEST,
    Blob,
    Descriptor,
    OciError,
    digest_of,
    file_blob,
)
from goldsmith.oci.connection import ATTEMPTS, Connection, CutError, pause
from goldsmith.oci.fetching import fetch_blob
from goldsmith.oci.image import canonical, chosen_manifest, content_of, is_index, json_object

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO

    from goldsmith.oci.artifact import Artifact
    from goldsmith.oci.blobs import Progress
    from goldsmith.oci.credentials import Login
    from goldsmith.oci.image import OciImage
    from goldsmith.oci.reference import Reference

PIECE = 16 << 20
"""Bytes of an upload's request: what is sent again when a connection breaks."""

_ACCEPTED = {"Accept": f"{MANIFEST}, {INDEX}, {DOCKER_MANIFEST}, {DOCKER_INDEX}"}
_OCTETS = {"Content-Type": "application/octet-stream"}
_PUSH = "pull,push"
_FOUND_OR_NOT = frozenset({200, 404})


@dataclass
class Sent:
    """What a push did, in bytes: sent over the wire, and left out because the registry had it (or was to be asked)."""

    sent: int = 0
    skipped: int = 0
    missing: list[Descriptor] = field(default_factory=list)


class Repository:
    """A repository of a registry; close it, or use it as a context."""

    def __init__(self, reference: Reference, *, plain: bool = False, login: Login | None = None) -> None:
        self.reference = reference
        self._connection = Connection(reference, plain=plain, login=login)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def has(self, digest: str) -> bool:
        """Tell whether the repository has a blob."""
        answer = self._connection.patiently("HEAD", f"blobs/{digest}", scope=_PUSH, expected=_FOUND_OR_NOT)
        return answer.status == 200  # noqa: PLR2004 - HTTP's

    def manifest(self, name: str, *, scope: str = "pull") -> Blob | None:
        """Return the manifest of a tag or digest, verified in the latter case; None where there is none."""
        answer = self._connection.patiently(
            "GET", f"manifests/{name}", headers=_ACCEPTED, scope=scope, expected=_FOUND_OR_NOT
        )
        if answer.status != 200:  # noqa: PLR2004 - HTTP's
            return None
        content = answer.data
        told = answer.headers.get("Docker-Content-Digest", "")
        expected = name if name.startswith("sha256:") else told
        if len(content) > LARGEST_DOCUMENT or (expected.startswith("sha256:") and digest_of(content) != expected):
            raise OciError(
                f"The registry sent another manifest of {self.reference} than its digest says.",
                mend="It is damaged there: push the image again.",
            )
        return Blob.of(answer.headers.get("Content-Type", "").partition(";")[0], content)

    def content(self, folder: Path, stack: ExitStack) -> OciImage | Artifact:
        """Return the image or artifact of the reference; each blob is fetched when it is first opened.

        It then lies in ``folder``, without a name, verified. Raises OciError.
        """
        where, wanted = str(self.reference), self.reference.digest or self.reference.tag
        manifest = self._required(wanted)
        document = json_object(manifest.read(), f"The manifest of {where}")
        if is_index(manifest.descriptor.media_type, document):
            manifest = self._required(chosen_manifest(document, where).digest)
        return content_of(manifest, lambda each: self.blob(each, folder, stack), where)

    def blob(self, wanted: Descriptor, folder: Path, stack: ExitStack) -> Blob:
        """Return a blob that is fetched and verified when it is opened, once for as long as the stack."""
        fetched: list[Blob] = []

        def opened() -> BinaryIO:
            if not fetched:
                descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
                stack.callback(os.close, descriptor)
                fetch_blob(self._connection, wanted, descriptor)
                fetched.append(file_blob(wanted.media_type, wanted.digest, descriptor, 0, wanted.size))
            return fetched[0].opened()

        return Blob(wanted, opened, lambda out, progress: fetch_blob(self._connection, wanted, out, progress))

    def push_blob(self, blob: Blob, told: Sent, *, source: str = "", progress: Progress | None = None) -> None:
        """Send a blob unless it is there; ``source`` is another repository that may have it. Raises OciError."""
        wanted = blob.descriptor
        if self.has(wanted.digest):
            told.skipped += wanted.size
            return
        upload = self._begun(wanted, source)
        if not upload:
            told.skipped += wanted.size
            return
        with blob.opened() as content:
            at, failures = 0, 0
            while at < wanted.size:
                content.seek(at)
                piece = content.read(PIECE)
                headers = {**_OCTETS, "Content-Range": f"{at}-{at + len(piece) - 1}"}
                try:
                    answer = self._connection.ask(
                        "PATCH", upload, headers=headers, body=piece, scope=_PUSH, expected=frozenset({202})
                    )
                except CutError:
                    told.sent += len(piece)
                    failures += 1
                    if failures >= ATTEMPTS:
                        raise
                    pause(failures)
                    upload, at = self._resumed(upload, wanted)
                    continue
                told.sent += len(piece)
                failures, at = 0, at + len(piece)
                upload = self._located(answer.headers.get("Location", ""), upload)
                if progress:
                    progress(at, wanted.size)
        self._finish(upload, wanted)

    def _finish(self, upload: str, wanted: Descriptor) -> None:
        """Close an upload; an answer that was lost on the way is one where the blob is there."""
        place = f"{upload}{'&' if '?' in upload else '?'}digest={wanted.digest}"
        try:
            self._connection.ask("PUT", place, headers=_OCTETS, scope=_PUSH, expected=frozenset({201, 204}))
        except CutError:
            if not self.has(wanted.digest):
                raise

    def push_manifest(self, manifest: Blob, name: str) -> bool:
        """Put a manifest under a tag or its digest; return whether the registry keeps its referrers by itself."""
        content = manifest.read()
        answer = self._connection.patiently(
            "PUT",
            f"manifests/{name}",
            headers={"Content-Type": manifest.descriptor.media_type},
            body=content,
            scope=_PUSH,
            expected=frozenset({200, 201}),
        )
        return bool(answer.headers.get("OCI-Subject"))

    def referrers(self, digest: str, artifact_type: str = "") -> list[Descriptor]:
        """Return what refers to a manifest: as the registry knows, or by the tag that stands in (``sha256-…``)."""
        answer = self._connection.patiently(
            "GET", f"referrers/{digest}", headers={"Accept": INDEX}, expected=frozenset({200, 400, 404, 405})
        )
        index = answer.data if answer.status == 200 else self._fallback(digest)  # noqa: PLR2004 - HTTP's
        document = json_object(index, f"The referrers of {digest}") if index else {}
        found = [Descriptor.read(each, f"The referrers of {digest}") for each in document.get("manifests") or ()]
        return [each for each in found if artifact_type in {"", each.artifact_type}]

    def refer(self, subject: str, manifest: Blob) -> None:
        """Push a manifest that has ``subject``, named in the tag's index where the registry keeps none."""
        if self.push_manifest(manifest, manifest.descriptor.digest):
            return
        listed = self.referrers(subject)
        document = json_object(manifest.read(), "The referring manifest")
        annotations = {str(key): str(said) for key, said in (document.get("annotations") or {}).items()}
        kind = str(document.get("artifactType") or "")
        referring = replace(manifest.descriptor, artifact_type=kind, annotations=annotations)
        entries = {each.digest: each for each in (*listed, referring)}
        if len(entries) == len(listed):
            return
        index = {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [each.as_json() for each in entries.values()],
        }
        self.push_manifest(Blob.of(INDEX, canonical(index)), fallback_tag(subject))

    def _fallback(self, digest: str) -> bytes:
        found = self.manifest(fallback_tag(digest))
        return found.read() if found else b""

    def _required(self, name: str) -> Blob:
        found = self.manifest(name)
        if found is None:
            raise OciError(
                f"The registry {self.reference.host} has no {self.reference.path} of the name {name}.",
                mend="Look at its name and tag.",
            )
        return found

    def _begun(self, wanted: Descriptor, source: str) -> str:
        """Begin an upload; return its URL, "" where the blob was mounted from the other repository."""
        query = f"?mount={wanted.digest}&from={source}" if source else ""
        scopes = (f"repository:{source}:pull",) if source else ()
        answer = self._connection.patiently(
            "POST",
            f"blobs/uploads/{query}",
            scope=_PUSH,
            more_scopes=scopes,
            expected=frozenset({201, 202}),
        )
        if answer.status == 201:  # noqa: PLR2004 - HTTP's
            return ""
        return self._located(answer.headers.get("Location", ""), "blobs/uploads/")

    def _resumed(self, upload: str, wanted: Descriptor) -> tuple[str, int]:
        """Ask how far an upload came; return where it goes on, and at which byte.

        A registry may have dropped it, as distribution's does whose last piece broke off: then it begins anew.
        """
        answer = self._connection.patiently("GET", upload, scope=_PUSH, expected=frozenset({204, 404}))
        if answer.status == 404:  # noqa: PLR2004 - HTTP's
            return self._begun(wanted, ""), 0
        last = answer.headers.get("Range", "").removeprefix("bytes=").rpartition("-")[2]
        at = int(last) + 1 if last.isdigit() and last != "0" else 0
        return self._located(answer.headers.get("Location", ""), upload), at

    def _located(self, location: str, before: str) -> str:
        return urljoin(urljoin(self._connection.base, before), location) if location else before


def fallback_tag(digest: str) -> str:
    """Return the tag under which the referrers of a manifest are where the registry has no API for them."""
    return digest.replace(":", "-", 1)
