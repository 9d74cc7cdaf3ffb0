"""Security groups decide what is reachable: their ingress rules become ports of an instance's own address."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from goldsmith.aws.ec2.instances import LIVING
from goldsmith.aws.ec2.security_group_records import ingress_rules, rules_of
from goldsmith.catalog.resources import Query
from goldsmith.errors import GoldsmithError
from goldsmith.machines.instances.ingress import forwards_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldsmith.aws.cloud import Cloud
    from goldsmith.catalog.accounts import Account
    from goldsmith.catalog.catalog import Catalog
    from goldsmith.catalog.resources import Resource
    from goldsmith.machines.instances.spec import Forward

log = logging.getLogger(__name__)


def forwards_of(catalog: Catalog, instance: Resource) -> tuple[Forward, ...]:
    """Return the ports that an instance's security groups open, each on its own address."""
    rules = rules_of(catalog, instance.inner["groups"])
    ingress = [each for group in rules.values() for each in ingress_rules(group)]
    return forwards_for(ingress, first_port=_first_port()).forwards


def apply_groups(cloud: Cloud, account: Account | str, region: str, groups: Iterable[str]) -> None:
    """Open and close ports of the instances that are in any of ``groups``, after their rules changed."""
    changed = set(groups)
    with cloud.catalog(account, region, writes=False) as catalog:
        instances = [
            (instance.id, forwards_of(catalog, instance))
            for instance in catalog.find(Query("instance", states=LIVING, owners=(catalog.account.id,)))
            if instance.inner.get("made") and changed & set(instance.inner["groups"])
        ]
    for instance_id, forwards in instances:
        try:
            cloud.instances.set_forwards(instance_id, forwards)
        except GoldsmithError as failed:
            log.warning("The ports of %s could not be changed: %s", instance_id, failed)


def _first_port() -> int:
    """Return the first port that this user may listen on."""
    return 1 if os.geteuid() == 0 else int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
