"""Whether every question gets exactly one answer, whatever happens to the processes that answer.

    python -m tests.benchmarks.once [thrice] [crashes] [rolling] [--json] [--events 1000] [--kills 100] [--freezes 25]

Three replicas on stock slack-bolt behind one fake Slack and one real Postgres. Three runs: every event delivered three
times; processes killed with -9 and frozen for longer than their lease; a rolling restart under load. Slack shows no
status here, so every answer begins as a placeholder: one that stays is stale. Lost is what was acknowledged and has no
answer.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from infra.postgres.migrate import migrate
from tests.benchmarks import replica
from tests.fakes.slack import FakeSlack, Message
from tests.fakes.slack.world import BOT
from tests.postgres import APPLICATION, Server

LEASE: Final = 2.0  # seconds; fifteen in production, where a start is not part of the measure
REPLICAS: Final = 3
PATIENCE: Final = 600.0  # seconds for the last answer of a run: a channel takes one post at a time
OUTSTANDING: Final = 24  # questions that wait to be acknowledged: once is measured here, not how many a second
_FORKS: Final = multiprocessing.get_context("forkserver")  # imports once, so that a replica starts at once


@dataclass
class Fleet:
    """The replicas."""

    api_url: str
    database_url: str
    running: list[Any] = field(default_factory=list)

    def start(self) -> None:
        """Start one more."""
        process = _FORKS.Process(target=replica.main, args=(self.api_url, self.database_url, LEASE), daemon=True)
        process.start()
        self.running.append(process)

    def kill(self, dice: random.Random) -> None:
        """Kill one as the kernel would, and start another."""
        victim = self.running.pop(dice.randrange(len(self.running)))
        victim.kill()
        victim.join()
        self.start()

    async def freeze(self, dice: random.Random) -> None:
        """Stop one in the middle of whatever it does, for longer than its lease, and let it go on."""
        victim = dice.choice(self.running)
        os.kill(victim.pid, signal.SIGSTOP)
        await asyncio.sleep(LEASE * dice.uniform(1.2, 1.8))
        if victim.is_alive():
            os.kill(victim.pid, signal.SIGCONT)

    async def replace(self, slack: FakeSlack) -> int:
        """Replace each by a new one as an orchestrator does, and return how many did not end in order."""
        bad = 0
        for old in list(self.running):
            before = slack.delivery.connects
            self.start()
            await slack.settled(lambda before=before: slack.delivery.connects > before, seconds=30)
            old.terminate()
            await asyncio.to_thread(old.join, 40)
            bad += old.exitcode != 0
            self.running.remove(old)
        return bad

    def stop(self) -> None:
        """End all."""
        for process in self.running:
            process.kill()
            process.join()


@asynccontextmanager
async def ground() -> AsyncIterator[tuple[FakeSlack, Fleet]]:
    """Open a fake Slack, a database and the replicas."""
    with Server() as server:
        urls = server.database()
        await migrate(urls.admin, APPLICATION)
        slack = FakeSlack()
        slack.delivery.patience, slack.delivery.again = 3.0, (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
        slack.web.fail["assistant.threads.setStatus"] = ["not_allowed_token_type"] * 1_000_000
        async with slack:
            fleet = Fleet(slack.api_url, urls.application)
            try:
                for _ in range(REPLICAS):
                    fleet.start()
                await slack.settled(lambda: len(slack.delivery.sockets) >= 2 * REPLICAS, seconds=60)
                yield slack, fleet
            finally:
                fleet.stop()


async def say(slack: FakeSlack, n: int, *, deliveries: int) -> tuple[Message, bool]:
    """Let someone ask; return the message and whether any delivery of it was acknowledged."""
    message = slack._keep(f"<@{BOT}> {to_question(n)}", ("ana", "ben")[n % 2], "C0GENERAL", "", [])
    sent = await asyncio.gather(*(slack.send(e) for e in slack.events_of(message) for _ in range(deliveries)))
    return message, any(one.acked for one in sent)


def to_question(n: int) -> str:
    """Return the same question, spelled as none before: it is understood alike and comes from no cache."""
    words = ("how", "long", "do", "refunds", "take", "then?")
    marks = ("", ",", ";", ":", " -")
    return " ".join(word + (marks[n // 5**at % 5] if at < 5 else "") for at, word in enumerate(words))


async def load(slack: FakeSlack, events: int, *, deliveries: int, seconds: float) -> list[tuple[Message, bool]]:
    """Let so many questions be asked in so many seconds."""
    line = asyncio.Semaphore(OUTSTANDING)

    async def ask(n: int) -> tuple[Message, bool]:
        try:
            return await say(slack, n, deliveries=deliveries)
        finally:
            line.release()

    tasks = []
    for n in range(events):
        await line.acquire()
        tasks.append(asyncio.create_task(ask(n)))
        await asyncio.sleep(seconds / events)
    return await asyncio.gather(*tasks)


async def judge(slack: FakeSlack, asked: list[tuple[Message, bool]]) -> dict[str, int]:
    """Wait for the last answer and a little for one too many; count."""
    kept = [message for message, acked in asked if acked]

    def answers(message: Message) -> list[Message]:
        return [m for m in slack.world.thread(message.channel, message.ts) if m.user == BOT]

    def finished(shown: Message) -> bool:
        return bool(shown.metadata.get("event_payload", {}).get("finished"))

    def whole(message: Message) -> bool:
        return any(map(finished, answers(message)))

    end = time.monotonic() + PATIENCE
    while not all(map(whole, kept)) and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    await asyncio.sleep(2 * LEASE)
    said = [m for message, _ in asked for m in answers(message)]
    return {
        "asked": len(asked),
        "unacknowledged": len(asked) - len(kept),
        "answered": sum(map(whole, kept)),
        "lost": sum(not whole(message) for message in kept),
        "doubled": sum(len(answers(message)) > 1 for message, _ in asked),
        "stale": sum(not finished(m) for m in said),
    }


async def thrice(events: int) -> dict[str, Any]:
    """Deliver every event three times, to whichever replica."""
    async with ground() as (slack, _):
        asked = await load(slack, events, deliveries=3, seconds=events / 25)
        return await judge(slack, asked)


async def crashes(events: int, kills: int, freezes: int, *, every: float = 0.7) -> dict[str, Any]:
    """Kill and freeze replicas while they answer."""
    dice = random.Random(9)
    async with ground() as (slack, fleet):
        fates = ["kill"] * kills + ["freeze"] * freezes
        dice.shuffle(fates)
        asking = asyncio.create_task(load(slack, events, deliveries=1, seconds=every * len(fates)))
        frozen = []
        for fate in fates:
            await asyncio.sleep(every * dice.uniform(0.5, 1.5))
            if fate == "kill":
                await asyncio.to_thread(fleet.kill, dice)
            else:
                frozen.append(asyncio.create_task(fleet.freeze(dice)))
        await asyncio.gather(*frozen)
        return {"kills": kills, "freezes": freezes, **await judge(slack, await asking)}


async def rolling(events: int, rounds: int) -> dict[str, Any]:
    """Replace every replica, so many times over, while questions come."""
    async with ground() as (slack, fleet):
        asking = asyncio.create_task(load(slack, events, deliveries=1, seconds=events / 8))
        bad = [await fleet.replace(slack) for _ in range(rounds)]
        return {"replaced": rounds * REPLICAS, "ended_badly": sum(bad), **await judge(slack, await asking)}


def wrong(figures: dict[str, Any]) -> list[str]:
    """Return what breaks the promise."""
    return [name for name in ("lost", "doubled", "stale", "ended_badly") if figures.get(name)]


def main() -> None:
    """Measure and print; 1 when the promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", choices=["thrice", "crashes", "rolling", []], help="default: all three")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--events", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--freezes", type=int, default=25)
    given = parser.parse_args()
    _FORKS.set_forkserver_preload([replica.__name__])
    every: dict[str, Callable[[], Any]] = {
        "thrice": lambda: thrice(given.events),
        "crashes": lambda: crashes(given.events, given.kills, given.freezes),
        "rolling": lambda: rolling(max(60, given.events // 4), 2),
    }
    runs = {}
    for name in given.runs or every:
        runs[name] = asyncio.run(every[name]())
        if not given.json:
            print(f"{name:<10} {runs[name]}", flush=True)
    if given.json:
        print(json.dumps(runs))
    raise SystemExit(1 if any(map(wrong, runs.values())) else 0)


if __name__ == "__main__":
    main()
