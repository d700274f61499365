"""How a model server breaks an answer: each takes the request and does one thing wrong. Bodies as TGI writes them."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.fakes.openapi import Judge

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]
FRAME = {"id": "", "object": "chat.completion.chunk", "created": 1, "model": "tgi", "system_fingerprint": "x"}


def token(text: str, end: str | None = None) -> bytes:
    """One chunk as TGI writes it."""
    delta = {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}
    return f"data: {json.dumps({**FRAME, 'choices': [choice], 'usage': None})}\n\n".encode()


def says(*blocks: bytes, kind: str = "text/event-stream", **headers: str) -> Fault:
    """Answer 200 with these bytes, whatever they are."""

    async def fault(request: web.Request) -> web.StreamResponse:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return web.Response(body=b"".join(blocks), headers={"Content-Type": kind, **named})

    return fault


def refuses(status: int, error: str, error_type: str, **headers: str) -> Fault:
    """Answer with TGI's error body."""
    body = {"error": error, "error_type": error_type}
    assert not Judge("tgi").problems("ErrorResponse", body)

    async def fault(request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return fault


def tells(error: str) -> Fault:
    """Report an error inside a 200 stream as TGI does: always 422, and then [DONE]."""
    event = {"error": {"message": error, "http_status_code": 422}}
    return says(token("Refunds"), f"data: {json.dumps(event)}\n\n".encode(), b"data: [DONE]\n\n")


def repeats(block: bytes) -> Fault:
    """Never stop sending."""

    async def fault(request: web.Request) -> web.StreamResponse:
        response = await opened(request)
        while True:
            await response.write(block)
            await asyncio.sleep(0)

    return fault


def hangs(*blocks: bytes, headers: bool = True) -> Fault:
    """Send these and then nothing, without closing."""

    async def fault(request: web.Request) -> web.StreamResponse:
        response = await opened(request) if headers else None
        for block in blocks:
            await response.write(block)
        await asyncio.sleep(60)
        return response or web.Response()

    return fault


async def cuts_chunked(request: web.Request) -> web.StreamResponse:
    """Drop the connection between two chunks: the client sees a protocol error."""
    response = await opened(request)
    await response.write(token("Refunds"))
    request.transport.abort()
    return response


async def cuts_plain(request: web.Request) -> web.StreamResponse:
    """End a body that has no length by closing, as old proxies do: it looks complete."""
    head = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    request.transport.write(head + token("Refunds") + token(" take"))
    request.transport.close()
    await asyncio.sleep(0)
    return web.Response()


async def closes(request: web.Request) -> web.StreamResponse:
    """Close without a word."""
    request.transport.abort()
    return web.Response()


async def redirects(request: web.Request) -> web.StreamResponse:
    """Send the client elsewhere on this machine."""
    return web.Response(status=307, headers={"Location": f"http://localhost:{request.url.port}/elsewhere"})


async def opened(request: web.Request) -> web.StreamResponse:
    """Begin an event stream."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    return response


def event(value: Any) -> bytes:
    """Any JSON as an event."""
    return f"data: {json.dumps(value)}\n\n".encode()


DONE = b"data: [DONE]\n\n"
LONG = "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 400"
FAULTS: dict[str, Fault] = {
    "overloaded": refuses(429, "Model is overloaded", "overloaded"),
    "overloaded, try later": refuses(429, "Model is overloaded", "overloaded", **{"Retry-After": "1"}),
    "overloaded in stream": tells("Model is overloaded"),
    "invalid": refuses(422, "Input validation error: `stop` supports up to 4 stop sequences", "validation"),
    "invalid in stream": tells("Template error: unknown role"),
    "too long": refuses(422, LONG, "validation"),
    "too long in stream": tells(LONG),
    "generation failed": refuses(424, "Request failed during generation: CUDA out of memory", "generation"),
    "generation incomplete": refuses(500, "Incomplete generation", "incomplete_generation"),
    "unhealthy": refuses(503, "unhealthy", "healthcheck"),
    "cut chunked": cuts_chunked,
    "cut plain": cuts_plain,
    "closed": closes,
    "done without finish": says(token("Refunds"), DONE),
    "empty": says(b""),
    "not json": says(token("Refunds"), b"data: {nonsense\n\n", DONE),
    "no utf-8": says(b'data: {"choices": "\xff\xfe"}\n\n', DONE),
    "a list": says(event([1, 2]), DONE),
    "a number": says(event(3), DONE),
    "no choices": says(event(FRAME), DONE),
    "choices of text": says(event({**FRAME, "choices": ["x"]}), DONE),
    "content a number": says(event({**FRAME, "choices": [{"index": 0, "delta": {"content": 5}}]}), DONE),
    "too deep": says(b"data: " + b"[" * 50_000 + b"\n\n", DONE),
    "a page": says(b"<html>Welcome to the gateway</html>", kind="text/html"),
    "compressed": says(gzip.compress(token("x" * 9000, "stop")), Content_Encoding="gzip"),
    "redirect": redirects,
    "flood": repeats(token(" word" * 200)),
    "flood of nothing": repeats(token("") * 50),
    "flood in one line": repeats(b"data: " + b"x" * 100_000),
    "hangs": hangs(headers=False),
    "hangs after the headers": hangs(),
    "hangs between tokens": hangs(token("Refunds")),
    "aborted": says(token("Refunds"), token("", "abort"), DONE),
}
