"""All benchmarks as one table, printed and written to docs/benchmarks.md."""

import asyncio
import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from tests.benchmarks import (
    abstention,
    answers,
    citations,
    engine,
    faithfulness,
    ingest,
    injection,
    overhead,
    recall,
    replace,
    retrieval,
    store,
)
from tests.benchmarks.session import CHUNKS, run, to_options
from tests.benchmarks.table import to_markdown

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
PACKAGES = ("llama-index-core", "llama-index-vector-stores-postgres", "psycopg", "asyncpg", "pgvector", "numpy")
TEXT = """\
# Benchmarks

Measured by `make bench` on {date}: {machine}; PostgreSQL 18 with pgvector 0.8.5 as embedded; {chunks:,} chunks of
{dimensions} dimensions; {packages}.

Trust the ratios, not the times: the contestants take turns, round by round, on the same server and the same rows. The
store is asked as the application's plain role under row-level security; its peers are not, which is easier on them.
`asked` is the bound that the ratio, or the number where there is no peer, must keep. What each does is told at the top
of its file in `tests/benchmarks/`; why the defaults are what they are, in [retrieval.md](retrieval.md) and
[abstention.md](abstention.md).

{table}
"""


def main() -> None:
    """Run, print, write."""
    options = to_options()
    benches = [store.bench, recall.bench, engine.bench, replace.bench, overhead.bench, answers.bench, retrieval.bench]
    benches += [abstention.bench, citations.bench, faithfulness.bench, injection.bench]
    if (options.data / ingest.SET).is_dir():
        benches.append(ingest.bench)
    rows = asyncio.run(run(benches, options))
    table = to_markdown(rows)
    print(json.dumps([row.to_json() for row in rows], indent=1) if options.json else table)
    if options.chunks == CHUNKS:  # a small run proves nothing
        PAGE.write_text(to_page(table, options.chunks), encoding="utf-8")


def to_page(table: str, chunks: int) -> str:
    """Return the page around a table: when, on what, with which packages."""
    memory = round(psutil.virtual_memory().total / 2**30)
    machine = f"{platform.system()} on {platform.machine()}, {psutil.cpu_count()} cores, {memory} GB of memory"
    return TEXT.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=machine,
        chunks=chunks,
        dimensions=384,
        packages=", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)]),
        table=table,
    )


if __name__ == "__main__":
    main()
