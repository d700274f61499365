"""The token at the door: a form, one comparison in constant time, a signed cookie."""

import asyncio
import hashlib
import hmac
import html
import secrets
import time
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from adapters.console.theme import STYLE

COOKIE: Final = "vocero_console"
HOURS: Final = 12  # a working day; closing the console ends every session at once
PAUSE: Final = 0.5  # seconds that a wrong token costs, one after the other
_PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Vocero</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<style>{style} body {{ margin: 0 }}</style></head><body><main class="door"><h1>Vocero</h1>
<p>This console asks for its token. It is the value of VOCERO_CONSOLE_TOKEN where it was started.</p>
<form method="post" action="/login"><label>Token
<input type="password" name="token" required autofocus autocomplete="current-password" maxlength="500"></label>
{said}<button class="button primary" type="submit">Open</button></form></main></body></html>"""


class Login:
    """Knows the token and who has shown it; the signing key lives and dies with the process."""

    def __init__(self, token: str) -> None:
        self._token = hashlib.sha256(token.encode()).digest()
        self._key = secrets.token_bytes(32)
        self._one = asyncio.Lock()

    def known(self, headers: Headers) -> bool:
        """Whether the cookie is one of ours and still good."""
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        until, _, signed = (cookie.value if cookie else "").partition(".")
        right = hmac.compare_digest(signed.encode(), self._sign(until).encode())
        return right and until.isdecimal() and int(until) > time.time()

    def _sign(self, until: str) -> str:
        return hmac.new(self._key, until.encode(), hashlib.sha256).hexdigest()

    async def answer(self, request: Request) -> Response:
        """Return the form, or let in who sends the right token."""
        if request.method != "POST" or request.url.path != "/login":
            return _page("")
        async with request.form(max_files=0, max_fields=4, max_part_size=2_000) as form:
            given = str(form.get("token", ""))
        if not hmac.compare_digest(hashlib.sha256(given.encode("utf-8", "replace")).digest(), self._token):
            async with self._one:
                await asyncio.sleep(PAUSE)
            return _page("That is not the token.")
        until = str(int(time.time()) + HOURS * 3600)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            COOKIE,
            f"{until}.{self._sign(until)}",
            max_age=HOURS * 3600,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response


def _page(said: str) -> HTMLResponse:
    line = f'<p class="bad" role="alert">{html.escape(said)}</p>' if said else ""
    return HTMLResponse(_PAGE.format(style=STYLE, said=line), status_code=401, headers={"Cache-Control": "no-store"})
