"""The Recycle Bin's own API: retention rules, which say what it keeps of what is deleted in EC2, and for how long."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any

from goldsmith.aws.ec2.retention_rules import DAY, RULE
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import rbin
from goldsmith.aws.pagination import paginate
from goldsmith.aws.tags import parse_tags, require_room, show_tags
from goldsmith.aws.wire.times import iso
from goldsmith.catalog.resources import Query, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from goldsmith.aws.call import Call

KEPT_TYPES = ("EBS_SNAPSHOT", "EC2_IMAGE")
LONGEST = 365
"""Days for which AMIs and snapshots can be kept."""

LOCKED = "locked"
UNLOCKING = "pending_unlock"
UNLOCKED = "unlocked"


@rbin.operation(role="admin", deviation="Of volumes nothing is kept: a rule is for EBS_SNAPSHOT or EC2_IMAGE.")
def create_rule(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Make a rule, for all of the region or for what has one of some tags."""
    if parameters["ResourceType"] not in KEPT_TYPES:
        raise _invalid(f"ResourceType is one of {', '.join(KEPT_TYPES)}; volumes are not kept here.")
    document = {"ResourceType": parameters["ResourceType"], "Status": "available", **_asked(parameters)}
    _require_sense(document)
    inner: dict[str, Any] = {"lock": LOCKED} if parameters.get("LockConfiguration") else {}
    if inner:
        document["LockConfiguration"] = parameters["LockConfiguration"]
        _require_lockable(document)
    identifier = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(11))
    tags = parse_tags(parameters.get("Tags") or ())
    rule = Resource(identifier, RULE, call.account.id, call.region, "", "available", call.now, document, inner)
    call.catalog.add(rule, tags)
    return {**_show(call, rule), "Tags": show_tags(tags)}


