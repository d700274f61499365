"""`vocero eval`: how good it is, measured on questions that people judged."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bots.cli import Json, print_json, quiet, run
from core.audience import EVERYONE
from core.errors import InputError

evaluation = typer.Typer(help="Measure on questions that people judged.", no_args_is_help=True, rich_markup_mode=None)
MODES = ("hybrid", "dense", "lexical")
LIMIT = 10
MOST = 50  # documents: four passages are asked for each, and a search gives no more than 200
REASONS = 3  # shown of documents that could not be learned; the rest is counted

Step = Callable[[str, int], Callable[[], None]]  # begins a step of so many parts; its result is called after each


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(evaluation, name="eval")


@evaluation.command(epilog="Example: vocero eval retrieval judged/ --mode hybrid --json")
def retrieval(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Has corpus.jsonl, queries.jsonl, qrels.tsv.")],
    mode: Annotated[str, typer.Option(help="hybrid, dense or lexical; default: all three.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many documents are looked at.")] = LIMIT,
    as_json: Json = False,
) -> None:
    """Learn the documents of DIR in a workspace of their own, ask its questions, and drop the workspace."""
    if mode and mode not in MODES:
        raise InputError(f"{mode!r} is no way of searching: use hybrid, dense or lexical.")
    began = time.monotonic()
    measured = run(_measure(folder, (mode,) if mode else MODES, limit, as_json))
    measured["seconds"] = round(time.monotonic() - began, 1)
    if as_json:
        print_json(measured)
    else:
        print("\n".join(to_lines(measured)))


async def _measure(folder: Path, modes: tuple[str, ...], limit: int, as_json: bool) -> dict[str, Any]:
    from bots.wiring import open_endpoints, open_vocero
    from infra.knowledge.judged import read_judged
    from infra.postgres.trial import trial
    from infra.settings import read_settings

    judged = read_judged(folder)  # bad input is said before anything is started
    settings, say = read_settings(), quiet(as_json)
    async with (
        open_endpoints(settings, say=say, model=False, redis=False) as ends,
        open_vocero(settings, say=say, model=False, redis=False) as vocero,
        trial(ends.database) as workspace,
    ):
        with _steps(shown=sys.stderr.isatty() and not as_json) as step:
            return await _ask(vocero, judged, workspace, modes, limit, step)


async def _ask(
    vocero: Any, judged: Any, workspace: str, modes: tuple[str, ...], limit: int, step: Step
) -> dict[str, Any]:
    from infra.knowledge.evaluation import learn_all, rank, scores

    shelved = await learn_all(vocero.librarian, judged, workspace, step("learning", len(judged.corpus)))
    for line in to_warnings([f"{one.source}: {one.reason}" for one in shelved.failed]):
        print(line, file=sys.stderr)
    measured: dict[str, Any] = {}
    for mode in modes:
        ranked, asked = [], step(f"asking, {mode}", len(judged.queries))
        async for one in rank(vocero.knowledge, judged, shelved, workspace=workspace, mode=mode, limit=limit):
            ranked.append(one)
            asked()
        measured[mode] = scores(ranked, limit)
    shelf = await vocero.knowledge.shelf(workspace, EVERYONE)
    return {**measured, "n": len(judged.queries), "chunks": shelf.chunks}


def to_warnings(reasons: list[str]) -> list[str]:
    """Return what to say of documents that could not be learned and so can never be found."""
    from adapters.terminal import harmless

    shown = [harmless(f"vocero: not learned: {reason}") for reason in reasons[:REASONS]]
    rest = len(reasons) - len(shown)
    return [*shown, f"vocero: not learned: {rest} more"] if rest else shown


def to_lines(measured: dict[str, Any]) -> list[str]:
    """Return the measures as a table for people."""
    modes = [mode for mode in MODES if mode in measured]
    names = list(measured[modes[0]])
    lines = [" " * 8 + "".join(f"{name:>11}" for name in names)]
    lines += [f"{mode:<8}" + "".join(f"{measured[mode][name]:>11.3f}" for name in names) for mode in modes]
    return [*lines, f"{measured['n']} questions, {measured['chunks']} chunks, {measured['seconds']} s"]


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
