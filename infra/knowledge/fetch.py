"""Fetch a URL that a person gave: only from the public internet, within limits, and never more than once asked.

The only place in the product that makes requests to addresses from outside.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from ssl import SSLCertVerificationError, SSLContext
from typing import Final

import httpcore2
import httpx2

from core.budgets import FETCH_BYTES, FETCH_REDIRECTS, FETCH_TOTAL
from core.errors import InputError, RefusedError
from infra.knowledge.guard import CONNECT, NO_PORTS_ALLOWED, NOTHING, Allow, Guard, Resolve, look_up
from infra.knowledge.private import Private

LONGEST_URL: Final = 2_048  # characters
IDLE: Final = 5.0  # seconds without a byte
HEADERS: Final = {
    "User-Agent": "Mozilla/5.0 (compatible; Vocero)",  # some sites turn away whatever does not begin so
    "Accept": "text/html,application/xhtml+xml,text/markdown,text/plain,application/pdf,*/*;q=.5",
    "Accept-Encoding": "gzip, deflate",
}
NEVER_TEXT: Final = ("image/", "audio/", "video/", "font/", "multipart/", "text/event-stream", "application/javascript")
SIGN_IN_PLACE: Final = re.compile(r"(?i)(log|sign)[-_]?(in|on)\b|\bsso\b|\bsaml\b|oauth|\bauth\b|accounts?\.|/session")
SIGN_IN_FORM: Final = re.compile(rb"""(?i)type\s*=\s*["']?password""")
SIGN_IN_TITLE: Final = re.compile(rb"(?is)<title[^>]{0,100}>[^<]{0,80}(log|sign)[ -]?(in|on)\b")

NOT_A_URL: Final = "this is not a web address: give one that begins with https://"
TOO_LONG: Final = f"the address has more than {LONGEST_URL:,} characters: give a shorter one, or upload the file"
NOT_HTTP: Final = "only http:// and https:// addresses are fetched: give such a one, or upload the file"
CREDENTIALS: Final = "the address holds a user name or password, which is not sent: upload the file instead"
SIGN_IN: Final = "the page asks to sign in: export it and upload the file instead"
UNREACHABLE: Final = "the site cannot be reached: check the address, and try again later"
INSECURE: Final = "the site has no valid certificate, so it may be an impostor: have it renewed, or upload the file"
TOO_SLOW: Final = "the site takes too long to answer: try again later, or upload the file"
BROKEN: Final = "the site's answer is broken: try again later, or upload the file"
CIRCLE: Final = (
    f"the address redirects more than {FETCH_REDIRECTS} times or in a circle: give the one of the page itself"
)
TOO_LARGE: Final = "the page is larger than {megabytes:.0f} MB: upload its text as a file instead"
WRONG_TYPE: Final = "the address leads to {kind}, not to a page or document: give the one of a page or document"
STATUSES: Final = {
    401: SIGN_IN,
    403: "the site refuses to show the page (403): check that anyone may read it, or upload the file",
    404: "the page does not exist (404): check the address",
    407: SIGN_IN,
    410: "the page was removed (410): give its new address",
    429: "the site asks for fewer requests (429): try again later",
    451: "the page is blocked for legal reasons (451): upload the file if you may",
}


