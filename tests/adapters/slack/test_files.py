"""Downloads: where the token may go, and what a document is not."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from adapters.slack.files import download
from core.errors import InputError

SEEN: list[tuple[str, str]] = []


@pytest.fixture
async def host() -> AsyncIterator[str]:
    """A host that redirects, floods and lies."""
    SEEN.clear()

    async def answer(request: web.Request) -> web.StreamResponse:
        SEEN.append((request.path, request.headers.get("Authorization", "")))
        if request.path == "/away":
            return web.Response(status=302, headers={"Location": "https://evil.example/x"})
        if request.path == "/round":
            return web.Response(status=302, headers={"Location": "/round"})
        if request.path == "/near":
            return web.Response(status=302, headers={"Location": "/fine"})
        if request.path == "/flood":
            return web.Response(body=b"x" * 20_100_000)
        if request.path == "/login":
            return web.Response(text="  <!DOCTYPE html><p>Sign in", content_type="text/html")
        if request.path == "/gone":
            return web.Response(status=404)
        return web.Response(text="<p>A page", content_type="text/html" if request.path == "/page" else "text/plain")

    app = web.Application()
    app.router.add_route("*", "/{any}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def fetched(url: str, trusted: str = "", **more: object):
    """Return a download's source."""
    file = {"id": "F1", "name": "a.txt", "size": 5, "mimetype": "text/plain", "url_private_download": url, **more}
    async with aiohttp.ClientSession() as session:
        return await download(file, token="xoxb-1", session=session, trusted=frozenset({trusted} if trusted else ()))


@pytest.mark.parametrize("path", ["/fine", "/near"])
async def test_a_file_is_fetched_with_the_token(host: str, path: str) -> None:
    """Also by a redirect that stays at a trusted host."""
    source = await fetched(host + path, host)
    assert (source.name, source.content, source.media_type) == ("slack-file:a.txt", b"<p>A page", "text/plain")
    assert {token for _, token in SEEN} == {"Bearer xoxb-1"}


async def test_a_real_html_document_is_none_of_slack_s_pages(host: str) -> None:
    """A file that is HTML is read; a login page instead of a text is not."""
    assert (await fetched(host + "/page", host, mimetype="text/html")).content == b"<p>A page"
    with pytest.raises(InputError, match="login page"):
        await fetched(host + "/login", host)


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/away", "not lie at Slack"), ("/round", "in circles"), ("/flood", "larger than"), ("/gone", "status 404")],
)
async def test_what_goes_wrong_is_said(host: str, path: str, reason: str) -> None:
    """A redirect elsewhere, a loop, too much, nothing: a sentence with the file's name."""
    with pytest.raises(InputError, match=f"a.txt.*{reason}|{reason}.*a.txt"):
        await fetched(host + path, host)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.slack.com/a",
        "https://slack.com.evil.example/a",
        "https://evilslack.com/a",
        "https://files.slack.com@evil.example/a",
        "https://a@files.slack.com/a",
        "https://evil.example/slack.com",
        "file:///etc/passwd",
        "https://[::1",
        "",
    ],
)
async def test_the_token_goes_to_slack_only(url: str) -> None:
    """Look-alikes, plain http, user names in addresses and other schemes are refused before anything is sent."""
    with pytest.raises(InputError):
        await fetched(url)
