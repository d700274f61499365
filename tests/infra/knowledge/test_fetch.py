"""The one way out to addresses that people give: public ones only, within limits, and a true reason otherwise."""

import ast
import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from core.errors import BotError, InputError, RefusedError
from infra.knowledge import fetch as module
from infra.knowledge.fetch import Bounds, Fetched, PassingError, fetch
from infra.knowledge.guard import is_public
from tests.infra.knowledge.web import Site, answer, bomb, drip, flood, moved, serving

ROOT = Path(__file__).parents[3]
QUICK = Bounds(total=1.0, idle=0.4, size=1_000_000)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A site on loopback."""
    async with serving() as site:
        yield site


async def here(_host: str, _port: int) -> list[str]:
    """Resolve every name to loopback."""
    return ["127.0.0.1"]


async def get(site: Site, path: str, **options: Any) -> Fetched:
    """Fetch a page of the site by a name that only the test knows."""
    return await fetch(site.url(path), allow=site.allow, **{"resolve": here, "bounds": QUICK, **options})


async def reason(site: Site, path: str, **options: Any) -> str:
    """Fetch a page that cannot be had, and give the reason."""
    with pytest.raises(BotError) as caught:
        await get(site, path, **options)
    return str(caught.value)


@pytest.fixture
def no_packets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every connection that is tried; the test asserts that there is none."""
    tried: list[str] = []

    async def connect(_self: object, host: str, port: int, **_: object) -> None:
        tried.append(f"{host}:{port}")
        raise AssertionError(host)

    monkeypatch.setattr("httpcore2.AnyIOBackend.connect_tcp", connect)
    return tried


# What arrives


