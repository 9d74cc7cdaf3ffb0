"""The server: one Starlette application for all services, on one port."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from goldsmith.aws.dispatch import Dispatcher
from goldsmith.aws.errors import AwsError
from goldsmith.aws.operations import UNANSWERED
from goldsmith.aws.request import WireRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractContextManager

    from starlette.requests import Request

    from goldsmith.aws.cloud import Cloud

LARGEST_BODY = 2 << 20
"""Bytes of a body: a block is half a mebibyte, and the largest form a few hundred kilobytes."""

MOST_HEADERS = 100
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"]


def application(cloud: Cloud, *keepers: AbstractContextManager[object]) -> Starlette:
    """Return the ASGI application that serves ``cloud``, and has ``keepers`` look after it while it does."""
    dispatcher = Dispatcher(cloud)

    async def answer(request: Request) -> Response:
        body = await _read_body(request)
        wire = WireRequest(
            method=request.method,
            path=request.scope["raw_path"].decode("latin-1"),
            query=request.scope["query_string"].decode("latin-1"),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body or b"",
            host=request.client.host if request.client else "",
        )
        if body is None or len(request.headers) > MOST_HEADERS:
            refusal = AwsError(
                "RequestEntityTooLarge",
                f"A request has at most {LARGEST_BODY} bytes of body and {MOST_HEADERS} headers.",
            )
            answered = dispatcher.refuse(wire, refusal)
        else:
            answered = await run_in_threadpool(dispatcher.answer, wire)
        headers = {"Date": formatdate(usegmt=True), **answered.headers}
        return Response(answered.body, answered.status, headers)

    async def health(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def unanswered(_: Request) -> Response:
        lines = (
            f'goldsmith_unanswered_operations_total{{operation="{name}"}} {count}' for name, count in UNANSWERED.items()
        )
        return PlainTextResponse("".join(f"{line}\n" for line in lines))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        stack = ExitStack()
        try:
            for keeper in keepers:
                await run_in_threadpool(stack.enter_context, keeper)
            yield
        finally:
            await run_in_threadpool(stack.close)

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/-/health", health),
            Route("/-/metrics", unanswered),
            Route("/{path:path}", answer, methods=METHODS),
        ],
    )


async def _read_body(request: Request) -> bytes | None:
    """Return the body; None for one that is too long, of which no more is read."""
    parts: list[bytes] = []
    length = 0
    async for part in request.stream():
        length += len(part)
        if length > LARGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)
