"""The soak: `make soak` lets `vocero run slack` answer for an hour at five questions a second and watches it grow.

    python -m tests.benchmarks.soak [--minutes 60] [--rate 5] [--json]

Real are the process, PostgreSQL and Redis; fake are Slack and the model, which answers at once. Looked at every ten
seconds through the operator's port, as an operator would: memory, lateness of the event loop, errors. In the database:
the bytes of every table. What must hold: memory grows less than 1 MB an hour after the first fifth, the loop is late by
less than 50 ms at 99 %, every question gets one answer, and no table grows that no rule bounds (which of them are, says
tests/infra/postgres/test_retention.py).
"""

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes.slack import FakeSlack
from tests.fakes.slack.world import BOT, User
from tests.fakes.tgi import FakeTgi
from tests.postgres import Server

ROOT = Path(__file__).parents[2]
EVERY = 10.0  # seconds between looks
PEOPLE, CHANNELS = 400, 60  # so many that no limit of a person or a channel is met at five a second
FORGET = 300.0  # seconds after which the fakes forget what they saw: their memory is not ours
ASKED = (
    "How long do refunds take?",
    "When does the workshop open?",
    "Does the warranty cover mildew?",
    "What does the Heron 6 cost?",
    "Who repairs torn seams?",
)


async def soak(minutes: float, rate: float) -> dict[str, Any]:
    """Run it and return what was seen."""
    with tempfile.TemporaryDirectory(prefix="vocero-soak-") as home, Server() as server:
        urls = server.database()
        settings = {"VOCERO_HOME": home, "VOCERO_DATABASE_URL": urls.application, "VOCERO_LIMIT_WORKSPACE": "off"}
        await teach(settings, urls.admin)
        async with FakeSlack() as slack, FakeTgi(text="Refunds take 14 days [1].") as tgi:
            people(slack)
            async with running({**settings, "VOCERO_MODEL_URL": tgi.url}, slack) as port:
                figures = judge(await watch(slack, tgi, port, urls.admin, minutes, rate), minutes, rate)
                print(json.dumps(figures, indent=1), flush=True)  # now: what comes is only the end
            tgi.problems.clear()
    return figures


async def teach(settings: dict[str, str], admin: str) -> None:
    """Make the tables and teach the handbook."""
    for words in (
        ["migrate", "--admin-url", admin],
        ["docs", "add", str(ROOT / "infra/handbook/documents"), "--wait", "-w", "slack/T0TEAM"],
    ):
        process = await start(settings, *words)
        assert await process.wait() == 0, words


