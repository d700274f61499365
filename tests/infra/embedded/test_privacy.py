"""Who may reach the servers: this machine, with the password, and nobody else."""

import json
import os
import signal
import stat
from pathlib import Path

import httpx2
import psutil
import psycopg
import pytest
import redis.asyncio

from tests.infra.embedded.conftest import Running
from tests.infra.embedded.watching import ROOT, client, everybody, said, server, supervisor

SERVICES = ("database", "redis", "model")
LAUNCH = ROOT / "infra" / "embedded" / "launch.py"


async def test_every_server_listens_on_loopback_only(running: Running) -> None:
    """Nothing on this laptop is offered to its network."""
    for service in SERVICES:
        process = psutil.Process(server(running.home, service))
        listening = [c.laddr.ip for c in process.net_connections("all") if c.status == psutil.CONN_LISTEN]
        assert listening == ["127.0.0.1"], service


async def test_a_wrong_password_is_refused(running: Running) -> None:
    """And so is none."""
    url = running.endpoints.database_url or ""
    wrong = f"postgresql://vocero:wrong@{url.rpartition('@')[2]}"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await psycopg.AsyncConnection.connect(wrong)
    for password in ("", ":wrong@"):
        address = f"redis://{password}{str(running.endpoints.redis_url).rpartition('@')[2]}"
        async with redis.asyncio.from_url(address) as intruder:
            with pytest.raises(redis.exceptions.AuthenticationError):
                await intruder.ping()


async def test_the_model_wants_its_key_and_no_web_page(running: Running) -> None:
    """A page that its owner visits can neither ask nor read."""
    async with httpx2.AsyncClient(base_url=running.endpoints.model_url or "") as http:
        question = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}
        for token in ({}, {"Authorization": "Bearer wrong"}):
            assert (await http.post("/v1/chat/completions", json=question, headers=token)).status_code == 401
        for path in ("/v1/models", "/props", "/metrics"):
            assert (await http.get(path)).status_code in (401, 404)
        evil = await http.get("/health", headers={"Origin": "https://evil.example"})
        assert evil.headers.get("access-control-allow-origin") in (None, "", "http://localhost")


async def test_the_model_speaks_the_messages_api_with_events(running: Running) -> None:
    """What TGI, vLLM and SGLang share."""
    body = {
        "model": running.endpoints.model_name,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello."}],
        "max_tokens": 4,
        "stream": True,
    }
    token = {"Authorization": f"Bearer {running.endpoints.model_token}"}
    async with (
        httpx2.AsyncClient(base_url=running.endpoints.model_url or "", timeout=30) as http,
        http.stream("POST", "/v1/chat/completions", json=body, headers=token) as answer,
    ):
        lines = [line async for line in answer.aiter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    pieces = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces if piece["choices"])


async def test_files_are_for_their_owner_only(running: Running) -> None:
    """Passwords lie in two files, and no folder lets anybody in."""
    for path in [running.home, *running.home.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


async def test_no_list_of_processes_shows_a_password(running: Running) -> None:
    """Neither an argument nor the environment of the supervisor holds one, nor any token of ours."""
    secrets = [value for of in json.loads((running.home / "credentials.json").read_text()).values()
               for name, value in of.items() if name not in ("port", "checked")]  # fmt: skip
    assert len(secrets) == 4
    for process in map(psutil.Process, everybody(running.home)):
        seen = " ".join([*process.cmdline(), *process.environ().values()])
        assert not any(secret in seen for secret in secrets), process.cmdline()
        assert not [name for name in process.environ() if "TOKEN" in name]


async def test_nothing_that_listens_is_root(running: Running) -> None:
    """As root the servers run as somebody else; as an ordinary user they run as that user."""
    for service in SERVICES:
        uid = psutil.Process(server(running.home, service)).uids().effective
        assert uid != 0
        assert os.geteuid() in (0, uid)
    assert psutil.Process(supervisor(running.home)).uids().effective == os.geteuid()


@pytest.mark.slow
async def test_an_ordinary_user_can_do_it_all(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Empty home, no rights; a home that is not theirs is one sentence."""
    prefix: tuple[str, ...] = ()
    home = tmp_path_factory.mktemp("ordinary")
    if os.geteuid() == 0:
        os.chown(home, 65534, 65534)
        # Python itself may lie below /root: as `nobody`, but able to read.
        prefix = ("python", "-I", "-S", str(LAUNCH), str(os.getpid()), str(int(signal.SIGTERM)), "65534", "65534")
    prefix = (os.sys.executable, *prefix[1:]) if prefix else ()
    user = await client(home / "home", "database=True, redis=True, model=True", prefix=prefix)
    told = await said(user)
    await user.communicate(b"")
    assert user.returncode == 0
    assert told["database_url"]
    assert told["notes"] == []
    owners = {path.stat().st_uid for path in (home / "home").rglob("*")}
    assert owners == {65534 if os.geteuid() == 0 else os.geteuid()}
    os.kill(supervisor(home / "home"), signal.SIGTERM)

    forbidden = Path("/vocero") if os.geteuid() else tmp_path_factory.mktemp("roots")
    stranger = await client(forbidden / "home", "redis=True", prefix=prefix)
    assert "may not be written by this user: set VOCERO_HOME" in (await said(stranger))["error"]
    await stranger.communicate(b"")
