"""Key pairs: making, importing, listing and forgetting them. A private half is shown once and kept nowhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.describing import Listing, describe
from goldsmith.aws.ec2.ids import missing
from goldsmith.aws.ec2.key_material import make_key, read_public_key
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import ec2
from goldsmith.aws.tags import parse_specifications, show_tags
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Resource, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from goldsmith.aws.call import Call
    from goldsmith.aws.ec2.key_material import KeyMaterial

KIND = "key-pair"
NAME = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
FILTERS = {"fingerprint": "KeyFingerprint", "key-name": "KeyName", "key-pair-id": "KeyPairId"}


def show_pairs(call: Call, pairs: Sequence[Resource]) -> list[dict[str, Any]]:
    """Return key pairs as DescribeKeyPairs shows them, with public keys and without tags."""
    return [
        {
            **pair.document,
            "KeyPairId": pair.id,
            "KeyName": pair.name,
            "CreateTime": iso(pair.created),
            "PublicKey": pair.inner["public_key"],
        }
        for pair in pairs
    ]


LISTING = Listing(KIND, "KeyPairIds", FILTERS, show_pairs, {"key-name": "names", "key-pair-id": "ids"})


@ec2.operation()
def describe_key_pairs(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the caller's key pairs; with IncludePublicKey their public keys too."""
    ids = list(parameters.get("KeyPairIds") or ())
    for name in parameters.get("KeyNames") or ():
        found = call.catalog.named(KIND, name)
        if found is None:
            raise missing(KIND, [name[:255]])
        ids.append(found.id)
    items, _ = describe(call, {**parameters, "KeyPairIds": ids}, LISTING)
    hidden = () if parameters.get("IncludePublicKey") else ("PublicKey",)
    shown = [{name: value for name, value in item.items() if name not in hidden} for item in items]
    return {"KeyPairs": [{"Tags": [], **item} for item in shown]}


@ec2.operation(role="launcher")
def create_key_pair(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a key pair and show its private half."""
    tags, name = _tags(parameters), _require_name(call, parameters["KeyName"])
    kind, key_format = parameters.get("KeyType") or "rsa", parameters.get("KeyFormat") or "pem"
    material, private = make_key(kind, key_format, name)
    pair = _add(call, name, material, tags)
    return {
        "KeyName": name,
        "KeyPairId": pair.id,
        "KeyFingerprint": material.fingerprint,
        "KeyMaterial": private,
        "Tags": show_tags(tags),
    }


@ec2.operation(role="launcher")
def import_key_pair(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Keep a public key that the caller has the private half of."""
    tags, name = _tags(parameters), _require_name(call, parameters["KeyName"])
    material = read_public_key(parameters["PublicKeyMaterial"])
    pair = _add(call, name, material, tags)
    return {
        "KeyName": name,
        "KeyPairId": pair.id,
        "KeyFingerprint": material.fingerprint,
        "Tags": show_tags(tags),
    }


@ec2.operation(role="launcher")
def delete_key_pair(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Forget a key pair; one that is not there is forgotten already."""
    name, identifier = parameters.get("KeyName"), parameters.get("KeyPairId")
    if not (name or identifier):
        raise AwsError("MissingParameter", "The request must contain the parameter KeyName or KeyPairId")
    pair = call.catalog.named(KIND, name) if name else call.catalog.own(KIND, str(identifier))
    if pair is None:
        return {"Return": True}
    call.catalog.remove(pair)
    return {"Return": True, "KeyPairId": pair.id}


def _tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    return parse_specifications(parameters.get("TagSpecifications"), (KIND,)).get(KIND, {})


def _require_name(call: Call, name: str) -> str:
    if not NAME.fullmatch(name):
        raise AwsError(
            "InvalidParameterValue",
            "Value for parameter KeyName is invalid: up to 255 ASCII characters, without spaces at its ends.",
        )
    if call.catalog.named(KIND, name):
        raise AwsError("InvalidKeyPair.Duplicate", f"The keypair '{name}' already exists.")
    return name


def _add(call: Call, name: str, material: KeyMaterial, tags: Mapping[str, str]) -> Resource:
    pair = Resource(
        new_id("key"),
        KIND,
        call.account.id,
        call.region,
        name,
        "",
        call.now,
        {"KeyFingerprint": material.fingerprint, "KeyType": material.kind},
        {"public_key": f"{material.public_key} {name}"},
    )
    return call.catalog.add(pair, tags)
