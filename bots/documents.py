"""`vocero docs add`, `list`, `show` and `status`: teaching and looking."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bots import changes
from bots.changes import BY, Name, tell, to_row, with_bot
from bots.cli import WORKSPACE, Json, Workspace, print_json, quiet, readable, run
from core.audience import to_scope
from core.budgets import FETCH_BYTES
from core.documents import Document, Learned, Place, Source, State, to_pasted
from core.errors import InputError

docs = typer.Typer(help="Add, look at and remove documents.", no_args_is_help=True, rich_markup_mode=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How to learn: anew, with secrets, so many links deep, and whether to stay until it is done."""

    force: bool = False
    allow_secrets: bool = False
    depth: int = 0
    wait: bool = False


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    changes.add_to(docs)
    app.add_typer(docs, name="docs")
    app.command(epilog="Example: vocero forget document d4k2 --receipt receipt.json")(changes.forget)
    app.command(epilog="Example: vocero receipt document d4k2")(changes.receipt)


@docs.command(epilog='Example: vocero docs add handbook/ https://example.com/faq   or: echo "Text" | vocero docs add -')
def add(
    source: Annotated[list[str], typer.Argument(help="URL, file, folder, or - for text on standard input.")],
    workspace: Workspace = WORKSPACE,
    collection: Annotated[str, typer.Option(help="Default: general, or the channel's own.")] = "",
    scope: Annotated[str, typer.Option(help="Who may see it: workspace or channel:ID.")] = "workspace",
    title: Annotated[str, typer.Option(help="Instead of the document's own.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Stay until it is done (no worker is needed).")] = False,
    force: Annotated[bool, typer.Option("--force", help="Read again what is unchanged or was forgotten.")] = False,
    allow_secrets: Annotated[
        bool, typer.Option("--allow-secrets", help="Learn it although it holds keys or passwords; that is noted.")
    ] = False,
    depth: Annotated[int, typer.Option(min=0, max=5, help="Learn also what pages link to below them.")] = 0,
    as_json: Json = False,
) -> None:
    """Teach documents: the next question may be answered from them."""
    place = Place(
        workspace=readable(workspace, "workspace"),
        collection=readable(collection, "collection"),
        scope=to_scope(readable(scope, "scope")),
    )
    sources = [one for name in source for one in to_sources(name, readable(title, "title"))]
    if depth and (bad := [one.name for one in sources if one.url is None]):
        raise InputError(f"{bad[0]} is no address: only pages of the web have links to follow with --depth.")
    wish = Wish(force=force, allow_secrets=allow_secrets, depth=depth, wait=wait)
    learned = run(_add(sources, place, wish, as_json))
    if as_json:
        print_json([to_row(one) for one in learned])
    if any(one.state is State.FAILED for one in learned):
        raise typer.Exit(1)


def to_sources(name: str, title: str = "") -> Iterator[Source]:
    """Yield what a word on the command line stands for; InputError when it is nothing that can be read."""
    if name == "-":
        given = sys.stdin.buffer.read(FETCH_BYTES + 1)
        pasted = to_pasted(given.decode("utf-8", "replace"), title)
        yield replace(pasted, content=given)
    elif "://" in name:
        yield Source(name=readable(name, "address"), url=name, title=title)
    else:
        path = Path(readable(name, "path"))
        if not path.exists():
            raise InputError(f"{name} does not exist: name a URL, a file, a folder, or - for text on standard input.")
        files = [path] if not path.is_dir() else sorted(f for f in path.rglob("*") if f.is_file() and _visible(f, path))
        if not files:
            raise InputError(f"{name} holds no files.")
        for file in files:
            yield Source(name=str(file.resolve()), content=_read(file), title=title if len(files) == 1 else "")


def _visible(file: Path, folder: Path) -> bool:
    return not any(part.startswith(".") for part in file.relative_to(folder).parts)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(FETCH_BYTES + 1)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error