@rbin.operation()
def get_rule(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Show a rule."""
    return _show(call, _rule(call, parameters["Identifier"]))


@rbin.operation()
def list_rules(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List the rules of a resource type, with the tags and in the lock state asked for."""

    def rules(after: Any) -> Iterator[Resource]:
        for rule in call.catalog.find(Query(RULE, owners=(call.account.id,)), after=after or 0):
            if _is_asked_for(call, rule, parameters):
                yield rule

    page, more = paginate(call, parameters, rules, lambda rule: rule.position)
    shown = ("Identifier", "Description", "RetentionPeriod", "LockState", "RuleArn")
    items = [_show(call, rule) for rule in page]
    return {"Rules": [{name: item[name] for name in shown if name in item} for item in items], **more}


@rbin.operation(role="admin")
def update_rule(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Change what a rule that is not locked keeps, and for how long."""
    rule = _unlocked(call, parameters["Identifier"])
    if parameters.get("ResourceType") not in {None, rule.document["ResourceType"]}:
        raise _invalid("A rule's resource type cannot be changed.")
    changed = rule.having(**_asked(parameters))
    _require_sense(changed.document)
    call.catalog.save(changed)
    return _show(call, changed)


@rbin.operation(role="admin")
def delete_rule(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Delete a rule that is not locked; what it has kept stays in the bin for its time."""
    call.catalog.remove(_unlocked(call, parameters["Identifier"]))
    return {}


@rbin.operation(role="admin")
def lock_rule(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Lock a rule of the whole region: it can be neither changed nor deleted."""
    rule = _rule(call, parameters["Identifier"])
    if _lock_state(call, rule) == LOCKED:
        raise AwsError("ConflictException", f"The rule {rule.id} is locked already.", Reason="INVALID_RULE_STATE")
    _require_lockable(rule.document)
    locked = rule.having(LockConfiguration=parameters["LockConfiguration"]).knowing(lock=LOCKED, unlocks=None)
    call.catalog.save(locked)
    return _show(call, locked)


@rbin.operation(role="admin")
def unlock_rule(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Unlock a rule; it can be changed when its delay is over."""
    rule = _rule(call, parameters["Identifier"])
    if _lock_state(call, rule) != LOCKED:
        raise AwsError("ConflictException", f"The rule {rule.id} is not locked.", Reason="INVALID_RULE_STATE")
    days = int(rule.document["LockConfiguration"]["UnlockDelay"]["UnlockDelayValue"])
    unlocking = rule.knowing(lock=UNLOCKING, unlocks=call.now + days * DAY)
    call.catalog.save(unlocking)
    return _show(call, unlocking)


@rbin.operation(role="admin")
def tag_resource(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Put tags on a rule."""
    rule, tags = _by_arn(call, parameters["ResourceArn"]), parse_tags(parameters["Tags"])
    require_room({**call.catalog.tags(rule), **tags})
    call.catalog.tag(rule, tags)
    return {}


@rbin.operation(role="admin")
def untag_resource(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """Take tags off a rule."""
    call.catalog.untag(_by_arn(call, parameters["ResourceArn"]), parameters["TagKeys"])
    return {}


@rbin.operation()
def list_tags_for_resource(call: Call, parameters: dict[str, Any]) -> dict[str, Any]:
    """List a rule's tags."""
    return {"Tags": show_tags(call.catalog.tags(_by_arn(call, parameters["ResourceArn"])))}


def _asked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a request says of a rule."""
    names = ("RetentionPeriod", "Description", "ResourceTags", "ExcludeResourceTags")
    return {name: parameters[name] for name in names if parameters.get(name) is not None}


def _require_sense(document: Mapping[str, Any]) -> None:
    days = int(document["RetentionPeriod"]["RetentionPeriodValue"])
    if days > LONGEST:
        raise _invalid(f"RetentionPeriodValue {days} is more than {LONGEST} days.")
    if document.get("ResourceTags") and document.get("ExcludeResourceTags"):
        raise _invalid("A rule by tag has no ExcludeResourceTags; they are for rules of the whole region.")


def _require_lockable(document: Mapping[str, Any]) -> None:
    if document.get("ResourceTags") or document.get("ExcludeResourceTags"):
        raise _invalid("Only a rule of the whole region without ExcludeResourceTags can be locked.")


def _is_asked_for(call: Call, rule: Resource, parameters: Mapping[str, Any]) -> bool:
    if rule.document["ResourceType"] != parameters["ResourceType"]:
        return False
    if parameters.get("LockState") not in {None, _lock_state(call, rule)}:
        return False
    return all(
        not parameters.get(member) or any(each in (rule.document.get(member) or ()) for each in parameters[member])
        for member in ("ResourceTags", "ExcludeResourceTags")
    )


def _rule(call: Call, identifier: str) -> Resource:
    rule = call.catalog.own(RULE, identifier)
    if rule is None:
        raise AwsError("ResourceNotFoundException", f"There is no rule {identifier[:50]}.", Reason="RULE_NOT_FOUND")
    return rule


def _by_arn(call: Call, arn: str) -> Resource:
    return _rule(call, arn.rpartition("rule/")[2])


def _unlocked(call: Call, identifier: str) -> Resource:
    """Return a rule that may be changed. Raises AwsError for one that is locked."""
    rule = _rule(call, identifier)
    if _lock_state(call, rule) in {LOCKED, UNLOCKING}:
        raise AwsError("ConflictException", f"The rule {rule.id} is locked.", Reason="INVALID_RULE_STATE")
    return rule


def _lock_state(call: Call, rule: Resource) -> str:
    """Return a rule's lock state, empty for one that was never locked."""
    state = str(rule.inner.get("lock", ""))
    return UNLOCKED if state == UNLOCKING and float(rule.inner["unlocks"]) <= call.now else state


def _show(call: Call, rule: Resource) -> dict[str, Any]:
    item = {
        **rule.document,
        "Identifier": rule.id,
        "RuleArn": f"arn:aws:rbin:{rule.region}:{rule.account}:rule/{rule.id}",
    }
    if state := _lock_state(call, rule):
        item["LockState"] = state
    if state == UNLOCKING:
        item["LockEndTime"] = iso(rule.inner["unlocks"])
    return item


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message, Reason="INVALID_PARAMETER_VALUE")
