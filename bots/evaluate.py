"""`vocero eval`: how good it is, measured on questions that people judged."""

import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bots import tables
from bots.cli import WORKSPACE, Json, Workspace, print_json, quiet, readable, run
from core.audience import EVERYONE
from core.errors import InputError
from core.messages import Arm

if TYPE_CHECKING:
    from bots.wiring import Vocero
    from infra.knowledge.abstaining import Case
    from infra.knowledge.evaluation import Shelved
    from infra.knowledge.judged import Judged

evaluation = typer.Typer(help="Measure on questions that people judged.", no_args_is_help=True, rich_markup_mode=None)
MODES = ("hybrid", "dense", "lexical")
LIMIT = 10
MOST = 50  # documents: four passages are asked for each, and a search gives no more than 200

Step = Callable[[str, int], Callable[[], None]]  # begins a step of so many parts; its result is called after each
Measured = dict[str, Any]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Has corpus.jsonl, queries.jsonl, qrels.tsv.")]
Against = Annotated[Path | None, typer.Option(metavar="FILE", help="Compare with what an earlier --json printed.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(evaluation, name="eval")


@evaluation.command(epilog="Example: vocero eval retrieval judged/ --mode hybrid --json")
def retrieval(
    folder: Folder,
    mode: Annotated[str, typer.Option(help="hybrid, dense or lexical; default: all three.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many documents are looked at.")] = LIMIT,
    against: Against = None,
    as_json: Json = False,
) -> None:
    """Learn the documents of DIR in a workspace of their own, ask its questions, and drop the workspace."""
    from infra.knowledge.judged import read_judged

    if mode and mode not in MODES:
        raise InputError(f"{mode!r} is no way of searching: use hybrid, dense or lexical.")
    modes = (mode,) if mode else MODES
    judged = read_judged(folder)  # bad input is said before anything is started

    async def measure(vocero: "Vocero", shelved: "Shelved", workspace: str, step: Step) -> Measured:
        return await _search(vocero, judged, shelved, workspace, modes, limit, step)

    _measured(judged, measure, tables.of_retrieval, against, as_json)


@evaluation.command(epilog="Example: vocero eval abstention judged/ --against before.json")
def abstention(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Its queries carry answerable: true, false or null.")
    ] = None,
    workspace: Workspace = WORKSPACE,
    apply: Annotated[bool, typer.Option("--apply", help="Set the bar of --workspace by what was measured.")] = False,
    against: Against = None,
    as_json: Json = False,
) -> None:
    """Measure how well questions that the documents answer are told from those they do not.

    Without DIR: the approved answers of --workspace, as they were asked and again without the documents they cite.
    """
    from infra.knowledge.abstaining import to_case
    from infra.knowledge.judged import read_answerable

    name = readable(workspace, "workspace")
    if folder is None:
        _printed(lambda: _own(name, apply, as_json), tables.of_abstention, against, as_json)
        return
    judged = read_answerable(folder)

    async def measure(vocero: "Vocero", shelved: "Shelved", workspace: str, step: Step) -> Measured:  # noqa: ARG001
        meant = [await vocero.bot.understand(query.text, query.before) for query in judged.queries]
        cases, bar_of = [to_case(*pair) for pair in zip(judged.queries, meant, strict=True)], name if apply else ""
        return await _weigh(vocero, cases, workspace, bar_of, step, apply=apply)

    _measured(judged, measure, tables.of_abstention, against, as_json)


@evaluation.command(epilog="Example: vocero eval answers judged/ --arm rag --json")
def answers(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Its queries carry an answer to compare with.")],
    arm: Annotated[list[Arm] | None, typer.Option(help="Several may be given; default: the best that is live.")] = None,
    against: Against = None,
    as_json: Json = False,
) -> None:
    """Ask the questions of DIR as a person would and compare with the right answers and their documents."""
    from infra.knowledge.judged import read_answered

    judged = read_answered(folder)

    async def measure(vocero: "Vocero", shelved: "Shelved", workspace: str, step: Step) -> Measured:
        return await _answer(vocero, judged, shelved, workspace, arm or [], step)

    _measured(judged, measure, tables.of_answers, against, as_json, model=True)


Measure = Callable[["Vocero", "Shelved", str, Step], Awaitable[Measured]]


def _measured(
    judged: "Judged",
    measure: Measure,
    to_lines: Callable[[Measured], list[str]],
    against: Path | None,
    as_json: bool,
    *,
    model: bool = False,
) -> None:
    """Measure and print; compare with the earlier run."""
    _printed(lambda: _try(judged, measure, as_json, model), to_lines, against, as_json)


def _printed(
    measure: Callable[[], Coroutine[Any, Any, Measured]],
    to_lines: Callable[[Measured], list[str]],
    against: Path | None,
    as_json: bool,
) -> None:
    before, began = to_earlier(against), time.monotonic()
    measured = run(measure())
    measured["seconds"] = round(time.monotonic() - began, 1)
    if before is not None:
        measured["against"] = tables.compared(measured, before)
    if as_json:
        print_json(measured)
    else:
        print("\n".join(to_lines(measured)))


def to_earlier(file: Path | None) -> Measured | None:
    """Read what an earlier run printed. InputError."""
    if file is None:
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(found["rows"], dict):
            raise TypeError
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} is not what vocero eval printed with --json: run that first.") from error
    return dict(found)


