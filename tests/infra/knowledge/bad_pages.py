"""Addresses that end badly: what each answers, and what the admin has to be told, the reason with its remedy."""

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from infra.knowledge.fetch import Bounds, fetch
from tests.infra.knowledge.files import column, pdf
from tests.infra.knowledge.web import Page, Site, answer, bomb, drip, flood, moved, serving

QUICK: Final = Bounds(total=1.0, idle=0.4, size=1_000_000)
GOOD: Final = answer(b"<html><body><h1>Hours</h1><p>The workshop opens at 8:15 on weekdays.</p></body></html>")
LOGIN: Final = (
    b"<html><head><title>Sign in</title></head><body><h1>Sign in</h1><form action=/in method=post><input name=user>"
    b"<input type=password name=pass><button>Sign in</button></form></body></html>"
)
BAD: Final[dict[str, tuple[Page | bytes, str]]] = {
    "gone": (answer(b"no", status="404 Not Found"), r"404.*check the address"),
    "broken": (answer(b"no", status="500 Internal Server Error"), r"500.*(later|upload)"),
    "login": (answer(LOGIN), r"(sign|log).?in.*(upload|download|export)"),
    "huge": (answer(b"", Content_Length="10000000000"), r"larger than.*(split|upload|part)"),
    "endless": (flood, r"larger than.*(split|upload|part)"),
    "bomb": (bomb(50_000_000), r"larger than.*(split|upload|part)"),
    "drip": (drip(0.05), r"(too long|too slow|seconds).*(again|later|upload)"),
    "circle": (moved("/circle"), r"in a circle: give the one of the page itself"),
    "picture": (
        answer(b"\x89PNG\r\n\x1a\n" + bytes(50), Content_Type="image/png"),
        r"an image.*give the one of a page",
    ),
    "program": (answer(b"\x7fELF" + bytes(50), Content_Type="text/html"), r"program.*add"),
    "locked": (answer(pdf(column("secret"), locked=True), Content_Type="application/pdf"), r"password.*save a copy"),
    "empty": (answer(b""), r"empty"),
}
ELSEWHERE: Final = {
    "http://169.254.169.254/latest/meta-data": r"(private|internal|public).*",
    "http://127.0.0.1:5432/": r"(private|internal|public|port).*",
    "ftp://site.example/x": r"begins with http|http:// and https://|http",
    "https://user:word@site.example/": r"(password|user|credential).*",
}


async def here(_host: str, _port: int) -> list[str]:
    """Resolve every name to loopback."""
    return ["127.0.0.1"]


def to_fetch(site: Site) -> Callable[..., Any]:
    """Return `fetch` with this one site let through, in a hurry."""
    return functools.partial(fetch, allow=site.allow, resolve=here, bounds=QUICK)


@contextmanager
def served_aside() -> Iterator[Site]:
    """Run a site in a thread, for tests that have no loop of their own."""
    found: list[Site] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    end = asyncio.Event()

    async def run() -> None:
        async with serving() as site:
            found.append(site)
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    assert ready.wait(5)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()
