"""The door in front of the page: who may come in, and what a browser may do with what it gets. Pure ASGI.

A page on loopback is reachable from every page its browser has open. So the host asked for must be one of ours (else a
foreign name could be pointed at this machine), and what came from another site is turned away, sockets included.
"""

import ipaddress
import re
import secrets
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.console.login import Login

LARGEST: Final = 21 * 1024 * 1024  # bytes of a request: the largest file with its form around it
_OWN: Final = "This console answers only to its own page."
_SCRIPT = re.compile(rb"<script(?=[\s>])")
_ALWAYS: Final = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def loopback(name: str) -> bool:
    """Whether a host name or address can only be this machine."""
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name.lower().rstrip(".") == "localhost"


def refusal(headers: Headers, bound: str) -> str:
    """Return why a request may not come in, in a sentence, or nothing."""
    asked = headers.get("host", "")
    try:
        name = urlsplit(f"//{asked}").hostname or ""
        origin = urlsplit(headers.get("origin", "")).netloc
    except ValueError:
        return "That address is not one of this console's."
    if not name or (loopback(bound) and not loopback(name)):
        return f"This console answers only to 127.0.0.1 and localhost, not to {name or 'no name'}."
    if "origin" in headers and origin.lower() != asked.lower():
        return _OWN
    # no Origin comes with a script or an image of another site, but this does
    elsewhere = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    return _OWN if elsewhere and headers.get("sec-fetch-mode") != "navigate" else ""


def policy(host: str, nonce: str) -> str:
    """Return the content security policy: NiceGUI builds its templates by `eval` and styles elements in place."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src 'self' ws://{host} wss://{host}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class Door:
    """Wraps the site: turns away foreign hosts and sites, asks for the token where one is set, adds the headers."""

    def __init__(self, app: ASGIApp, *, bound: str, login: Login | None = None) -> None:
        self._app, self._bound, self._login = app, bound, login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI call."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        said = refusal(headers, self._bound)
        if scope["type"] == "websocket":
            if said or not self._known(headers):
                await send({"type": "websocket.close", "code": 1008, "reason": ""})
            else:
                await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        guarded = _Guarded(send, nonce, policy(headers.get("host", ""), nonce))
        if said:
            await PlainTextResponse(said, status_code=403)(scope, receive, guarded)
        elif _length(headers) > LARGEST:
            await PlainTextResponse("That is too large.", status_code=413)(scope, receive, guarded)
        elif self._login and not self._known(headers):
            answer = await self._login.answer(Request(scope, receive))
            await answer(scope, receive, guarded)
        elif self._login and scope["path"] == "/login":
            await Response(status_code=303, headers={"Location": "/"})(scope, receive, guarded)
        else:
            await self._app(scope, _capped(receive), guarded)

    def _known(self, headers: Headers) -> bool:
        return self._login is None or self._login.known(headers)


def _length(headers: Headers) -> int:
    given = headers.get("content-length", "0")
    return int(given) if given.isdecimal() else 0


def _capped(receive: Receive) -> Receive:
    """Count a body that does not say how long it is; beyond the limit it ends as if the sender had gone."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return message if seen <= LARGEST else {"type": "http.disconnect"}

    return counted


class _Guarded:
    """Adds the headers to a response, and its nonce to the scripts of a page."""

    def __init__(self, send: Send, nonce: str, policy: str) -> None:
        self._send, self._nonce, self._policy = send, nonce, policy
        self._start: Message | None = None
        self._page = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update({**_ALWAYS, "Content-Security-Policy": self._policy})
            if headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._page += message.get("body", b"")
            if message.get("more_body"):
                return
            self._page = _SCRIPT.sub(b'<script nonce="%s"' % self._nonce.encode(), self._page)
            MutableHeaders(scope=self._start)["content-length"] = str(len(self._page))
            await self._send(self._start)
            message = {"type": "http.response.body", "body": self._page}
        await self._send(message)
