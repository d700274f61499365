"""Private hosts: none unless named; then exactly these, at their ports, and never a cloud's metadata."""

import pytest

from core.errors import RefusedError, SetupError
from infra.knowledge.fetch import fetch
from infra.knowledge.private import to_private
from tests.infra.knowledge.web import answer, serving

ALLOWED = [
    # named, host asked, address found, port, whether it may be reached
    ("wiki.corp.example", "wiki.corp.example", "10.0.3.7", 443, True),
    ("wiki.corp.example", "WIKI.corp.example.", "10.0.3.7", 80, True),
    ("wiki.corp.example", "wiki.corp.example", "10.0.3.7", 8080, False),
    ("wiki.corp.example:8080", "wiki.corp.example", "10.0.3.7", 8080, True),
    ("wiki.corp.example:8080", "wiki.corp.example", "10.0.3.7", 80, False),
    ("wiki.corp.example", "evil.example", "10.0.3.7", 80, False),
    ("wiki.corp.example", "sub.wiki.corp.example", "10.0.3.7", 80, False),
    ("wiki.corp.example", "wiki.corp.example", "169.254.169.254", 80, False),
    ("wiki.corp.example", "wiki.corp.example", "::ffff:169.254.169.254", 80, False),
    ("wiki.corp.example", "wiki.corp.example", "fd00:ec2::254", 80, False),
    ("wiki.corp.example", "wiki.corp.example", "127.0.0.1", 80, False),
    ("10.0.3.7", "10.0.3.7", "10.0.3.7", 80, True),
    ("10.0.3.7", "any.example", "10.0.3.7", 443, True),
    ("10.0.3.7", "any.example", "::ffff:10.0.3.7", 443, True),
    ("10.0.3.7", "any.example", "10.0.3.8", 443, False),
    ("10.0.3.0/28:8000", "any.example", "10.0.3.15", 8000, True),
    ("10.0.3.0/28:8000", "any.example", "10.0.3.16", 8000, False),
    ("[fd12::1]:8080", "any.example", "fd12::1", 8080, True),
    ("fd12::1", "any.example", "fd12::1", 443, True),
    ("127.0.0.1:9000", "127.0.0.1", "127.0.0.1", 9000, True),
    ("127.0.0.1:9000", "127.0.0.1", "127.0.0.1", 9001, False),
]


@pytest.mark.parametrize(("named", "host", "address", "port", "allowed"), ALLOWED)
def test_exactly_what_is_named_may_be_reached(named: str, host: str, address: str, port: int, allowed: bool) -> None:
    """By its own name, or by an address that lies in it; at the web's ports or the one that is named."""
    assert to_private([named]).allows(host, address, port) is allowed


WRONG = ["", "*", "*.corp.example", "http://wiki", "10.0.0.0/8", "0.0.0.0/0", "::/0", "169.254.169.254", "fe80::1"]
WRONG += ["wiki:0", "wiki:99999", "wiki/path", "300.1.1.1", "10.0.3.1/24", "168.63.129.16:80", "0.0.0.0"]


@pytest.mark.parametrize("named", WRONG)
def test_what_is_too_wide_or_no_host_is_said_at_the_start(named: str) -> None:
    """No wildcard, no whole network of a company, no metadata."""
    with pytest.raises(SetupError, match="VOCERO_PRIVATE_HOSTS names"):
        to_private([named])


async def test_a_private_page_is_fetched_only_where_it_is_named() -> None:
    """The same address is refused unless it is named, and one step further leads nowhere."""
    async with serving() as site:
        url = site.url("/", host="127.0.0.1")
        site.pages["/"] = answer(b"<h1>Wiki</h1>")
        with pytest.raises(RefusedError, match="private network"):
            await fetch(url)
        port = int(url.split(":")[2].rstrip("/"))
        assert b"Wiki" in (await fetch(url, private=to_private([f"127.0.0.1:{port}"]))).content
        with pytest.raises(RefusedError, match="private network"):
            await fetch(url, private=to_private([f"127.0.0.1:{port + 1}", "wiki.corp.example"]))