async def test_a_page_arrives_with_what_a_refresh_needs(site: Site) -> None:
    """Content, kind, ETag and date; the request says who asks and for which host."""
    site.pages["/a"] = answer(b"<p>hi</p>", ETag='"1"', Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT")
    fetched = await get(site, "/a#part")
    assert (fetched.content, fetched.media_type, fetched.etag) == (b"<p>hi</p>", "text/html", '"1"')
    assert (fetched.url, fetched.last_modified) == (site.url("/a"), "Mon, 01 Jan 2024 00:00:00 GMT")
    assert f"Host: site.example:{site.port}" in site.asked[0]
    assert "Vocero" in site.asked[0]


async def test_an_unchanged_page_is_not_sent_again(site: Site) -> None:
    """ETag and date go out, and 304 says that nothing changed."""
    site.pages["/a"] = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nConnection: close\r\n\r\n'
    fetched = await get(site, "/a", etag='"1"', last_modified="Mon, 01 Jan 2024 00:00:00 GMT")
    assert (fetched.changed, fetched.content, fetched.etag) == (False, b"", '"1"')
    assert 'If-None-Match: "1"' in site.asked[0]
    assert "If-Modified-Since: Mon, 01 Jan 2024" in site.asked[0]


async def test_redirects_are_followed_and_the_last_address_is_told(site: Site) -> None:
    """Relative and absolute ones, and names that change on the way."""
    site.pages |= {"/a": moved("/b"), "/b": moved(site.url("/c", host="other.example")), "/c": answer(b"hi")}
    fetched = await get(site, "/a")
    assert (fetched.url, fetched.content) == (site.url("/c", host="other.example"), b"hi")
    assert f"Host: other.example:{site.port}" in site.asked[2]


async def test_packed_pages_are_unpacked(site: Site) -> None:
    """Gzip within the limit is ordinary."""
    site.pages["/a"] = bomb(500_000)
    assert (await get(site, "/a")).content == bytes(500_000)


async def test_the_environment_names_no_proxy(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would look names up itself, past the guard."""
    site.pages["/a"] = answer(b"direct")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await get(site, "/a")).content == b"direct"


async def test_tls_names_the_host_and_not_the_address(site: Site) -> None:
    """The connection goes to the checked address, the certificate is asked of the name."""
    with pytest.raises(InputError, match="cannot be reached"):  # it speaks no TLS
        await fetch(site.url(scheme="https"), allow=site.allow, resolve=here, bounds=QUICK)
    assert b"site.example" in site.hello[0]
    assert (module._tls().verify_mode, module._tls().check_hostname) == (ssl.CERT_REQUIRED, True)


# What is refused

HOSTILE = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0", "0.0.0.0"),
    *("localhost", "127。0。0。1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::808:808]", "[2002:7f00:1::]", "[2001:0:808:808::1]"),
    *("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1", "192.0.2.1", "240.0.0.1"),
    *("255.255.255.255", "224.0.0.1", "[fe80::1]", "[fc00::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]"),
    *("2852039166", "0xa9.254.0xa9fe"),
    *("169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "192.0.0.192", "168.63.129.16", "[::ffff:a9fe:a9fe]"),
]


@pytest.mark.parametrize("host", HOSTILE)
async def test_private_addresses_are_refused_in_every_spelling(host: str, no_packets: list[str]) -> None:
    """Nothing that is not public is reached, however it is written, and the reason tells nothing of our network."""
    with pytest.raises(RefusedError, match=r"^the address leads into a private network, and only public pages"):
        await fetch(f"http://{host}/")
    assert no_packets == []


@pytest.mark.parametrize("host", ["localhost.", "127.0.0.1.", "[fe80::1%25lo]", "localhost.localdomain"])
async def test_odd_spellings_lead_nowhere(host: str, no_packets: list[str]) -> None:
    """Whether a system's resolver knows them or not, nothing is connected to."""
    with pytest.raises(BotError):
        await fetch(f"http://{host}/")
    assert no_packets == []


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_public(address: str) -> None:
    """The guard does not shut out the internet, nor the way to IPv4 through IPv6."""
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "error", "start"),
    [
        ("file:///etc/passwd", RefusedError, "only http:// and https://"),
        ("ftp://site.example/x", RefusedError, "only http:// and https://"),
        ("gopher://site.example/", RefusedError, "only http:// and https://"),
        ("data:text/html,hi", RefusedError, "only http:// and https://"),
        ("javascript:alert(1)", RefusedError, "only http:// and https://"),
        ("http://user:word@site.example/", RefusedError, "the address holds a user name"),
        ("http://site.example\\@127.0.0.1/", RefusedError, "the address holds a user name"),
        ("http://8.8.8.8:22/", RefusedError, "only the ports 80 and 443"),
        ("http://8.8.8.8:8080/", RefusedError, "only the ports 80 and 443"),
        ("http://8.8.8.8:99999/", InputError, "this is not a web address"),
        ("https://site.example/" + "x" * 2_048, InputError, "the address has more than 2,048"),
        ("site.example/page", InputError, "this is not a web address"),
        ("//127.0.0.1/", InputError, "this is not a web address"),
        ("http://", InputError, "this is not a web address"),
        ("", InputError, "this is not a web address"),
        ("http://[::1", InputError, "this is not a web address"),
        ("http://①②⑦.0.0.1/", InputError, "this is not a web address"),
        ("http://0177.0.0.1/", InputError, "this is not a web address"),
        ("http://site.example\r\nX: y/", InputError, "this is not a web address"),
        ("http://" + "a" * 70 + ".example/", InputError, ""),
    ],
)
async def test_addresses_that_are_not_fetched(
    url: str, error: type[BotError], start: str, no_packets: list[str]
) -> None:
    """Other schemes, credentials, ports and nonsense each get their reason, and no packet."""
    with pytest.raises(error) as caught:
        await fetch(url)
    assert str(caught.value).startswith(start)
    assert no_packets == []


