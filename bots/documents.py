"""`vocero docs` and `vocero forget`: teaching, looking, taking back."""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bots.cli import WORKSPACE, Json, Workspace, print_json, quiet, readable, run
from core.audience import to_scope
from core.budgets import FETCH_BYTES
from core.documents import Document, Learned, Place, Source, State, to_pasted
from core.errors import InputError

docs = typer.Typer(help="Add, look at and remove documents.", no_args_is_help=True, rich_markup_mode=None)
BY = "command line"
Names = Annotated[list[str], typer.Argument(help="Ids, titles or sources.")]
Name = Annotated[str, typer.Argument(help="Its id, title or source.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(docs, name="docs")
    app.command(epilog="Example: vocero forget document d4k2 --receipt receipt.json")(forget)


@docs.command(epilog='Example: vocero docs add handbook/ https://example.com/faq   or: echo "Text" | vocero docs add -')
def add(
    source: Annotated[list[str], typer.Argument(help="URL, file, folder, or - for text on standard input.")],
    workspace: Workspace = WORKSPACE,
    collection: Annotated[str, typer.Option(help="Default: general, or the channel's own.")] = "",
    scope: Annotated[str, typer.Option(help="Who may see it: workspace or channel:ID.")] = "workspace",
    title: Annotated[str, typer.Option(help="Instead of the document's own.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Stay until it is done (no worker is needed).")] = False,  # noqa: ARG001
    force: Annotated[bool, typer.Option("--force", help="Read again what is unchanged or was forgotten.")] = False,
    as_json: Json = False,
) -> None:
    """Teach documents: the next question may be answered from them."""
    place = Place(
        workspace=readable(workspace, "workspace"),
        collection=readable(collection, "collection"),
        scope=to_scope(readable(scope, "scope")),
    )
    sources = [one for name in source for one in to_sources(name, readable(title, "title"))]
    learned = run(_add(sources, place, force, as_json))
    if as_json:
        print_json([_row(one) for one in learned])
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


async def _add(sources: list[Source], place: Place, force: bool, as_json: bool) -> list[Learned]:
    from bots.wiring import open_vocero
    from infra.settings import read_settings

    learned: list[Learned] = []
    async with open_vocero(read_settings(), say=quiet(as_json), model=False) as vocero:
        for source in sources:
            one = await vocero.bot.learn(source, place, by=BY, force=force)
            learned.append(one)
            if not as_json:
                _tell(one)
            await asyncio.sleep(0)
    return learned


def _tell(one: Learned) -> None:
    from adapters.terminal import harmless

    if one.state is State.FAILED:
        print(harmless(f"vocero: {one.title or one.source}: {one.reason}"), file=sys.stderr)
    else:
        what = "unchanged" if one.state is State.UNCHANGED else f"{one.chunks} chunks in {one.seconds:.1f} s"
        print(harmless(f"{one.document}  {one.title}  ({what})"))


def _row(one: Learned) -> dict[str, Any]:
    row = asdict(one)
    return {k: row[k] for k in ("document", "source", "state", "chunks", "reason", "seconds", "title")}


@docs.command("list", epilog="Example: vocero docs list --workspace slack/T012AB")
def list_(workspace: Workspace = WORKSPACE, as_json: Json = False) -> None:
    """List the documents, the newest change first."""

    async def work(vocero: Any) -> list[Document]:
        found: list[Document] = await vocero.librarian.documents(readable(workspace, "workspace"))
        return found

    found = _with(work, as_json)
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

    document, chunks = _with(work, as_json)
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

    found = _with(work, as_json)
    if as_json:
        keys = ("id", "title", "source", "state", "reason", "chunks", "revision", "changed", "deadline")
        print_json([{k: asdict(d)[k] for k in keys} for d in found])
        return
    for d in found:
        print(_line(d) + (f"  (until {d.deadline:%H:%M:%S})" if d.deadline else ""))


@docs.command(epilog="Example: vocero docs remove d4k2")
def remove(names: Names, workspace: Workspace = WORKSPACE, as_json: Json = False) -> None:
    """Take documents out of every answer; they can be added again."""

    async def work(vocero: Any) -> list[Document]:
        return [await vocero.bot.remove(readable(n, "document"), workspace=workspace, by=BY) for n in names]

    gone = _with(work, as_json)
    if as_json:
        print_json([{"document": d.id, "source": d.source, "state": d.state.value, "title": d.title} for d in gone])
        return
    for d in gone:
        print(f"removed {d.id}  {d.title}")


def forget(
    kind: Annotated[str, typer.Argument(help="document, user or conversation.")],
    name: Annotated[str, typer.Argument(metavar="ID", help="A document's id, title or source; or whose.")],
    workspace: Workspace = WORKSPACE,
    receipt: Annotated[Path | None, typer.Option(help="Write the receipt to this file too.")] = None,
    as_json: Json = False,  # noqa: ARG001 - the receipt is JSON in any case
) -> None:
    """Delete something and all that came from it; print the receipt as JSON."""

    async def work(vocero: Any) -> Any:
        return await vocero.bot.forget(kind, readable(name, "name"), workspace=workspace, by=BY)

    proof = asdict(_with(work, as_json=True))
    proof["gone"] = dict(proof["gone"])
    if receipt is not None:
        try:
            receipt.write_text(json.dumps(proof, ensure_ascii=False, default=str, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            print_json(proof)
            raise InputError(f"It is forgotten, but {receipt} cannot be written: {error.strerror}.") from error
    print_json(proof)


def _with(work: Any, as_json: bool) -> Any:
    """Run `work` on a bot that needs no model."""
    from bots.wiring import open_vocero
    from infra.settings import read_settings

    async def opened() -> Any:
        async with open_vocero(read_settings(), say=quiet(as_json), model=False) as vocero:
            return await work(vocero)

    return run(opened())
