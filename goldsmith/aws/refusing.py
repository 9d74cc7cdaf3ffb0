"""Refusals over the wire: the error document of each service's protocol, in the codes that its clients know."""

from __future__ import annotations

import json
from http import HTTPStatus

from goldsmith.aws.errors import AwsError
from goldsmith.aws.models import REST
from goldsmith.aws.request import WireAnswer
from goldsmith.aws.wire import xml as wire_xml

EC2_AUTH = "AWS was not able to validate the provided access credentials"


def render_refusal(error: AwsError, service: str, request_id: str) -> WireAnswer:
    """Return an error document in the words of a service's protocol."""
    headers = {"x-amzn-RequestId": request_id}
    if service in REST:
        error = _for_image_builder(error) if service == "imagebuilder" else _for_json(error)
        body = json.dumps({"Message": error.message, "message": error.message, **error.members})
        return WireAnswer(
            error.status,
            body.encode(),
            {**headers, "X-Amzn-Errortype": error.code, "Content-Type": "application/json"},
        )
    if service == "ssm":
        error = _for_json(error)
        body = json.dumps({"__type": error.code, "message": error.message})
        return WireAnswer(error.status, body.encode(), {**headers, "Content-Type": "application/x-amz-json-1.1"})
    if service == "ec2" and error.code in {
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "MissingAuthenticationToken",
        "IncompleteSignature",
        "ExpiredToken",
    }:
        error = AwsError("AuthFailure", error.message if error.code == "ExpiredToken" else EC2_AUTH)
    body_xml = wire_xml.render_error(error, request_id, ec2=service == "ec2")
    return WireAnswer(error.status, body_xml, {**headers, "Content-Type": "text/xml;charset=UTF-8"})


def _for_json(error: AwsError) -> AwsError:
    """Name a refusal as the JSON services do."""
    renamed = {
        "SignatureDoesNotMatch": "InvalidSignatureException",
        "IncompleteSignature": "IncompleteSignatureException",
        "InvalidClientTokenId": "UnrecognizedClientException",
        "MissingAuthenticationToken": "MissingAuthenticationTokenException",
        "ExpiredToken": "ExpiredTokenException",
        "RequestExpired": "InvalidSignatureException",
        "InvalidAction": "UnknownOperationException",
        "InternalError": "InternalServerException",
        "InvalidParameterValue": "ValidationException",
        "MalformedQueryString": "ValidationException",
    }
    if error.code not in renamed:
        return error
    return AwsError(renamed[error.code], error.message, status=error.status, **error.members)


def _for_image_builder(error: AwsError) -> AwsError:
    """Name a refusal of the parts that all services share as Image Builder does (its model's errors)."""
    if error.code == "InvalidAction":
        return AwsError("UnknownOperationException", error.message, status=HTTPStatus.NOT_FOUND)
    error = _for_json(error)
    renamed = {
        "SerializationException": "InvalidRequestException",
        "InvalidNextToken": "InvalidPaginationTokenException",
        "ValidationException": "InvalidRequestException",
        "InternalServerException": "ServiceException",
        "RequestLimitExceeded": "ServiceUnavailableException",
    }
    return AwsError(renamed.get(error.code, error.code), error.message, status=error.status)
