"""S3Download: objects of a bucket to files (4.5)."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from goldsmith.executor import guest_files
from goldsmith.executor.aws import aws_errors
from goldsmith.executor.failures import ActionError
from goldsmith.executor.intake import forbid_folder, receive
from goldsmith.executor.s3 import S3Address, owner_argument, s3_address

if TYPE_CHECKING:
    from goldsmith.executor.attempt import Attempt
    from goldsmith.executor.inputs import Inputs

MOST_OBJECTS = 1000

EXISTS = (
    'Error: S3Download: File already exists and "overwrite" property for "destination" file is set to false. '
    "Cannot download."
)


def s3_download(inputs: Inputs, attempt: Attempt) -> dict[str, str]:
    """Download one object to a file, or those below ``prefix/*`` to a folder; the folders must exist."""
    address = s3_address(inputs.text("source"))
    destination = guest_files.absolute(attempt, inputs.text("destination"))
    owner = owner_argument(inputs.optional("expectedBucketOwner"))
    overwrite = inputs.flag("overwrite", default=True)
    with aws_errors(f"Could not download {address}"):
        client = attempt.execution.services.client("s3")
        if "*" in address.key:
            guest_files.require(attempt, destination, "folder")
            targets = _below(client, address, destination, owner)
        else:
            targets = [(address.key, _file(attempt, destination))]
        for key, path in targets:
            _download(attempt, client, S3Address(address.bucket, key), path, owner, overwrite=overwrite)
    return {}


def _file(attempt: Attempt, destination: str) -> str:
    if destination.endswith("/"):
        raise ActionError(f"The destination {destination} names no file.", mend="End it with the file's name.")
    forbid_folder(destination, guest_files.kind(attempt, destination))
    guest_files.require(attempt, posixpath.dirname(destination), "folder")
    return destination


def _below(client: Any, address: S3Address, destination: str, owner: dict[str, str]) -> list[tuple[str, str]]:
    prefix, star, rest = address.key.partition("*")
    if not star or rest:
        raise ActionError(f"{address}: the wildcard * may only stand at the end.")
    keys: list[str] = []
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=address.bucket, Prefix=prefix, **owner):
        keys += [entry["Key"] for entry in page.get("Contents", ()) if not entry["Key"].endswith("/")]
        if len(keys) > MOST_OBJECTS:
            raise ActionError(f"{address} means more than {MOST_OBJECTS} objects.", mend="Use a longer prefix.")
    if not keys:
        raise ActionError(f"There is no object at {address}.")
    base = prefix.rpartition("/")[0]
    return [(key, posixpath.join(destination, _inner(key, base))) for key in keys]


def _inner(key: str, base: str) -> str:
    inner = key.removeprefix(base).lstrip("/")
    if ".." in inner.split("/"):
        raise ActionError(f"The object {key} has .. in its name and would leave the destination.")
    return inner


def _download(
    attempt: Attempt, client: Any, address: S3Address, path: str, owner: dict[str, str], *, overwrite: bool
) -> None:
    if not overwrite and guest_files.exists(attempt, path):
        raise ActionError(EXISTS)
    with aws_errors(f"Could not download {address}"):
        body = client.get_object(Bucket=address.bucket, Key=address.key, **owner)["Body"]
        guest_files.make_parents(attempt, path)
        receive(attempt, body, path)
    attempt.say(f"S3Download: {address} was downloaded to {path}")
