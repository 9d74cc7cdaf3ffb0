"""The operations that are answered here: each a function from its call and parameters to a result."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from botocore import xform_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldsmith.aws.call import Call
    from goldsmith.catalog.accounts import Role

    Parameters = dict[str, Any]
    Handler = Callable[[Call, Parameters], dict[str, Any] | None]

READING = ("describe_", "get_", "list_")


@dataclass(frozen=True)
class Answering:
    """An operation's function, the least role that may call it, and what of AWS's behaviour it leaves out.

    ``writes`` says that it changes the catalogue; ``locks`` false that it opens its transactions itself.
    """

    function: Handler
    role: Role
    writes: bool
    deviation: str = ""


@dataclass
class Registry:
    """The answered operations of one service, filled by the modules of its package."""

    service: str
    modules: tuple[str, ...]
    answering: dict[str, Answering] = field(default_factory=dict)
    _loaded: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def operation(
        self, *, role: Role | None = None, writes: bool | None = None, deviation: str = ""
    ) -> Callable[[Handler], Handler]:
        """Register a function under the operation of its name: describe_images answers DescribeImages.

        What describes, gets or lists needs the role reader and changes nothing, other operations the role builder,
        unless said otherwise. ``deviation`` is a sentence on what differs from AWS; it goes to docs/api-coverage.md.
        """

        def register(function: Handler) -> Handler:
            name = function.__name__
            reads = name.startswith(READING)
            self.answering[name] = Answering(
                function, role or ("reader" if reads else "builder"), not reads if writes is None else writes, deviation
            )
            return function

        return register

    def find(self, operation: str) -> Answering | None:
        """Return what answers an operation, by its name in the model."""
        with self._lock:
            if not self._loaded:
                for module in self.modules:
                    import_module(module)
                self._loaded = True
        return self.answering.get(xform_name(operation))


def _below(package: str, *modules: str) -> tuple[str, ...]:
    return tuple(f"goldsmith.aws.{package}.{module}" for module in modules)


ec2 = Registry(
    "ec2",
    _below(
        "ec2",
        "absent",
        "account_attributes",
        "allowed_images",
        "copies",
        "exports",
        "fast_launch",
        "fast_restores",
        "fleet_records",
        "fleets",
        "iam_associations",
        "image_ancestry",
        "image_attributes",
        "image_availability",
        "image_bundles",
        "image_creation",
        "image_deprecation",
        "image_findings",
        "image_instance_types",
        "image_permissions",
        "image_protection",
        "image_references",
        "image_registration",
        "image_usage",
        "image_watermarks",
        "images",
        "imports",
        "instance_attributes",
        "instance_console",
        "instance_image_metadata",
        "instance_states",
        "instance_status",
        "instance_type_descriptions",
        "instances",
        "key_pairs",
        "launch_template_data",
        "launch_template_versions",
        "launch_templates",
        "launching",
        "network_interfaces",
        "public_access",
        "recycle_bin",
        "regions",
        "routing",
        "security_group_permissions",
        "security_group_rules",
        "security_groups",
        "snapshot_locks",
        "snapshot_sharing",
        "snapshot_tiers",
        "snapshots",
        "subnets",
        "tagging",
        "volumes",
        "vpcs",
    ),
)
ebs = Registry("ebs", _below("ebs", "blocks", "uploads"))
sts = Registry("sts", ("goldsmith.aws.sts",))
iam = Registry("iam", _below("iam", "instance_profiles", "role_policies", "roles", "users"))
ssm = Registry("ssm", _below("ssm", "getting", "labels", "listing", "putting", "tagging"))
autoscaling = Registry(
    "autoscaling",
    _below(
        "autoscaling",
        "activities",
        "group_instances",
        "group_tags",
        "groups",
        "instance_refreshes",
        "look_ups",
        "processes",
    ),
)
rbin = Registry("rbin", ("goldsmith.aws.rbin",))
imagebuilder = Registry(
    "imagebuilder",
    _below(
        "imagebuilder",
        "distributing",
        "executions",
        "findings",
        "generic",
        "images",
        "importing_components",
        "importing_images",
        "lifecycle_executions",
        "marketplace",
        "packages",
        "policies",
        "state_updates",
        "tagging",
        "waiting_steps",
    ),
)

REGISTRIES = {registry.service: registry for registry in (ec2, ebs, sts, iam, ssm, autoscaling, rbin, imagebuilder)}

UNANSWERED: Counter[str] = Counter()
"""How often an operation was asked for that is not answered here: what to write next."""
