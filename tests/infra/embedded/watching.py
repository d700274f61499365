"""What the tests see from outside: processes, and whether servers answer to a stock client."""

import asyncio
import json
import os
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
import redis.asyncio

from infra.embedded import Endpoints
from infra.embedded.home import at, held

ROOT = Path(__file__).parents[3]


def everybody(home: Path) -> dict[int, str]:
    """Pid and command line of a home's supervisor, of its servers and what was left of them, zombies excepted."""
    noted = {json.loads(file.read_text())["pid"] for file in at(home).run.glob("*.pid")}
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            words = " ".join(process.cmdline())
            if words and (process.pid in noted or str(home) in words) and process.pid != os.getpid():
                found[process.pid] = words
    return found


def supervisor(home: Path) -> int:
    """The pid of the living supervisor."""
    return int(json.loads(at(home).state.read_text())["pid"])


def server(home: Path, service: str) -> int:
    """The pid of a server, 0 while it has none."""
    try:
        return int(json.loads(at(home).pid(service).read_text())["pid"])
    except FileNotFoundError:
        return 0


def lives(home: Path) -> bool:
    """Whether a supervisor holds the home's lock."""
    return at(home).lock.exists() and held(at(home).lock)


async def until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Wait for something to come true; a test that waits too long fails here."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        await asyncio.sleep(0.02)


async def answer(endpoints: Endpoints) -> bool:
    """Whether every server named there answers a stock client that gives its password."""
    try:
        if endpoints.database_url:
            async with await psycopg.AsyncConnection.connect(endpoints.database_url, connect_timeout=2) as connection:
                await connection.execute("SELECT 1")
        if endpoints.redis_url:
            async with redis.asyncio.from_url(endpoints.redis_url, socket_timeout=2) as client:
                await client.ping()
        if endpoints.model_url:
            async with httpx2.AsyncClient(base_url=endpoints.model_url) as client:
                token = {"Authorization": f"Bearer {endpoints.model_token}"}
                (await client.get("/v1/models", headers=token)).raise_for_status()
    except (OSError, psycopg.Error, redis.RedisError, httpx2.HTTPError):
        return False
    return True


async def answer_again(endpoints: Endpoints, seconds: float = 20) -> None:
    """Wait until every server answers at the addresses it had."""
    end = time.monotonic() + seconds
    while not await answer(endpoints):
        assert time.monotonic() < end, "did not come back"
        await asyncio.sleep(0.05)


async def client(
    home: Path, wanted: str, *, stays: bool = False, prefix: tuple[str, ...] = ()
) -> asyncio.subprocess.Process:
    """Start another program that joins a home, prints its endpoints as a line, and then stays or goes on its way."""
    body = "await asyncio.to_thread(sys.stdin.read)" if stays else "pass"
    program = f"""
        import asyncio, dataclasses, json, os, sys
        from pathlib import Path
        from infra.embedded import EmbeddedError, Wanted, join
        async def main():
            try:
                async with join(Path(sys.argv[1]), Wanted({wanted})) as endpoints:
                    print(json.dumps(dataclasses.asdict(endpoints)), flush=True)
                    {body}
            except EmbeddedError as error:
                print(json.dumps({{"error": str(error)}}), flush=True)
        asyncio.run(main())
    """
    return await asyncio.create_subprocess_exec(
        *(*prefix, sys.executable, "-c", textwrap.dedent(program), home),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )


async def said(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """The line a client printed."""
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(await process.stdout.readline())
    return line