async def _try(judged: "Judged", measure: Measure, as_json: bool, model: bool) -> Measured:
    """Learn the documents in a workspace of their own, measure, and drop it."""
    from infra.knowledge.evaluation import learn_all

    async with _trial(as_json, model) as (vocero, workspace):
        with _steps(shown=sys.stderr.isatty() and not as_json) as step:
            shelved = await learn_all(vocero.librarian, judged, workspace, step("learning", len(judged.corpus)))
            for line in tables.to_warnings([f"{one.source}: {one.reason}" for one in shelved.failed]):
                print(line, file=sys.stderr)
            return await measure(vocero, shelved, workspace, step)


@asynccontextmanager
async def _trial(as_json: bool, model: bool) -> AsyncIterator[tuple["Vocero", str]]:
    from bots.wiring import open_endpoints, open_vocero
    from infra.postgres.trial import trial
    from infra.settings import read_settings

    settings, say = read_settings(), quiet(as_json)
    async with (
        open_endpoints(settings, say=say, model=False, redis=False) as ends,
        open_vocero(settings, say=say, model=model or settings.rewrite, redis=model) as vocero,
        trial(ends.database) as workspace,
    ):
        yield vocero, workspace


async def _search(
    vocero: "Vocero",
    judged: "Judged",
    shelved: "Shelved",
    workspace: str,
    modes: tuple[str, ...],
    limit: int,
    step: Step,
) -> Measured:
    from infra.knowledge.evaluation import rank, scores

    measured: Measured = {}
    rows: Measured = {}
    meant = {query.id: await vocero.bot.understand(query.text, query.before) for query in judged.queries}
    for mode in modes:
        ranked, asked = [], step(f"asking, {mode}", len(judged.queries))
        of = rank(vocero.knowledge, judged, shelved, workspace=workspace, mode=mode, limit=limit, meant=meant)
        async for one in of:
            ranked.append(one)
            asked()
        measured[mode] = scores(ranked, limit)
        rows[mode] = {q.id: scores([one], limit) for q, one in zip(judged.queries, ranked, strict=True)}
    shelf = await vocero.knowledge.shelf(workspace, EVERYONE)
    return {**measured, "n": len(judged.queries), "chunks": shelf.chunks, "rows": rows}


async def _own(workspace: str, apply: bool, as_json: bool) -> Measured:
    """Measure on a workspace's own documents and approved answers. InputError where there are none."""
    from bots.wiring import open_database, open_vocero
    from infra.knowledge.abstaining import to_cases
    from infra.postgres.examples import PostgresExamples
    from infra.settings import read_settings

    settings, say = read_settings(), quiet(as_json)
    async with open_database(settings, say=say) as database:
        cases = to_cases(await PostgresExamples(database).listed(workspace))
    if not cases:
        raise InputError(f"Nobody has approved an answer with sources in {workspace}: approve some, or name a DIR.")
    async with open_vocero(settings, say=say, model=False, redis=False) as vocero:
        with _steps(shown=sys.stderr.isatty() and not as_json) as step:
            return await _weigh(vocero, cases, workspace, workspace, step, apply=apply)


async def _weigh(
    vocero: "Vocero", cases: "Sequence[Case]", workspace: str, bar_of: str, step: Step, *, apply: bool
) -> Measured:
    """Measure with the bar of a workspace, the default for none, and set that if asked."""
    from core.bar import DEFAULT, calibrated
    from infra.knowledge.abstaining import intervals, measures, weigh

    bar = await vocero.bars.bar(bar_of) if bar_of else DEFAULT
    weighed, asked = [], step("asking", len(cases))
    async for one in weigh(vocero.knowledge, vocero.embedder, cases, workspace=workspace, bar=bar):
        weighed.append(one)
        asked()
    found: Measured = {name: round(value, 4) for name, value in measures(weighed).items()}
    found |= {"n": len(weighed), "bar": asdict(bar), "intervals": intervals(weighed)}
    fitted = calibrated(*([one.strength for one in weighed if one.answerable is kind] for kind in (True, False)))
    found["fitted"] = asdict(fitted) if fitted else None
    if apply:
        if fitted is None:
            raise InputError("There are too few questions to fit a bar on: give at least 20 of each kind.")
        await vocero.bars.keep(bar_of, fitted, by="eval")
    return found | {"rows": {"gate": {one.id: asdict(one) for one in weighed}}}


async def _answer(
    vocero: "Vocero", judged: "Judged", shelved: "Shelved", workspace: str, arms: list[Arm], step: Step
) -> Measured:
    from infra.knowledge.answering import answers, summary

    found: Measured = {}
    intervals: Measured = {}
    rows: Measured = {}
    several: list[Arm | None] = [*arms] or [None]
    for arm in several:
        name, asked = str(arm or Arm.RAG), step(f"asking, {arm or 'default'}", len(judged.queries))
        rows[name] = {}
        of = answers(vocero.bot, vocero.chat.memory, judged.queries, shelved, workspace=workspace, arm=arm)
        async for one, row in of:
            rows[name][one] = row
            asked()
        found[name], intervals[name] = summary(rows[name])
    return {**found, "n": len(judged.queries), "intervals": intervals, "rows": rows}


@contextmanager
def _steps(*, shown: bool) -> Iterator[Step]:
    """Show a progress bar for each step, on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not shown) as bars:

        def step(name: str, parts: int) -> Callable[[], None]:
            bar = bars.add_task(name, total=parts)
            return lambda: bars.advance(bar)

        yield step
