"""How 300 `/ask` at once are taken, on stock discord.py, the fake Discord and a real inbox; the model is a script.

    python -m tests.benchmarks.discord [--json] [--asks 300]

The fake shares the process, so its work counts against the times. Measured: the acknowledgements, which Discord wants
within three seconds; what was lost or doubled; and how long after the model's end a streamed answer stands whole.
"""

import argparse
import asyncio
import json
import time
from typing import Any, Final

from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.adapters.discord.conftest import joined
from tests.fakes.brain import Script, brain
from tests.fakes.discord import Call, FakeDiscord, visible
from tests.postgres import APPLICATION, Server

ACK: Final = 3.0  # seconds that Discord gives
FINAL: Final = 1.5  # seconds after the model's end
LOST: Final = 60.0  # seconds after which an answer is counted as lost
SAID: Final = "Refunds take 14 days after the goods arrive [1]."


class Clock(Script):
    """A script that notes when it ended."""

    ended: float = 0.0

    async def _tokens(self, asked: str) -> Any:
        async for token in super()._tokens(asked):
            yield token
        self.ended = time.monotonic()


async def measure(asks: int) -> dict[str, Any]:
    """Ask, and return what was measured."""
    with Server() as server:
        urls = server.database()
        await migrate(urls.admin, APPLICATION)
        async with Database(urls.application) as database:
            return {**await herd(database, asks), **await stream(database)}


async def herd(database: Database, asks: int) -> dict[str, Any]:
    """Let so many people ask at once."""
    fake = FakeDiscord()
    for n in range(asks):
        fake.world.user(f"u{n}")
    async with fake, joined(database, fake=fake, mind=brain(speaker=Script({"refunds": SAID}))):
        begun = time.monotonic()
        calls = await asyncio.gather(
            *(fake.people.slash(f"u{n}", "ask", question=f"how long do refunds take? {n}") for n in range(asks))
        )
        waiting = (call.until(lambda call=call: done(call), LOST) for call in calls)
        await asyncio.gather(*waiting, return_exceptions=True)  # what is late is counted below
        seconds = time.monotonic() - begun
    acks = sorted(call.ack_after or ACK for call in calls)
    return {
        "asks": asks,
        "ack_p50": round(acks[asks // 2], 3),
        "ack_p999": round(acks[min(asks - 1, int(asks * 0.999))], 3),
        "seconds": round(seconds, 2),
        "lost": sum(not done(call) for call in calls),
        "doubled": sum(bool(call.followups) for call in calls),
    }


def done(call: Call) -> bool:
    """Whether the whole answer stands there."""
    return call.original is not None and any(word in visible(call.original) for word in ("Sources", "don't know"))


async def stream(database: Database) -> dict[str, Any]:
    """Let one answer be written slowly, and see how far behind the model its end stands."""
    clock = Clock({"refunds": f"{SAID} Refunds take 14 days [1]. {SAID}"}, pause=0.2)
    async with FakeDiscord() as fake, joined(database, fake=fake, mind=brain(speaker=clock)):
        call = await fake.people.slash("ben", "ask", question="how long do refunds take?")
        await call.until(lambda: done(call), 60)
        return {"edits": len(call.edited), "final_after_model": round(call.edited[-1] - clock.ended, 3)}


def main() -> None:
    """Measure and print; 1 when a bound is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--asks", type=int, default=300)
    given = parser.parse_args()
    figures = asyncio.run(measure(given.asks))
    if given.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:>18}: {value}" for name, value in figures.items()))
    kept = figures["ack_p999"] < ACK and not figures["lost"] and not figures["doubled"]
    raise SystemExit(0 if kept and figures["final_after_model"] <= FINAL else 1)


if __name__ == "__main__":
    main()