async def _add(sources: list[Source], place: Place, wish: Wish, as_json: bool) -> list[Learned]:
    from bots.wiring import open_vocero
    from infra.settings import read_settings

    learned: list[Learned] = []
    say = quiet(as_json)
    async with open_vocero(read_settings(), say=say, model=False) as vocero:
        queued = not (wish.wait or wish.depth) and await vocero.librarian.worker_lives()
        if not (wish.wait or wish.depth or queued):
            say("no worker is running (vocero run worker): the documents are learned here")
        for source in sources:
            async for one in _learn(vocero, source, place, wish, queued):
                learned.append(one)
                if not as_json:
                    tell(one)
                await asyncio.sleep(0)
    return learned


async def _learn(vocero: Any, source: Source, place: Place, wish: Wish, queued: bool) -> AsyncIterator[Learned]:
    more = {"by": BY, "force": wish.force, "allow_secrets": wish.allow_secrets}
    if wish.depth:
        async for one in vocero.librarian.crawl(source.url, place, depth=wish.depth, **more):
            yield one
    elif queued:
        yield await vocero.librarian.submit(source, place, **more)
    else:
        yield await vocero.bot.learn(source, place, **more)


@docs.command("list", epilog="Example: vocero docs list --workspace slack/T012AB")
def list_(workspace: Workspace = WORKSPACE, as_json: Json = False) -> None:
    """List the documents, the newest change first."""

    async def work(vocero: Any) -> list[Document]:
        found: list[Document] = await vocero.librarian.documents(readable(workspace, "workspace"))
        return found

    found = with_bot(work, as_json)
    if as_json:
        print_json([asdict(d) for d in found])
        return
    if not found:
        print("no documents")
    for d in found:
        print(_line(d))


def _line(d: Document) -> str:
    from adapters.terminal import harmless

    reason = f": {d.reason}" if d.reason else ""
    return harmless(f"{d.id}  {d.state.value:<9}  {d.chunks:>4} chunks  {d.collection}  {d.title or d.source}{reason}")


@docs.command(epilog="Example: vocero docs show d4k2")
def show(name: Name, workspace: Workspace = WORKSPACE, as_json: Json = False) -> None:
    """Show one document with its chunks."""
    from adapters.terminal import harmless

    async def work(vocero: Any) -> Any:
        return await vocero.librarian.document(readable(workspace, "workspace"), readable(name, "document"))

    document, chunks = with_bot(work, as_json)
    if as_json:
        print_json({**asdict(document), "pieces": [asdict(c) for c in chunks]})
        return
    print(_line(document))
    print(harmless(f"source: {document.source}"))
    print(f"revision {document.revision}, changed {document.changed:%Y-%m-%d %H:%M}")
    for chunk in chunks:
        print(harmless(f"\n--- {chunk.id}  {' > '.join(chunk.path)}\n{chunk.text}"))


@docs.command(epilog="Example: vocero docs status")
def status(
    name: Annotated[str | None, typer.Argument(help="Its id, title or source; default: all.")] = None,
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
) -> None:
    """Say where documents stand, and why."""

    async def work(vocero: Any) -> list[Document]:
        if name is not None:
            return [(await vocero.librarian.document(workspace, readable(name, "document")))[0]]
        found: list[Document] = await vocero.librarian.documents(workspace)
        return found

    found = with_bot(work, as_json)
    if as_json:
        keys = (
            "id",
            "title",
            "source",
            "state",
            "stage",
            "attempt",
            "deadline",
            "reason",
            "chunks",
            "revision",
            "changed",
        )
        print_json([{k: asdict(d)[k] for k in keys} for d in found])
        return
    for d in found:
        print(_line(d) + _standing(d))


def _standing(d: Document) -> str:
    """Return what is being done, in which attempt and until when, for a document that is not done."""
    from adapters.terminal import harmless

    return harmless(f"  ({d.stage}, attempt {d.attempt}, until {d.deadline:%H:%M:%S} UTC)") if d.deadline else ""
