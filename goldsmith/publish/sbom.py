"""An image's packages as a CycloneDX document, the same whenever the image is (CycloneDX 1.6, ECMA-424)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldsmith.publish.source import Facts

CYCLONEDX = "application/vnd.cyclonedx+json"


def cyclonedx(facts: Facts, digest: str, *, container: bool) -> bytes:
    """Return the document of an image's packages; ``digest`` is the manifest that it is about (``sha256:…``)."""
    subject = Component(
        name=facts.name,
        version=facts.version or None,
        description=facts.description or None,
        type=ComponentType.CONTAINER if container else ComponentType.OPERATING_SYSTEM,
        bom_ref=digest,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest.partition(":")[2])],
    )
    bom = Bom(
        components=[_component(package, facts.distribution) for package in facts.packages],
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, digest),
        metadata=BomMetaData(component=subject, timestamp=_time(facts.created)),
    )
    bom.register_dependency(subject, bom.components)
    return str(JsonV1Dot6(bom).output_as_string()).encode()


def _component(package: Mapping[str, object], distribution: str) -> Component:
    name, version = str(package["name"]), str(package["version"])
    vendor, _, release = (distribution or "debian").partition("/")
    qualifiers = {"arch": str(package.get("architecture") or ""), "distro": f"{vendor}-{release}" if release else ""}
    purl = PackageURL("deb", vendor, name, version, {key: value for key, value in qualifiers.items() if value})
    licences = package.get("licences") or ()
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=[DisjunctiveLicense(name=str(each)) for each in licences if each]
        if isinstance(licences, (list, tuple))
        else None,
    )


def _time(created: str) -> datetime:
    """Return when the image was made; where nobody knows, the begin of 1970, which is the same every time."""
    try:
        return datetime.fromisoformat(created)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
