"""From a request to its answer: who, what, may they, is it right, do it, say it in the protocol's words."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from goldsmith.aws.call import Call
from goldsmith.aws.characters import require_characters
from goldsmith.aws.errors import AwsError
from goldsmith.aws.models import QUERY_VERSIONS, REST, SERVICES, TARGETS, Operation, find_operation
from goldsmith.aws.operations import REGISTRIES, UNANSWERED
from goldsmith.aws.refusing import render_refusal
from goldsmith.aws.request import WireAnswer
from goldsmith.aws.signature import Verifier, find_scope
from goldsmith.aws.validation import validate
from goldsmith.aws.wire import json as wire_json
from goldsmith.aws.wire import query as wire_query
from goldsmith.aws.wire import xml as wire_xml
from goldsmith.catalog.accounts import ROLES, find_credential
from goldsmith.catalog.catalog import Catalog
from goldsmith.catalog.tables import TOKENS
from goldsmith.errors import GoldsmithError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from goldsmith.aws.cloud import Cloud
    from goldsmith.aws.operations import Answering
    from goldsmith.aws.request import WireRequest
    from goldsmith.aws.signature import Scope
    from goldsmith.catalog.accounts import Credential

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """What a request asks: the operation, and how to read its parameters."""

    service: str
    operation: Operation | None
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Dispatcher:
    """Answers requests on one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._verifier = Verifier(self._find_credential, cloud.clock)

    def answer(self, request: WireRequest) -> WireAnswer:
        """Answer a request from the wire; whatever goes wrong becomes the protocol's error document."""
        request_id = str(uuid.uuid4())
        service = "ec2"
        try:
            scope = find_scope(request)
            service = _service(request, scope.service if scope else "")
            return self._answer(request, scope, service, request_id)
        except AwsError as error:
            return render_refusal(error, service, request_id)
        except GoldsmithError as error:
            log.warning("Request %s was refused: %s", request_id, error)
            return render_refusal(AwsError("InternalError", str(error)), service, request_id)
        except Exception:
            log.exception("Request %s failed", request_id)
            said = f"An internal error has occurred; the server's log has it under {request_id}."
            return render_refusal(AwsError("InternalError", said), service, request_id)

    def refuse(self, request: WireRequest, error: AwsError) -> WireAnswer:
        """Refuse a request that was not read whole, in the words of the service that it seems to be for."""
        service = "ec2"
        with suppress(AwsError):
            scope = find_scope(request)
            service = _service(request, scope.service if scope else "")
        return render_refusal(error, service, str(uuid.uuid4()))

    def _answer(self, request: WireRequest, scope: Scope | None, service: str, request_id: str) -> WireAnswer:
        if scope is None:
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token")
        caller = self._verifier.verify(request, scope)
        if scope.service != service and not _named_service(request):
            UNANSWERED[f"{scope.service[:64]}:*"] += 1
            raise AwsError(
                "UnknownOperation",
                f"Goldsmith does not answer the service {scope.service[:64]}; docs/api-coverage.md lists what it does.",
            )
        if scope.service != service:
            raise AwsError("SignatureDoesNotMatch", f"Credential should be scoped to correct service: '{service}'.")
        asked = _asked(request, service)
        if asked.operation is None:
            raise AwsError("InvalidAction", f"The action {asked.name} is not valid for this web service.")
        parameters = _parameters(request, asked)
        result = self.call(caller, scope.region, asked.operation, parameters, request_id)
        return _render(asked.operation, result, request_id)

    def call(
        self, caller: Credential, region: str, operation: Operation, parameters: dict[str, Any], request_id: str = ""
    ) -> dict[str, Any]:
        """Run one operation for a caller whose identity is known. Raises AwsError."""
        answering = REGISTRIES[operation.service].find(operation.name)
        if answering is None:
            UNANSWERED[f"{operation.service}:{operation.name}"] += 1
            code = "UnknownOperation" if operation.protocol in {"ec2", "query"} else "UnknownOperationException"
            raise AwsError(
                code, f"Goldsmith does not answer {operation.name}; docs/api-coverage.md lists what it does."
            )
        if region not in self.cloud.settings.regions:
            region = self._global_region(operation, region)
        require_characters(operation, parameters)
        validate(operation, parameters)
        self._authorise(caller, operation, answering)
        dry = bool(parameters.pop("DryRun", False)) | bool(parameters.pop("dryRun", False))
        opened = self.cloud.database.writing() if answering.writes else self.cloud.database.reading()
        jobs = []
        try:
            with opened as connection:
                catalog = Catalog(connection, caller.account, region)
                call = Call(operation, caller, region, self.cloud, catalog, request_id, self.cloud.clock())
                result = self._once(connection, call, answering, parameters)
                if dry:
                    raise _dry_run(operation)
                jobs = call.jobs
        except IntegrityError as clash:
            raise AwsError(
                "RequestLimitExceeded", "Another request changed the same; try again.", status=503
            ) from clash
        for job in jobs:
            self.cloud.submit(job)
        return _echo(operation, parameters, request_id) | result

    def _once(
        self, connection: Connection, call: Call, answering: Answering, parameters: dict[str, Any]
    ) -> dict[str, Any]:
        """Run the handler, or repeat its answer to the same client token."""
        token = parameters.get(call.operation.token_member) if call.operation.token_member else None
        if not token or not answering.writes:
            return answering.function(call, parameters) or {}
        asked = {name: value for name, value in parameters.items() if name != call.operation.token_member}
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
        key = {"account": call.account.id, "region": call.region, "operation": call.operation.name, "token": token}
        seen = connection.execute(select(TOKENS).filter_by(**key)).first()
        if seen is None:
            result = answering.function(call, parameters) or {}
            connection.execute(insert(TOKENS).values(**key, digest=digest, answer=result, created=call.now))
            return result
        if seen.digest != digest:
            if call.operation.service == "imagebuilder":
                raise AwsError(
                    "IdempotentParameterMismatchException",
                    "The client token was used before in a request with other parameters.",
                )
            if call.operation.protocol == "rest-json":
                raise AwsError("ConflictException", "The client token was used before with other parameters.")
            raise AwsError(
                "IdempotentParameterMismatch",
                "The client token you have provided has already been used with another request with different "
                "parameters.",
            )
        answer: dict[str, Any] = seen.answer
        return answer

    def _authorise(self, caller: Credential, operation: Operation, answering: Answering) -> None:
        if ROLES.index(caller.role) >= ROLES.index(answering.role):
            return
        message = (
            f"You are not authorized to perform this operation. User: {caller.arn} is not authorized to perform: "
            f"{operation.service}:{operation.name}; it takes the role {answering.role}, and this key has {caller.role}."
        )
        if operation.protocol == "ec2":
            raise AwsError("UnauthorizedOperation", message)
        raise AwsError("AccessDenied" if operation.protocol == "query" else "AccessDeniedException", message)

    def _global_region(self, operation: Operation, region: str) -> str:
        """Global services are called in any region; the others only where there is one."""
        if operation.service in {"sts", "iam"}:
            return self.cloud.settings.default_region
        known = ", ".join(self.cloud.settings.regions)
        raise AwsError("AuthFailure", f"There is no region {region[:64]} here. There are: {known}.")

    def _find_credential(self, key_id: str, token: str) -> Credential | None:
        if not key_id.isalnum():
            return None
        with self.cloud.database.reading() as connection:
            return find_credential(connection, self.cloud.vault, key_id, token)


