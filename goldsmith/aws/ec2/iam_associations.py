"""Which instance has which instance profile, and changing it while it runs."""

from __future__ import annotations

import hashlib
from functools import partial
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.ids import missing, owned, require_form
from goldsmith.aws.ec2.instance_jobs import push_metadata
from goldsmith.aws.ec2.instances import GONE
from goldsmith.aws.errors import AwsError
from goldsmith.aws.filters import Filters
from goldsmith.aws.iam.profiles import find_profile
from goldsmith.aws.operations import ec2
from goldsmith.aws.pagination import paginate
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goldsmith.aws.call import Call
    from goldsmith.catalog.resources import Resource

KIND = "iam-instance-profile-association"
MEMBER = "IamInstanceProfile"
FILTERS = {"instance-id": "InstanceId", "state": "State"}


@ec2.operation(role="launcher")
def associate_iam_instance_profile(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Give an instance a profile; its metadata has the role's credentials from then on."""
    instance = owned(call, "instance", parameters["InstanceId"])
    if instance.state in GONE:
        raise AwsError(
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is not in the 'running', 'pending', 'stopping' or 'stopped' state.",
        )
    if instance.document.get(MEMBER):
        raise AwsError("IncorrectState", f"There is an existing association for instance {instance.id}")
    return {"IamInstanceProfileAssociation": _show(_change(call, instance, _asked(call, parameters)))}


@ec2.operation(role="launcher")
def replace_iam_instance_profile_association(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Give an instance another profile in place of the one that it has."""
    instance = _find(call, parameters["AssociationId"])
    return {"IamInstanceProfileAssociation": _show(_change(call, instance, _asked(call, parameters)))}


@ec2.operation(role="launcher")
def disassociate_iam_instance_profile(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take its profile from an instance."""
    instance = _find(call, parameters["AssociationId"])
    shown = {**_show(instance), "State": "disassociating"}
    _change(call, instance, None)
    return {"IamInstanceProfileAssociation": shown}


@ec2.operation()
def describe_iam_instance_profile_associations(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the profiles of the caller's instances."""
    ids = parameters.get("AssociationIds") or ()
    require_form(KIND, *ids)
    filters = Filters(parameters.get("Filters"), FILTERS)
    found = [_show(instance) for instance in _having(call)]
    if gone := set(ids) - {each["AssociationId"] for each in found}:
        raise missing(KIND, sorted(gone))
    shown = [each for each in found if filters.match(each) and (not ids or each["AssociationId"] in ids)]

    def following(after: Any) -> Iterator[dict[str, Any]]:
        if after is None:
            return iter(shown)
        rest = dropwhile(lambda each: each["AssociationId"] != after, shown)
        next(rest, None)
        return rest

    page, more = paginate(call, parameters, following, lambda each: each["AssociationId"])
    return {"IamInstanceProfileAssociations": page, **more}


def _asked(call: Call, parameters: Mapping[str, Any]) -> dict[str, str]:
    profile = parameters[MEMBER]
    return find_profile(call, arn=profile.get("Arn"), name=profile.get("Name"))


def _change(call: Call, instance: Resource, profile: dict[str, str] | None) -> Resource:
    changed = instance.having(IamInstanceProfile=profile).knowing(profile_since=call.now)
    call.catalog.save(changed)
    call.later(partial(push_metadata, call.cloud, call.account, call.region, instance.id))
    return changed


def _having(call: Call) -> list[Resource]:
    instances = call.catalog.find(Query("instance", owners=(call.account.id,)))
    return [each for each in instances if each.state not in GONE and each.document.get(MEMBER)]


def _find(call: Call, association: str) -> Resource:
    require_form(KIND, association)
    for instance in _having(call):
        if _id(instance) == association:
            return instance
    raise missing(KIND, [association])


def _id(instance: Resource) -> str:
    """Return the id of an instance's association: another for each profile that it ever had."""
    text = f"{instance.id}\0{instance.document[MEMBER]['Id']}\0{instance.inner.get('profile_since', '')}"
    return f"iip-assoc-{hashlib.sha256(text.encode()).hexdigest()[:17]}"


def _show(instance: Resource) -> dict[str, Any]:
    return {
        "AssociationId": _id(instance),
        "InstanceId": instance.id,
        "IamInstanceProfile": instance.document[MEMBER],
        "State": "associated",
        "Timestamp": iso(instance.inner.get("profile_since", instance.created)),
    }
