"""All benchmarks as one table, printed and written to docs/benchmarks.md."""

import asyncio
import json
import platform
import sys
from dataclasses import asdict
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
    flood,
    grammar,
    ingest,
    injection,
    overhead,
    recall,
    replace,
    retrieval,
    store,
    wordings,
)
from tests.benchmarks.session import CHUNKS, Bench, run, to_parser
from tests.benchmarks.table import Row, to_markdown

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
KEPT = Path(__file__).parents[2] / ".bench_cache"  # the newest rows of each benchmark
BENCHES: dict[str, Bench] = {
    module.__name__.rpartition(".")[2]: module.bench
    for module in (
        *(store, recall, engine, replace, overhead, flood, answers, retrieval),
        *(abstention, citations, faithfulness, injection, grammar, wordings, ingest),
    )
}
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
    """Run, print, keep; the page is made of what is kept, so that an hour's run may be broken off and gone on with."""
    parser = to_parser()
    parser.add_argument(
        "only", nargs="*", choices=[*BENCHES, []], metavar="NAME", help="of the benchmarks; default: all"
    )
    options = parser.parse_args()
    found = {bench: name for name, bench in BENCHES.items() if name in (options.only or BENCHES)}
    if not (options.data / ingest.SET).is_dir():
        found.pop(ingest.bench, None)

    def keep(bench: Bench, rows: list[Row]) -> None:
        print(f"{found[bench]} has ended", file=sys.stderr, flush=True)
        if options.chunks == CHUNKS and options.scale == 1:  # a small run proves nothing
            KEPT.mkdir(exist_ok=True)
            kept = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "rows": [asdict(row) for row in rows]}
            (KEPT / f"{found[bench]}.json").write_text(json.dumps(kept), encoding="utf-8")
            write_page()

    rows = asyncio.run(run(list(found), options, ended=keep))
    print(json.dumps([row.to_json() for row in rows], indent=1) if options.json else to_markdown(rows))


def write_page() -> None:
    """Make the page of the newest rows of each benchmark."""
    kept = [json.loads(file.read_text()) for name in BENCHES if (file := KEPT / f"{name}.json").exists()]
    rows = [Row(**row) for one in kept for row in one["rows"]]
    dates = sorted({one["date"] for one in kept})
    date = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    PAGE.write_text(to_page(to_markdown(rows), CHUNKS, date=date), encoding="utf-8")


def to_page(table: str, chunks: int, *, date: str) -> str:
    """Return the page around a table: when, on what, with which packages."""
    memory = round(psutil.virtual_memory().total / 2**30)
    machine = f"{platform.system()} on {platform.machine()}, {psutil.cpu_count()} cores, {memory} GB of memory"
    return TEXT.format(
        date=date,
        machine=machine,
        chunks=chunks,
        dimensions=384,
        packages=", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)]),
        table=table,
    )


if __name__ == "__main__":
    main()
