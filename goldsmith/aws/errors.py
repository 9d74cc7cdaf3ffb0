"""Refusals in AWS's words: a code, a message, an HTTP status."""

from __future__ import annotations

from http import HTTPStatus

STATUSES = {
    "AuthFailure": HTTPStatus.UNAUTHORIZED,
    "UnauthorizedOperation": HTTPStatus.FORBIDDEN,
    "OptInRequired": HTTPStatus.UNAUTHORIZED,
    "SignatureDoesNotMatch": HTTPStatus.FORBIDDEN,
    "InvalidClientTokenId": HTTPStatus.FORBIDDEN,
    "IncompleteSignature": HTTPStatus.FORBIDDEN,
    "MissingAuthenticationToken": HTTPStatus.FORBIDDEN,
    "ExpiredToken": HTTPStatus.FORBIDDEN,
    "AccessDenied": HTTPStatus.FORBIDDEN,
    "AccessDeniedException": HTTPStatus.FORBIDDEN,
    "ResourceNotFoundException": HTTPStatus.NOT_FOUND,
    "NoSuchEntity": HTTPStatus.NOT_FOUND,
    "EntityAlreadyExists": HTTPStatus.CONFLICT,
    "ConflictException": HTTPStatus.CONFLICT,
    "DeleteConflict": HTTPStatus.CONFLICT,
    "ServiceQuotaExceededException": HTTPStatus.PAYMENT_REQUIRED,
    "DryRunOperation": HTTPStatus.PRECONDITION_FAILED,
    "DryRunOperationException": HTTPStatus.PRECONDITION_FAILED,
    "ForbiddenException": HTTPStatus.FORBIDDEN,
    "ServiceException": HTTPStatus.INTERNAL_SERVER_ERROR,
    "ServiceUnavailableException": HTTPStatus.SERVICE_UNAVAILABLE,
    "CallRateLimitExceededException": HTTPStatus.TOO_MANY_REQUESTS,
    "TooManyRequestsException": HTTPStatus.TOO_MANY_REQUESTS,
    "InternalError": HTTPStatus.INTERNAL_SERVER_ERROR,
    "InternalFailure": HTTPStatus.INTERNAL_SERVER_ERROR,
    "InternalServerException": HTTPStatus.INTERNAL_SERVER_ERROR,
    "InsufficientInstanceCapacity": HTTPStatus.INTERNAL_SERVER_ERROR,
    "UnknownOperation": HTTPStatus.NOT_IMPLEMENTED,
    "UnknownOperationException": HTTPStatus.NOT_IMPLEMENTED,
    "RequestEntityTooLarge": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
"""The status of each code that is not 400 (EC2 API reference, "Error codes"; the models' error traits)."""


class AwsError(Exception):
    """A refusal: ``code`` is what programs look at, ``message`` what people read, ``members`` what else it says."""

    def __init__(self, code: str, message: str, *, status: int | None = None, **members: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = int(status or STATUSES.get(code, HTTPStatus.BAD_REQUEST))
        self.members = members
