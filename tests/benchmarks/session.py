"""One run of benchmarks: its options, its server, and what several benchmarks share; and the command line of each."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.ground import Ground, load
from tests.benchmarks.table import Row, to_markdown
from tests.postgres import Server

CHUNKS = 100_000
# A server as one would run it: the tables and indexes of all contestants fit into its memory
SETTINGS = {"shared_buffers": "1500MB", "work_mem": "16MB", "max_connections": "80"}
DATA = Path(__file__).parents[2] / "../shared/data"


@dataclass(slots=True)
class Session:
    """What a benchmark is given. `data` holds the judged sets; `scale` in (0, 1] shortens what is only repeated."""

    server: Server
    chunks: int = CHUNKS
    data: Path = DATA
    scale: float = 1.0
    _ground: Ground | None = field(default=None, init=False)

    async def ground(self) -> Ground:
        """Return the large database, loaded by whoever asks first."""
        if self._ground is None:
            self._ground = await load(self.server.database(), self.chunks)
        return self._ground

    def times(self, count: int) -> int:
        """Return how often to repeat what a full run repeats `count` times."""
        return max(2, round(count * self.scale))


Bench = Callable[[Session], Awaitable[list[Row]]]


def command(bench: Bench) -> None:
    """Run one benchmark by its options and print its rows."""
    options = to_parser().parse_args()
    rows = asyncio.run(run([bench], options))
    print(json.dumps([row.to_json() for row in rows], indent=1) if options.json else to_markdown(rows))


def to_parser() -> argparse.ArgumentParser:
    """Return the options that all benchmarks share."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--chunks", type=int, default=CHUNKS, help="of the large workspace (100000)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the repetitions (1)")
    parser.add_argument("--data", type=Path, default=DATA, help="has the judged sets claude-docs and codebase")
    return parser


async def run(
    benches: Sequence[Bench],
    options: argparse.Namespace,
    *,
    ended: Callable[[Bench, list[Row]], None] = lambda *_: None,
) -> list[Row]:
    """Run benchmarks after one another on one server; `ended` hears of each when it is done."""
    rows: list[Row] = []
    with Server(settings=SETTINGS) as server:
        session = Session(server, chunks=options.chunks, data=options.data, scale=options.scale)
        for bench in benches:
            found = await bench(session)
            ended(bench, found)
            rows += found
    return rows