class PassingError(InputError):
    """It cannot be had now, and may be had later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """`changed` is False on 304: `content` is then empty. `url` is where the last redirect led."""

    url: str
    content: bytes
    media_type: str
    etag: str
    last_modified: str
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """For one fetch with all its redirects: seconds in all, seconds without a byte, decoded bytes."""

    total: float = FETCH_TOTAL
    idle: float = IDLE
    size: int = FETCH_BYTES


DEFAULT: Final = Bounds()


async def fetch(
    url: str,
    *,
    etag: str = "",
    last_modified: str = "",
    allow: Allow = NO_PORTS_ALLOWED,
    resolve: Resolve = look_up,
    bounds: Bounds = DEFAULT,
    private: Private = NOTHING,
) -> Fetched:
    """Fetch a page or file; with `etag` or `last_modified`, only if it changed since.

    `allow` and `resolve` are for tests: which (address, port) may be reached besides public ones, and how names are
    looked up. `private` is what the operator lets be reached beside public pages. Raises RefusedError if policy forbids
    the address, InputError if it gives nothing to learn.
    """
    known = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers = HEADERS | {name: value for name, value in known.items() if value}
    client = httpx2.AsyncClient(
        transport=_Transport(Guard(allow, resolve, private)),
        headers=headers,
        timeout=httpx2.Timeout(bounds.idle, connect=CONNECT),
        trust_env=False,
    )
    try:
        async with asyncio.timeout(bounds.total), client:
            return await _follow(client, url, bounds)
    except (TimeoutError, httpcore2.TimeoutException) as error:
        raise PassingError(TOO_SLOW) from error
    except httpcore2.ConnectError as error:
        forged = isinstance(error.args[0], SSLCertVerificationError)  # the client keeps causes as arguments only
        raise (InputError(INSECURE) if forged else PassingError(UNREACHABLE)) from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpx2.HTTPError) as error:
        raise PassingError(BROKEN) from error
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise InputError(NOT_A_URL) from error


async def _follow(client: httpx2.AsyncClient, url: str, bounds: Bounds) -> Fetched:
    """Request `url` and wherever it redirects to; each hop is judged like the first."""
    here = httpx2.URL(url) if len(url) <= LONGEST_URL else None
    start = here
    for _ in range(FETCH_REDIRECTS + 1):
        _judge(here)
        assert here is not None  # noqa: S101 - judged
        async with client.stream("GET", here) as response:
            if not response.has_redirect_location:
                content = await _receive(response, bounds)
                _refuse_sign_in(here, content, moved=here != start)
                return _fetched(response, here, content)
            here = _next(here, response.headers["location"])
    raise InputError(CIRCLE)


def _next(here: httpx2.URL, location: str) -> httpx2.URL | None:
    try:
        return here.join(location) if len(location) <= LONGEST_URL else None
    except httpx2.InvalidURL as error:
        raise InputError(BROKEN) from error


def _judge(url: httpx2.URL | None) -> None:
    if url is None:
        raise InputError(TOO_LONG)
    web = url.scheme in {"http", "https"}
    if not url.scheme or (web and not (url.host and 0 < (url.port or 80) < 65536)):
        raise InputError(NOT_A_URL)
    if not web:
        raise RefusedError(NOT_HTTP)
    if url.userinfo:
        raise RefusedError(CREDENTIALS)


async def _receive(response: httpx2.Response, bounds: Bounds) -> bytes:
    """Read the body up to the limit, which counts decoded bytes, so that a bomb stops early."""
    if response.status_code == httpx2.codes.NOT_MODIFIED:
        return b""
    if response.status_code != httpx2.codes.OK:
        code = response.status_code
        failed = f"the site answers with an error ({code}): try again later, or upload the file"
        passing = code == httpx2.codes.TOO_MANY_REQUESTS or code >= httpx2.codes.INTERNAL_SERVER_ERROR
        raise (PassingError if passing else InputError)(STATUSES.get(code, failed))
    kind = _media_type(response)
    if kind.startswith(NEVER_TEXT):
        raise InputError(WRONG_TYPE.format(kind=_in_words(kind)))
    if "," in response.headers.get("content-encoding", ""):  # packed twice: only bombs are
        raise InputError(BROKEN)
    told = response.headers.get("content-length", "")
    if told.isdecimal() and int(told[:20]) > bounds.size:  # nothing of ten gigabytes needs to be waited for
        raise InputError(TOO_LARGE.format(megabytes=bounds.size / 1_000_000))
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > bounds.size or response.num_bytes_downloaded > bounds.size:
            raise InputError(TOO_LARGE.format(megabytes=bounds.size / 1_000_000))
    return bytes(content)


def _refuse_sign_in(url: httpx2.URL, content: bytes, *, moved: bool) -> None:
    """Refuse a sign-in page that came instead of what was asked for; two of three signs tell it."""
    form = SIGN_IN_FORM.search(content[:500_000]) is not None
    titled = SIGN_IN_TITLE.search(content[:20_000]) is not None
    led = moved and SIGN_IN_PLACE.search(url.host + url.path) is not None
    if form + titled + led > 1:
        raise InputError(SIGN_IN)


def _fetched(response: httpx2.Response, url: httpx2.URL, content: bytes) -> Fetched:
    return Fetched(
        url=str(url.copy_with(fragment=None)),
        content=content,
        media_type=response.headers.get("content-type", ""),
        etag=response.headers.get("etag", ""),
        last_modified=response.headers.get("last-modified", ""),
        changed=response.status_code != httpx2.codes.NOT_MODIFIED,
    )


def _media_type(response: httpx2.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _in_words(kind: str) -> str:
    main = kind.partition("/")[0]
    return {"image": "an image", "audio": "a sound", "video": "a video", "font": "a font"}.get(main, "something else")


class _Transport(httpx2.AsyncBaseTransport):
    """HTTP over the guard; no proxy, no retries, nothing from the environment."""

    def __init__(self, guard: Guard) -> None:
        self._pool = httpcore2.AsyncConnectionPool(ssl_context=_tls(), network_backend=guard)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = await self._pool.handle_async_request(
            httpcore2.Request(request.method, url, headers=request.headers.raw, extensions=request.extensions)
        )
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._answer.aiter_stream():
            yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


@cache
def _tls() -> SSLContext:
    """Make the TLS settings once (40 ms); SSL_CERT_FILE counts, since companies have authorities of their own."""
    return httpx2.create_ssl_context()