async def test_one_private_address_among_public_ones_is_enough(no_packets: list[str]) -> None:
    """Mixed answers are refused whole."""

    async def mixed(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    with pytest.raises(RefusedError, match="private network"):
        await fetch("http://site.example/", resolve=mixed)
    assert no_packets == []


async def test_names_are_looked_up_once(site: Site) -> None:
    """A second look-up, which could answer otherwise, never happens: the checked address is the one connected to."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    site.pages["/a"] = answer(b"hi")
    fetched = await fetch(site.url("/a"), allow=site.allow, resolve=rebinding, bounds=QUICK)
    assert (fetched.content, asked) == (b"hi", ["site.example"])


async def test_a_dead_address_is_followed_by_the_next(site: Site) -> None:
    """A host with several addresses is reached by the one that answers."""

    async def several(_host: str, _port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    site.pages["/a"] = answer(b"hi")
    fetched = await fetch(site.url("/a"), allow=lambda _host, port: port == site.port, resolve=several, bounds=QUICK)
    assert fetched.content == b"hi"


@pytest.mark.parametrize(
    ("to", "start"),
    [
        ("http://127.0.0.1:1/", "the address leads into a private network"),
        ("http://169.254.169.254/latest/meta-data/", "the address leads into a private network"),
        ("//10.0.0.1/", "the address leads into a private network"),
        ("http://8.8.8.8:25/", "only the ports 80 and 443"),
        ("file:///etc/passwd", "only http:// and https://"),
        ("http://a:b@8.8.8.8/", "the address holds a user name"),
        ("/" + "x" * 2_100, "the address has more than 2,048"),
        ("http://[::1", "the site's answer is broken"),
        ("/a", "the address redirects more than 5 times"),
    ],
)
async def test_every_hop_is_checked_like_the_first(site: Site, to: str, start: str) -> None:
    """A public page that redirects inside, elsewhere or in a circle leads nowhere."""

    async def resolve(host: str, _port: int) -> list[str]:
        return ["127.0.0.1"] if host == "site.example" else [host]

    site.pages["/a"] = moved(to)
    assert (await reason(site, "/a", resolve=resolve)).startswith(start)


@pytest.mark.parametrize(
    ("page", "start"),
    [
        (answer(b"", status="404 Not Found"), "the page does not exist (404)"),
        (answer(b"", status="401 Unauthorized"), "the page asks to sign in"),
        (answer(b"", status="403 Forbidden"), "the site refuses to show the page (403)"),
        (answer(b"", status="429 Too Many Requests"), "the site asks for fewer requests (429)"),
        (answer(b"", status="500 Internal Server Error"), "the site answers with an error (500)"),
        (answer(b"", status="204 No Content"), "the site answers with an error (204)"),
        (answer(b"x", Content_Type="image/png"), "the address leads to an image"),
        (answer(b"x", Content_Type="video/mp4"), "the address leads to a video"),
        (answer(b"x", Content_Type="text/event-stream"), "the address leads to something else"),
        (answer(b"no gzip", Content_Encoding="gzip"), "the site's answer is broken"),
        (answer(b"x", Content_Encoding="gzip, gzip"), "the site's answer is broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut", "the site's answer is broken"),
        (b"SSH-2.0-OpenSSH\r\n", "the site's answer is broken"),
        (b"", "the site's answer is broken"),
    ],
)
async def test_what_gives_nothing_to_learn(site: Site, page: bytes, start: str) -> None:
    """Each answer that is no document has its reason and a remedy."""
    site.pages["/a"] = page
    text = await reason(site, "/a")
    assert text.startswith(start)
    assert ": " in text


async def test_sign_in_pages_are_not_learned(site: Site) -> None:
    """Whether a redirect led there or the page itself asks; a page with a form in its corner is one to learn."""
    form = b'<title>%s</title><form><input name=x type="password"></form>'
    site.pages |= {
        "/doc": moved("/login?next=/doc"),
        "/login?next=/doc": answer(form % b"Welcome"),
        "/direct": answer(form % b"Log in - Wiki"),
        "/fine": answer(form % b"Opening hours"),
    }
    assert (await reason(site, "/doc")).startswith("the page asks to sign in")
    assert (await reason(site, "/direct")).startswith("the page asks to sign in")
    assert b"Opening hours" in (await get(site, "/fine")).content


async def test_a_bomb_stops_early(site: Site) -> None:
    """300 MB in 1.3 MB are not unpacked: memory stays where it was."""
    site.pages["/a"] = bomb(300_000_000)
    before = psutil.Process().memory_info().rss
    assert (await reason(site, "/a", bounds=Bounds(size=2_000_000))).startswith("the page is larger than 2 MB")
    assert psutil.Process().memory_info().rss - before < 20_000_000


async def test_an_endless_page_stops(site: Site) -> None:
    """A stream without end is cut at the limit."""
    site.pages["/a"] = flood
    assert (await reason(site, "/a")).startswith("the page is larger than 1 MB")


@pytest.mark.parametrize("pause", [0.01, 0.6])
async def test_a_slow_page_stops(site: Site, pause: float) -> None:
    """A drip is ended by the total, silence by the idle limit."""
    site.pages["/a"] = drip(pause)
    assert (await reason(site, "/a")).startswith("the site takes too long")


async def test_a_page_that_claims_ten_gigabytes_is_cut_at_the_limit(site: Site) -> None:
    """The claim is not believed in either direction: what counts is what arrives."""

    async def huge(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 10000000000\r\n\r\n")
        while True:
            writer.write(bytes(100_000))
            await writer.drain()

    site.pages["/a"] = huge
    before = psutil.Process().memory_info().rss
    assert (await reason(site, "/a")).startswith("the page is larger than 1 MB")
    assert psutil.Process().memory_info().rss - before < 20_000_000


@pytest.mark.parametrize("line", [b"X-More: %s\r\n" % (b"x" * 900), b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_an_answer_that_never_begins_stops(site: Site, line: bytes) -> None:
    """Headers without end and go-aheads without end are ended by a limit, with little memory."""

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" if line.startswith(b"X") else b"")
        while True:
            writer.write(line)
            await writer.drain()

    site.pages["/a"] = endless
    before = psutil.Process().memory_info().rss
    assert await reason(site, "/a")
    assert psutil.Process().memory_info().rss - before < 20_000_000


async def test_redirects_do_not_renew_the_time(site: Site) -> None:
    """Five slow hops share one budget."""

    async def hop(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(moved(f"/{len(site.asked)}"))
        await writer.drain()

    site.pages |= {f"/{n}": hop for n in range(9)}
    assert (await reason(site, "/0")).startswith("the site takes too long")


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_what_may_pass_is_told_from_what_will_not(site: Site, status: int) -> None:
    """A job waits for a site in trouble, not for a page that is not there."""
    site.pages["/a"] = answer(b"", status=f"{status} Trouble")
    with pytest.raises(PassingError):
        await get(site, "/a")
    with pytest.raises(InputError) as caught:
        await get(site, "/missing")
    assert not isinstance(caught.value, PassingError)


async def test_a_certificate_that_is_not_valid_is_said(site: Site) -> None:
    """An impostor is not taken for a site that is down."""

    async def impostor(_host: str, _port: int) -> list[str]:
        raise ssl.SSLCertVerificationError

    assert (await reason(site, "/a", resolve=impostor)).startswith("the site has no valid certificate")


async def test_a_site_that_is_not_there(site: Site) -> None:
    """A refused connection and an unknown name read alike."""

    async def nowhere(_host: str, _port: int) -> list[str]:
        raise OSError("unknown name")

    assert (await reason(site, "/a", resolve=nowhere)).startswith("the site cannot be reached")
    closed = Site(port=1)
    assert (await reason(closed, "/a")).startswith("the site cannot be reached")


# The rule that keeps it the only way

CLIENTS = {
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "requests",
    "urllib3",
    "urllib.request",
    "http.client",
    "aiohttp",
}
HOMES = ("infra/knowledge/fetch.py", "infra/knowledge/guard.py", "infra/models/")
# whose clients speak to their platform's own addresses, and to none that a person gives
PLATFORMS = (
    "adapters/slack/",
    "adapters/discord/",
    "bots/slack.py",
    "bots/slack_setup.py",
    "bots/discord.py",
    "bots/clock.py",
)
# which answer operators, and time the platforms' clients; the traces go where an operator says
WATCHING = ("infra/telemetry/", "bots/oversight.py")


def test_nothing_else_makes_requests() -> None:
    """No module of the product imports an HTTP client but the fetcher and the model client."""
    found = []
    for folder in ("bots", "core", "adapters", "infra"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            place = file.relative_to(ROOT).as_posix()
            names = set(_imports(ast.parse(file.read_text(encoding="utf-8")))) & CLIENTS
            found += [
                f"{place} imports {name}"
                for name in sorted(names)
                if not place.startswith(HOMES + PLATFORMS + WATCHING)
            ]
    assert found == []


def _imports(tree: ast.Module) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names
