"""The one way onto the network for model servers: nothing of the machine leaks in, nothing unbounded comes back.

The hub client by itself lets proxies, `HF_TOKEN` and offline mode of the machine's environment decide where a request
goes and what it carries, follows redirects, waits for ever, and takes a cut or compressed or endless body as it comes.
Before its first request it asks the hub for a list of programs to look for among our environment's variables, holding
the event loop up meanwhile: that counts as its telemetry, which is off here, whatever the environment says.
"""

import functools
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any, Final, cast

import httpx2
from huggingface_hub import AsyncInferenceClient, constants

from infra.models.failures import Fault, from_status

constants.HF_HUB_DISABLE_TELEMETRY = True
NO_TOKEN: Final = "none"  # noqa: S105 - never empty: the hub client would send the machine's HF_TOKEN in its place
ERROR_BYTES: Final = 65_536
ANSWER_BYTES: Final = 8_000_000  # 32 vectors of 4096 numbers and as much again
ABSENT: Final = (404, 405, 501)
EVENTS: Final = "text/event-stream"
JSON: Final = "application/json"


class Guard(httpx2.AsyncBaseTransport):
    """Lets a successful, plain, typed and bounded answer through; all others become a `Fault`."""

    def __init__(self, *, connect: float, limit: int, expects: str | None) -> None:
        self._inner = httpx2.AsyncHTTPTransport(verify=_trust(), trust_env=False)
        self._connect = connect
        self._limit = limit
        self._expects = expects

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request; only connecting has a timeout here, the callers hold the others."""
        request.extensions["timeout"] = httpx2.Timeout(None, connect=self._connect).as_dict()
        request.headers["accept-encoding"] = "identity"
        response = await self._inner.handle_async_request(request)
        try:
            await self._judge(response)
        except BaseException:
            await response.aclose()
            raise
        response.stream = Bounded(cast("httpx2.AsyncByteStream", response.stream), self._limit)
        return response

    async def _judge(self, response: httpx2.Response) -> None:
        if 300 <= response.status_code < 400:
            raise Fault(
                "rejected",
                sentence="The server sends us to another address, which we do not follow: "
                "an administrator should set its final address.",
            )
        if response.status_code != 200:
            body = await _at_most(cast("httpx2.AsyncByteStream", response.stream), ERROR_BYTES)
            raise from_status(response.status_code, body, response.headers.get("retry-after", ""))
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self._expects not in (None, kind) or response.headers.get("content-encoding", "identity") != "identity":
            raise Fault("garbage")

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()


class Bounded(httpx2.AsyncByteStream):
    """A body that ends in a `Fault` once it is longer than `limit` bytes."""

    def __init__(self, stream: httpx2.AsyncByteStream, limit: int) -> None:
        self._stream = stream
        self._left = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for block in self._stream:
            self._left -= len(block)
            if self._left < 0:
                raise Fault("garbage")
            yield block

    async def aclose(self) -> None:
        """Close the connection below."""
        await self._stream.aclose()


class HubClient(AsyncInferenceClient):
    """The hub's client for one request: use in `async with`, since it keeps every stream open until it is closed."""

    def __init__(self, url: str, *, token: str | None, connect: float, limit: int, expects: str) -> None:
        super().__init__(base_url=url, token=token or NO_TOKEN)
        self._wire = httpx2.AsyncClient(
            transport=Guard(connect=connect, limit=limit, expects=expects), trust_env=False, follow_redirects=False
        )

    async def _get_async_client(self) -> httpx2.AsyncClient:
        """Replace the hub's own HTTP client, which obeys the environment."""
        if self._async_client is None:
            self._async_client = await self.exit_stack.enter_async_context(self._wire)
        return self._async_client


async def ask(url: str, *, token: str | None, connect: float, body: dict[str, Any] | None = None) -> Any:
    """GET a JSON document, or POST `body` for one; None where the server has no such page. Fault."""
    answer = await _exchange(url, token=token, connect=connect, expects=JSON, body=body)
    return None if answer is None else json.loads(answer)


async def tell(url: str, *, token: str | None, connect: float, body: dict[str, Any]) -> bool:
    """POST `body` for its status alone; False where the server has no such page. Fault."""
    return await _exchange(url, token=token, connect=connect, expects=None, body=body) is not None


async def knock(url: str, *, token: str | None, connect: float) -> None:
    """GET a page for its status alone; a server without such a page is as good as one that says 200. Fault."""
    await _exchange(url, token=token, connect=connect, expects=None)


async def _exchange(
    url: str, *, token: str | None, connect: float, expects: str | None, body: dict[str, Any] | None = None
) -> bytes | None:
    guard = Guard(connect=connect, limit=ANSWER_BYTES, expects=expects)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(transport=guard, trust_env=False, follow_redirects=False, headers=headers) as client:
        try:
            return (await (client.get(url) if body is None else client.post(url, json=body))).content
        except Fault as fault:
            if fault.status in ABSENT:
                return None
            raise


@functools.cache
def _trust() -> ssl.SSLContext:
    """The machine's certificates, read once: 20 ms that would else be spent on every request."""
    return httpx2.create_ssl_context()


async def _at_most(stream: httpx2.AsyncByteStream, limit: int) -> bytes:
    """The first `limit` bytes of a body."""
    read = bytearray()
    async for block in stream:
        read += block
        if len(read) > limit:
            break
    return bytes(read[:limit])
