"""`vocero reindex`: to another embedding model, while the bot answers."""

import sys
from contextlib import AsyncExitStack
from typing import Annotated

import typer

from bots.cli import Json, print_json, quiet, readable, run
from core.errors import InputError
from core.ports import Embedder

BY = "command line"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: vocero reindex --embedding-model intfloat/multilingual-e5-small")(reindex)


def reindex(
    embedding_model: Annotated[str, typer.Option("--embedding-model", help="The model that the embedder serves now.")],
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="Only this one; default: all.")] = "",
    as_json: Json = False,
) -> None:
    """Embed everything anew with another model while the old vectors answer, then change over."""
    done = run(_reindex(readable(embedding_model, "model"), readable(workspace, "workspace"), as_json))
    if as_json:
        print_json({"model": embedding_model, "changed": done})
    elif done:
        print(f"{', '.join(done)}: searched with {embedding_model} from now on; restart the bot with it")
    else:
        print(f"every workspace is searched with {embedding_model} already")


async def _reindex(model: str, workspace: str, as_json: bool) -> list[str]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from bots.wiring import open_database, open_embedder
    from infra.knowledge.reindex import reindex as do
    from infra.settings import read_settings

    settings = read_settings(embedding_model=model)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = Progress(*columns, console=Console(stderr=True), transient=True, disable=as_json or not sys.stderr.isatty())
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(settings, stack)
        _check(embedder, model)
        database = await stack.enter_async_context(open_database(settings, say=quiet(as_json)))
        progress = stack.enter_context(shown)
        tasks = {}

        def tell(name: str, left: int) -> None:
            if name not in tasks:
                tasks[name] = (progress.add_task(f"embedding {name}", total=left), left)
            task, total = tasks[name]
            progress.update(task, completed=max(0, total - left))

        return await do(database, embedder, workspace=workspace, by=BY, tell=tell)


def _check(embedder: Embedder, model: str) -> None:
    """Raise InputError when the embedder is another model than the one that was asked for."""
    if embedder.name != model and embedder.name.partition("@")[0] != model:
        raise InputError(
            f"The embedder is {embedder.name}, not {model[:80]}: serve that one at VOCERO_EMBEDDING_URL, or name this."
        )