def _dry_run(operation: Operation) -> AwsError:
    """Return the refusal that says that a request would have succeeded."""
    if operation.service == "imagebuilder":
        return AwsError("DryRunOperationException", "Request would have succeeded, but dryRun flag is set.")
    return AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")


def _echo(operation: Operation, parameters: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    """Return what Image Builder's answers repeat of the request, where the model has it."""
    members = operation.model.output_shape.members if operation.model.output_shape else {}
    said = {"requestId": request_id or str(uuid.uuid4()), "clientToken": parameters.get("clientToken")}
    return {name: value for name, value in said.items() if name in members and value}


def _service(request: WireRequest, scoped: str) -> str:
    """Tell which service a request is for: by its signature's scope, else by the request's own form.

    One that is for none of ours is told so in JSON where it is in JSON, and else in XML.
    """
    if scoped in SERVICES:
        return scoped
    return _named_service(request) or ("ssm" if "x-amz-target" in request.headers else "ec2")


def _named_service(request: WireRequest) -> str:
    """Tell which of our services a request's own form is of, "" for none."""
    target = request.headers.get("x-amz-target", "").partition(".")[0]
    if target in TARGETS:
        return TARGETS[target]
    if request.path.startswith("/snapshots"):
        return "ebs"
    return QUERY_VERSIONS.get(request.form.get("Version", ""), "")


def _asked(request: WireRequest, service: str) -> Asked:
    if service in REST:
        found = wire_json.find_rest_operation(service, request.method, request.path)
        if found is None:
            return Asked(service, None, f"{request.method} {request.path[:200]}")
        return Asked(service, found[0], found[0].name, found[1])
    if service == "ssm":
        name = request.headers.get("x-amz-target", "").partition(".")[2]
        return Asked(service, find_operation(service, name), name[:200])
    if request.method not in {"GET", "POST"} or request.path != "/":
        raise AwsError("InvalidAction", f"There is nothing at {request.method} {request.path[:200]}.")
    name = request.form.get("Action", "")
    if not name:
        raise AwsError("MissingAction", "The request is missing an action or a required parameter.")
    return Asked(service, find_operation(service, name), re.sub(r"[^\x20-\x7e]", "?", name[:200]))


def _parameters(request: WireRequest, asked: Asked) -> dict[str, Any]:
    operation = asked.operation
    if operation is None:
        return {}
    if operation.protocol == "rest-json":
        fields = wire_query.parse_form(request.query)
        return wire_json.parse_rest(operation.model, asked.labels, fields, request.headers, request.body)
    if operation.protocol == "json":
        return wire_json.parse_rpc(operation.model, request.body)
    return wire_query.parse_parameters(operation.model, request.form)


def _render(operation: Operation, result: dict[str, Any], request_id: str) -> WireAnswer:
    headers = {"x-amzn-RequestId": request_id}
    if operation.protocol == "rest-json":
        answer = wire_json.render_rest(operation, result)
        return WireAnswer(answer.status, answer.body, {"Content-Type": "application/json", **answer.headers, **headers})
    if operation.protocol == "json":
        body = wire_json.render_rpc(operation, result)
        return WireAnswer(200, body, {**headers, "Content-Type": "application/x-amz-json-1.1"})
    body = wire_xml.render_answer(operation, result, request_id)
    return WireAnswer(200, body, {**headers, "Content-Type": "text/xml;charset=UTF-8"})
