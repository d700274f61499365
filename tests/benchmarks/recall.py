"""How much of the truth is found when only a part of the rows may be seen, and how long it takes.

The truth is the exact scan: the same function, told to compare every vector. 200 small workspaces share the tables with
the large one; of those all that is found must be right.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector

from infra.postgres.pool import Connection, Database, _configure, connect
from tests.benchmarks.corpus import Vectors
from tests.benchmarks.ground import LARGE, MODEL, SHARES, Ground, Room
from tests.benchmarks.race import Pace, race
from tests.benchmarks.session import Session, command
from tests.benchmarks.table import Row

WANTED = 10
QUESTIONS = 200
ROOMS = 50  # of the small workspaces are asked
VISIBLE = {scope: share for scope, share in SHARES.items() if scope != "workspace"}
SEARCH = "select chunk from vocero.search(%s, %s, null, %s)"
EXACT = "select chunk from vocero.search(%s, %s, null, %s, exact_chunks => 2000000000)"
FIND = "select chunk from vocero.find(%s, %s, %s, %s, null, %s)"
TELL = "select set_config('vocero.workspace', %s, false), set_config('vocero.scopes', %s::text[]::text, false)"
NOISE = 1.1  # below a fifth of the rows both are the same scan: what differs there is the machine's mood


async def bench(session: Session) -> list[Row]:
    """Return recall and times by share of visible rows, and the recall of the small workspaces."""
    ground = await session.ground()
    vectors = ground.corpus.questions(min(session.times(QUESTIONS), ground.corpus.chunks))[0]
    rows = []
    for scope, share in VISIBLE.items():
        rows += await _visible(session, ground, scope, f"{share:.1%}".replace(".0%", "%"), vectors)
    return [*rows, await _small(ground, vectors)]


async def _visible(session: Session, ground: Ground, scope: str, share: str, vectors: Vectors) -> list[Row]:
    connection = await connect(ground.urls.application)
    try:
        await _configure(connection)
        await connection.execute(TELL, (LARGE, [scope]))
        asked = Asked(connection, vectors)
        found = [await asked.search(SEARCH, number) for number in range(len(vectors))]
        truth = [await asked.search(EXACT, number) for number in range(len(vectors))]
        contestants = {"ours": partial(asked.search, SEARCH), "exact": partial(asked.search, EXACT)}
        rounds = 5 if share == "50%" else 15  # a p95 of one millisecond needs more of them
        paces = await race(contestants, callers=1, rounds=session.times(rounds), each=session.times(100))
    finally:
        await connection.close()
    return _rows(share, to_recall(found, truth), paces)


def _rows(share: str, recall: float, paces: dict[str, Pace]) -> list[Row]:
    ours, exact = paces["ours"], paces["exact"]
    what = f"{share} visible"
    return [
        Row(bench="recall", what=f"recall@{WANTED}, {what}", value=recall, least=0.99),
        Row(
            bench="recall",
            what=f"p95, {what}",
            value=ours.p95,
            unit="ms",
            peer="exact scan",
            theirs=exact.p95,
            most=NOISE,
        ),
    ]


class Asked:
    """The questions, on one connection that has said who asks."""

    def __init__(self, connection: Connection, vectors: Vectors) -> None:
        self._connection = connection
        self._vectors = [HalfVector(vector) for vector in vectors]

    async def search(self, statement: str, number: int) -> list[str]:
        """Return the ids found."""
        vector = self._vectors[number % len(self._vectors)]
        cursor = await self._connection.execute(statement, (vector, MODEL, WANTED), prepare=True, binary=True)
        return [row[0] for row in await cursor.fetchall()]


async def _small(ground: Ground, vectors: Vectors) -> Row:
    rooms = [room for room in ground.rooms if room.workspace != LARGE][::-1][:ROOMS]
    found, truth = [], []
    async with Database(ground.urls.application) as database:
        for room, vector in zip(rooms, np.resize(vectors, (len(rooms), vectors.shape[1])), strict=True):
            asked = (room.workspace, [room.scope], HalfVector(vector), MODEL, WANTED)
            found.append([row[0] for row in await database.fetch(FIND, asked)])
            truth.append(_nearest(ground, room, vector))
    what = f"recall@{WANTED} of small workspaces beside the large"
    return Row(bench="recall", what=what, value=to_recall(found, truth), least=1.0)


def _nearest(ground: Ground, room: Room, vector: NDArray[np.float32]) -> list[str]:
    """Return the true neighbours of a question in a room, from the vectors as they are stored."""
    stored = ground.corpus.vectors[room.first : room.first + room.chunks].astype(np.float16).astype(np.float64)
    asked = vector.astype(np.float16).astype(np.float64)
    cosine = stored @ asked / np.linalg.norm(stored, axis=1)
    return [f"node {room.first + number}" for number in np.argsort(-cosine)[:WANTED]]


def to_recall(found: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> float:
    """Return the mean share of the truth that was found."""
    return float(np.mean([len({*a}.intersection(b)) / len(b) for a, b in zip(found, truth, strict=True)]))


if __name__ == "__main__":
    command(bench)