async def start(settings: dict[str, str], *words: str, **more: Any) -> "asyncio.subprocess.Process":
    """Start a command."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("VOCERO_", "SLACK_", "DISCORD_"))}
    code = "from bots.cli import main; main()"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *words), cwd=ROOT, env={**kept, **settings}, **more
    )


def people(slack: FakeSlack) -> None:
    """Let there be many people and channels."""
    from tests.fakes.slack.world import Channel

    for n in range(PEOPLE):
        slack.world.add_user(User(id=f"U{n:08d}", name=f"person{n}"))
    for n in range(CHANNELS):
        members = [BOT, *(f"U{k:08d}" for k in range(n, PEOPLE, CHANNELS))]
        slack.world.channels[f"C{n:08d}"] = Channel(id=f"C{n:08d}", name=f"room{n}", members=members)


@asynccontextmanager
async def running(settings: dict[str, str], slack: FakeSlack) -> AsyncIterator[str]:
    """Run the bot; yield the address of its operator's port."""
    more = {
        "SLACK_BOT_TOKEN": "xoxb-test",
        "SLACK_APP_TOKEN": "xapp-test",
        "SLACK_API_URL": slack.api_url,
        "VOCERO_OPERATOR_BIND": "127.0.0.1:0",
    }
    process = await start({**settings, **more}, "run", "slack", stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    port = ""
    try:
        async with asyncio.timeout(120):
            while b"answers in" not in (line := await process.stdout.readline()):
                assert line, "it ended instead of starting"
                if line.startswith(b"For operators: "):
                    port = line.decode().split()[2].removesuffix("/statusz")
        yield port
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(120):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def watch(slack: FakeSlack, tgi: FakeTgi, port: str, admin: str, minutes: float, rate: float) -> dict[str, Any]:
    """Ask and look; return the looks."""
    dice, looks, asked = random.Random(5), [], 0
    tasks: set[asyncio.Task[Any]] = set()
    begun = last = time.monotonic()
    first = tables(admin)
    async with aiohttp.ClientSession() as session:
        looks.append(await look(session, port))
        while time.monotonic() - begun < minutes * 60:
            await asyncio.sleep(max(0.0, begun + asked / rate - time.monotonic()))
            task = asyncio.create_task(ask(slack, dice, asked))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            asked += 1
            if time.monotonic() - last >= EVERY:
                last = time.monotonic()
                looks.append({"at": last - begun, **await look(session, port)})
                forget(slack, tgi)
        await asyncio.gather(*tasks, return_exceptions=True)
        await settle(session, port, asked)
        looks.append({"at": time.monotonic() - begun, **await look(session, port)})
    return {"asked": asked, "looks": looks[1:], "first": first, "last": tables(admin)}


async def ask(slack: FakeSlack, dice: random.Random, n: int) -> None:
    """Let somebody ask something, mostly what was asked before in other words."""
    channel = dice.randrange(CHANNELS)
    person = dice.randrange(channel, PEOPLE, CHANNELS)
    text = f"<@{BOT}> {dice.choice(ASKED)} Case {n if n % 3 else n % 50}."
    message = slack._keep(text, f"person{person}", f"C{channel:08d}", "", [])
    await asyncio.gather(*(slack.send(event) for event in slack.events_of(message)))


def forget(slack: FakeSlack, tgi: FakeTgi) -> None:
    """Let the fakes forget what is old."""
    tgi.seen.clear()
    slack.deliveries.clear()
    limit = slack.world.clock() - FORGET
    for key in [key for key, message in slack.world.messages.items() if float(message.ts) < limit]:
        del slack.world.messages[key]


async def settle(session: aiohttp.ClientSession, port: str, asked: int) -> None:
    """Wait until all that was asked is answered, a minute at most."""
    until = time.monotonic() + 60
    while (await look(session, port))["answered"] < asked and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(1)


async def look(session: aiohttp.ClientSession, port: str) -> dict[str, Any]:
    """Return what the operator's port says."""
    async with session.get(f"{port}/metrics") as response:
        text = await response.text()
    found: dict[str, Any] = {"answered": 0.0, "failed": 0.0, "lag": {}}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "process_resident_memory_bytes":
                found["rss"] = sample.value
            elif sample.name == "vocero_answers_total":
                found["answered"] += sample.value
                found["failed"] += sample.value if sample.labels["outcome"] in ("failed", "refused") else 0
            elif sample.name == "vocero_eventloop_lag_seconds_bucket":
                found["lag"][float(sample.labels["le"])] = sample.value
            elif sample.name == "vocero_inbox_depth":
                found["waiting"] = sample.value
    return found


def tables(admin: str) -> dict[str, tuple[int, int]]:
    """Return bytes and rows of every table."""
    with psycopg.connect(admin, autocommit=True) as connection:
        names = [
            name
            for (name,) in connection.execute(
                "select oid::regclass::text from pg_class where relkind = 'r'"
                " and relnamespace in (select oid from pg_namespace where nspname like 'vocero%') order by 1"
            )
        ]
        return {
            name: connection.execute(
                f"select pg_total_relation_size('{name}'), (select count(*) from {name})"
            ).fetchone()  # type: ignore[misc]
            for name in names
        }


def judge(seen: dict[str, Any], minutes: float, rate: float) -> dict[str, Any]:
    """Return the figures."""
    looks = seen["looks"]
    late = [one for one in looks if one["at"] > minutes * 60 / 5]
    slope = statistics.linear_regression([one["at"] for one in late], [one["rss"] for one in late]).slope
    end, begin = looks[-1]["lag"], late[0]["lag"]
    lag = {bound: end[bound] - begin[bound] for bound in end}
    whole = lag[float("inf")]
    grown = {
        name: {"bytes": size - seen["first"][name][0], "rows": rows - seen["first"][name][1]}
        for name, (size, rows) in seen["last"].items()
        if rows != seen["first"][name][1]
    }
    return {
        "minutes": minutes,
        "rate": rate,
        "asked": seen["asked"],
        "answered": int(looks[-1]["answered"]),
        "failed": int(looks[-1]["failed"]),
        "rss_mb": [round(looks[0]["rss"] / 1e6, 1), round(looks[-1]["rss"] / 1e6, 1)],
        "rss_mb_by_answers": {
            int(one["answered"]): round(one["rss"] / 1e6, 1) for one in looks[:: len(looks) // 12 or 1]
        },
        "rss_slope_mb_per_hour": round(slope * 3600 / 1e6, 2),
        "loop_lag_p99_below_s": min(bound for bound, n in lag.items() if n >= 0.99 * whole),
        "most_waiting": int(max(one.get("waiting", 0) for one in looks)),
        "grown": grown,
    }


def main() -> None:
    """Run, print, and fail when a promise does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=5)
    options = parser.parse_args()
    figures = asyncio.run(soak(options.minutes, options.rate))
    wrong = [
        *(["not every question was answered"] if figures["answered"] < figures["asked"] else []),
        *(["answers failed"] if figures["failed"] else []),
        *(["memory grows"] if figures["rss_slope_mb_per_hour"] >= 1 else []),
        *(["the event loop is late"] if figures["loop_lag_p99_below_s"] > 0.05 else []),
    ]
    if wrong:
        sys.exit(f"soak: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
