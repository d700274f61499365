"""Who may come in at the console's door."""

import pytest
from starlette.datastructures import Headers

from adapters.console.door import loopback, refusal
from adapters.console.login import COOKIE, Login

ALLOWED = [
    ("127.0.0.1", {"host": "127.0.0.1:8321"}),
    ("127.0.0.1", {"host": "localhost:9000"}),  # a forwarded port
    ("::1", {"host": "[::1]:8321", "origin": "http://[::1]:8321"}),
    ("127.0.0.1", {"host": "localhost:8321", "origin": "http://localhost:8321", "sec-fetch-site": "same-origin"}),
    ("127.0.0.1", {"host": "localhost:8321", "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),  # a link
    ("0.0.0.0", {"host": "chat.example", "origin": "https://chat.example"}),
]
REFUSED = [
    ("127.0.0.1", {}),
    ("127.0.0.1", {"host": ""}),
    ("127.0.0.1", {"host": "127.0.0.1.evil.example"}),
    ("127.0.0.1", {"host": "evil.example:8321"}),
    ("127.0.0.1", {"host": "[::1"}),
    ("127.0.0.1", {"host": "127.0.0.1:8321", "origin": "http://localhost:8321"}),
    ("127.0.0.1", {"host": "127.0.0.1:8321", "origin": "null"}),
    ("127.0.0.1", {"host": "127.0.0.1:8321", "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}),
    ("0.0.0.0", {"host": "chat.example", "origin": "https://evil.example"}),
]


@pytest.mark.parametrize(("bound", "headers"), ALLOWED)
def test_our_own_page_comes_in(bound: str, headers: dict[str, str]) -> None:
    """On loopback by its names, elsewhere by any name, as long as page and address agree."""
    assert refusal(Headers(headers), bound) == ""


@pytest.mark.parametrize(("bound", "headers"), REFUSED)
def test_others_are_turned_away_with_a_sentence(bound: str, headers: dict[str, str]) -> None:
    """A foreign name, a foreign page, or none."""
    assert refusal(Headers(headers), bound).endswith(".")


@pytest.mark.parametrize(
    ("name", "is_loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("[::1]", True), ("0.0.0.0", False), ("::", False)],
)
def test_loopback_is_recognised(name: str, is_loopback: bool) -> None:
    """Whatever can be reached from elsewhere is not."""
    assert loopback(name) is is_loopback


@pytest.mark.parametrize("value", ["", ".", "9999999999.", "9999999999.00", "x.y", "²9.1", '"', "a=b; c"])
def test_a_made_up_cookie_is_no_key(value: str) -> None:
    """Whatever it holds, it neither opens nor breaks."""
    assert not Login("token").known(Headers({"cookie": f"{COOKIE}={value}"}))
