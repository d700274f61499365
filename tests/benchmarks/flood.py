"""What a flood in one channel costs everybody else: how long their questions take, with it and without.

The real inbox on PostgreSQL and the real reception with its 32 places; each work takes as long as a short generation.
In one channel somebody pastes a thousand questions at once, while elsewhere people ask one every tenth of a second. The
limits, which would refuse most of the flood, are left out: only the fair queue stands between them.
"""

import asyncio
import time
from dataclasses import dataclass, field

from core.inbox import Arrival
from core.reception import Held, Reception
from infra.postgres.inbox import PostgresInbox
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.benchmarks.session import Session, command
from tests.benchmarks.table import Row
from tests.postgres import APPLICATION

MOST = 1.5  # times as long as without the flood, at 95 %
WORK = 0.5  # seconds of an answer
PASTED = 1_000  # questions of the flood
ASKED = 150  # of everybody else, in twenty channels
EVERY = 0.1  # seconds between them
CHANNELS = 20
PATIENCE = 300.0


@dataclass
class Answers:
    """A handler that takes its time, and notes when each work ended."""

    ended: dict[str, float] = field(default_factory=dict)

    async def handle(self, held: Held) -> str:
        """Answer."""
        await asyncio.sleep(WORK)
        await held.own()
        self.ended[held.work.arrival.event_key] = time.perf_counter()
        return "done"

    async def give_up(self, held: Held) -> None:
        """Nobody is given up here."""
        raise AssertionError(held)


async def bench(session: Session) -> list[Row]:
    """Return how long others wait at 95 % during a flood, beside how long without one."""
    asked, pasted = session.times(ASKED), session.times(PASTED)
    urls = session.server.database()
    await migrate(urls.admin, APPLICATION)
    async with Database(urls.application) as database:
        calm, _ = await _ask(database, "slack/TCALM", asked, 0)
        flooded, left = await _ask(database, "slack/TFLOOD", asked, pasted)
    return [
        Row(
            bench="flood",
            what=f"an answer elsewhere, p95, while {pasted:,} questions of one channel wait",
            value=flooded,
            unit="s",
            peer="without them",
            theirs=calm,
            most=MOST,
        ),
        Row(bench="flood", what="of these still waiting when the others were answered", value=left / pasted),
    ]


async def _ask(database: Database, workspace: str, asked: int, pasted: int) -> tuple[float, int]:
    """Return the others' seconds at 95 %, and how much of the flood was left when they had been answered."""
    handler, begun = Answers(), dict[str, float]()
    async with Reception(PostgresInbox(database), handler, platform=workspace) as reception:
        flood = [_arrival(workspace, f"f{n}", f"LOUD/{n}") for n in range(pasted)]
        pasting = asyncio.create_task(_paste(reception, flood))
        for n in range(asked):
            await asyncio.sleep(EVERY)
            begun[f"q{n}"] = time.perf_counter()
            await reception.accept(_arrival(workspace, f"q{n}", f"C{n % CHANNELS}/{n}"))
        async with asyncio.timeout(PATIENCE):
            while not begun.keys() <= handler.ended.keys():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            left = pasted - sum(key in handler.ended for key in (one.event_key for one in flood))
            await pasting
            while len(handler.ended) < asked + pasted:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    took = sorted(handler.ended[key] - start for key, start in begun.items())
    return took[min(len(took) - 1, round(0.95 * len(took)))], left


async def _paste(reception: Reception, flood: list[Arrival]) -> None:
    for one in flood:
        await reception.accept(one)


def _arrival(workspace: str, event: str, where: str) -> Arrival:
    who = where.partition("/")[0]
    return Arrival(
        workspace=workspace, event_key=event, conversation=f"{workspace}/{where}", payload={"from": f"of {who}"}
    )


if __name__ == "__main__":
    command(bench)
