"""The console's process: its door, its signals, its start-up failures."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest

from adapters.console.desk import Desk
from bots.console import check_port, serve_desk
from core.errors import SetupError
from tests.fakes.console import ROOT, Running, clean

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """One console without a token for the tests that only look."""
    with Running() as console:
        yield console


def test_the_page_is_guarded_and_asks_nothing_of_other_hosts(running: Running) -> None:
    """The security headers are there, every script carries the page's nonce, and no address leads elsewhere."""
    page = httpx2.get(running.url)
    headers, body = page.headers, page.text
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    nonce = re.search(r"script-src 'self' 'nonce-([\w-]+)' 'unsafe-eval';", headers["content-security-policy"])
    assert nonce is not None
    assert len(re.findall(r"<script[\s>]", body)) == body.count(f'<script nonce="{nonce[1]}"') > 0
    assert not re.findall(r"""(?:src|href|url\()=?["'(]?(?:https?:)?//(?!www\.w3\.org)""", body)


REFUSED = [
    ("a name that was pointed at this machine", {"Host": "evil.example:8321"}),
    ("another site's page", {"Origin": "https://evil.example"}),
    ("another port's page", {"Origin": "http://127.0.0.1:1"}),
    ("a sandboxed page", {"Origin": "null"}),
    ("another site's script tag", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}),
]


@pytest.mark.parametrize(("who", "headers"), REFUSED, ids=[who for who, _ in REFUSED])
def test_foreign_hosts_and_sites_are_turned_away(running: Running, who: str, headers: dict[str, str]) -> None:
    """On loopback only our own page may speak to us, over HTTP and over the socket."""
    assert httpx2.get(running.url, headers=headers).status_code == 403
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    }
    socket_url = f"{running.url}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    assert httpx2.get(socket_url, headers={**upgrade, **headers}).status_code == 403


def test_a_body_that_is_too_large_is_refused_before_it_is_read(running: Running) -> None:
    """A declared length is believed, and answered before a byte is sent."""
    with closing(socket.create_connection(("127.0.0.1", running.port), timeout=5)) as wire:
        wire.sendall(f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\nContent-Length: 30000000\r\n\r\n".encode())
        assert wire.recv(12) == b"HTTP/1.1 413"


def test_ctrl_c_ends_it_while_the_bot_is_still_starting() -> None:
    """It ends with 0, within two seconds or so, without a traceback."""
    with Running("--starting", "60") as console:
        code, seconds, errors = console.end(signal.SIGINT)
    assert (code, errors) == (0, "")
    assert seconds < 3


def test_the_token_is_asked_for_and_let_in_once_right() -> None:
    """Nothing is served without the cookie; a wrong token is refused, a forged cookie too; the right one opens.

    In the end SIGTERM, with that page still open, ends the process with 0 and without a traceback.
    """
    with Running("--token", "sesame-öffne") as console, httpx2.Client(base_url=console.url) as browser:
        assert browser.get("/").status_code == 401
        assert browser.get("/_nicegui_ws/socket.io/?EIO=4&transport=polling").status_code == 401
        assert "not the token" in browser.post("/login", data={"token": "wrong"}).text
        forged = {"Cookie": "vocero_console=9999999999." + "0" * 64}
        assert browser.get("/", headers=forged).status_code == 401
        opened = browser.post("/login", data={"token": "sesame-öffne"})
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        assert re.search(r"HttpOnly.*SameSite=lax", opened.headers["set-cookie"])
        assert "X-NiceGUI-Content" in browser.get("/").headers
        code, seconds, errors = console.end(signal.SIGTERM)
    assert (code, errors) == (0, "")
    assert seconds < 3


def test_a_taken_port_is_said_before_anything_starts() -> None:
    """SetupError names the port and the remedy; the bot is not opened."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = int(taken.getsockname()[1])
        with pytest.raises(SetupError, match=f"Port {port} on 127.0.0.1 is taken: .* --port"):
            check_port("127.0.0.1", port)
        with pytest.raises(SetupError, match="is taken"):
            serve_desk(Desk(workspace="local"), pytest.fail, port=port)


def test_no_open_door_without_a_token() -> None:
    """A host that others reach needs the token."""
    for host in ("0.0.0.0", "::", "192.168.1.5"):
        with pytest.raises(SetupError, match="VOCERO_CONSOLE_TOKEN"):
            serve_desk(Desk(workspace="local"), pytest.fail, host=host)


BROKEN = """
import sys
from contextlib import asynccontextmanager
from adapters.console.desk import Desk
from bots.console import serve_desk
from core.errors import SetupError

print(sorted({name.partition(".")[0] for name in sys.modules} & {"nicegui", "fastapi", "uvicorn"}))

@asynccontextmanager
async def broken(say):
    raise SetupError("No disk space.")
    yield

serve_desk(Desk(workspace="local"), broken, port=0)
"""


def test_a_bot_that_cannot_open_ends_the_console_with_its_reason() -> None:
    """The reason comes out as the error it is; and importing the console alone loads no web framework."""
    command = [sys.executable, "-c", BROKEN]
    done = subprocess.run(command, cwd=ROOT, env=clean(), text=True, capture_output=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("SetupError: No disk space.")
    assert done.stdout.startswith("[]\n")
