"""`vocero docs remove`, `refresh`, `undo`, `share`, `default` and `vocero forget`: changing and taking back."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from bots.cli import WORKSPACE, Json, Workspace, print_json, quiet, readable, run
from core.audience import to_scope
from core.documents import Document, Learned, Place, Receipt, State
from core.errors import InputError

BY = "command line"
Names = Annotated[list[str], typer.Argument(help="Ids, titles or sources.")]
Name = Annotated[str, typer.Argument(help="Its id, title or source.")]


def add_to(docs: typer.Typer) -> None:
    """Add the commands to `vocero docs`."""
    docs.command(epilog="Example: vocero docs refresh d4k2")(refresh)
    docs.command(epilog="Example: vocero docs remove d4k2")(remove)
    docs.command(epilog="Example: vocero docs undo d4k2")(undo)
    docs.command(epilog="Example: vocero docs share d4k2 --scope workspace")(share)
    docs.command(epilog="Example: vocero docs default people --scope channel:C2")(default)


def tell(one: Learned) -> None:
    """Say how the learning of one source ended."""
    import sys

    from adapters.terminal import harmless

    if one.state is State.FAILED:
        print(harmless(f"vocero: {one.title or one.source}: {one.reason}"), file=sys.stderr)
        return
    took = f"{one.chunks} chunks in {one.seconds:.1f} s"
    words = {State.UNCHANGED: "unchanged", State.QUEUED: "queued", State.REMOVED: "removed"}
    print(harmless(f"{one.document}  {one.title}  ({words.get(one.state, took)})"))


def to_row(one: Learned) -> dict[str, Any]:
    """Return how the learning of one source ended, as JSON."""
    row = asdict(one)
    return {k: row[k] for k in ("document", "source", "state", "chunks", "reason", "seconds", "title")}


def refresh(
    names: Annotated[list[str] | None, typer.Argument(help="Ids, titles or sources; default with --all: all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that have an address.")] = False,
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
) -> None:
    """Fetch documents again from their addresses, where the site says that they changed."""
    if bool(names) == every:
        raise InputError("Name the documents to refresh, or say --all for all that have an address.")

    async def work(vocero: Any) -> list[Learned]:
        found = await vocero.librarian.documents(workspace) if every else ()
        wanted = names or [d.id for d in found if d.url and d.state is not State.REMOVED]
        return [await vocero.librarian.refresh(workspace, readable(n, "document"), by=BY) for n in wanted]

    _show(with_bot(work, as_json), as_json)


def undo(
    name: Annotated[str, typer.Argument(help="Its id, title or source; default: whatever changed last.")] = "",
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
) -> None:
    """Take back the last change of a document: its edit, removal, sharing or adding; again, and that is taken back."""

    async def work(vocero: Any) -> list[Learned]:
        return [await vocero.librarian.undo(workspace, readable(name, "document"), by=BY)]

    _show(with_bot(work, as_json), as_json)


def _show(learned: list[Learned], as_json: bool) -> None:
    if as_json:
        print_json([to_row(one) for one in learned])
    for one in () if as_json else learned:
        tell(one)
    if any(one.state is State.FAILED for one in learned):
        raise typer.Exit(1)


def share(
    names: Names,
    scope: Annotated[str, typer.Option(help="Who may see it from now on: workspace or channel:ID.")],
    collection: Annotated[str, typer.Option(help="Default: the scope's own.")] = "",
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
) -> None:
    """Move documents to the readers of another scope."""
    to_scope(readable(scope, "scope"))

    async def work(vocero: Any) -> list[Document]:
        named = [readable(n, "document") for n in names]
        where = readable(collection, "collection")
        return [await vocero.librarian.share(workspace, n, scope, by=BY, collection=where) for n in named]

    moved = with_bot(work, as_json)
    if as_json:
        keys = ("id", "source", "title", "collection", "scope", "state")
        print_json([{k: asdict(d)[k] for k in keys} for d in moved])
    for d in () if as_json else moved:
        print(f"{d.id}  {d.title}  is now in {d.collection} for {d.scope}")


def default(
    collection: Annotated[str, typer.Argument(help="The collection's name.")],
    scope: Annotated[str, typer.Option(help="Whose documents: workspace or channel:ID.")],
    workspace: Workspace = WORKSPACE,
) -> None:
    """Let documents of a scope go to this collection when none is named."""
    place = Place(
        workspace=readable(workspace, "workspace"),
        collection=readable(collection, "collection"),
        scope=to_scope(readable(scope, "scope")),
    )
    if not place.collection.strip():
        raise InputError("The collection needs a name.")

    async def work(vocero: Any) -> None:
        await vocero.librarian.documents(workspace)  # which refuses an unknown workspace
        await vocero.librarian.prefer(place, by=BY)

    with_bot(work, as_json=False)
    print(f"documents for {place.scope} go to {place.collection} from now on")


def remove(names: Names, workspace: Workspace = WORKSPACE, as_json: Json = False) -> None:
    """Take documents out of every answer; they can be added again."""

    async def work(vocero: Any) -> list[Document]:
        return [await vocero.bot.remove(readable(n, "document"), workspace=workspace, by=BY) for n in names]

    gone = with_bot(work, as_json)
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
        if kind in ("user", "conversation"):
            await vocero.librarian.documents(workspace)  # which refuses an unknown workspace
        return await vocero.bot.forget(kind, readable(name, "name"), workspace=workspace, by=BY)

    proof = _proof(with_bot(work, as_json=True))
    if receipt is not None:
        try:
            receipt.write_text(json.dumps(proof, ensure_ascii=False, default=str, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            print_json(proof)
            raise InputError(f"It is forgotten, but {receipt} cannot be written: {error.strerror}.") from error
    print_json(proof)


def receipt(
    kind: Annotated[str, typer.Argument(help="document, user or conversation.")],
    name: Annotated[str, typer.Argument(metavar="ID", help="The id that was forgotten.")],
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,  # noqa: ARG001 - the receipt is JSON in any case
) -> None:
    """Print the receipt of a forgetting again: `wiped` says when its bytes left the database's files."""

    async def work(vocero: Any) -> Receipt:
        found: Receipt = await vocero.librarian.receipt(workspace, kind, readable(name, "name"))
        return found

    print_json(_proof(with_bot(work, as_json=True)))


def _proof(done: Receipt) -> dict[str, Any]:
    """Return a receipt as JSON."""
    proof = asdict(replace(done, probes=()))
    proof["gone"] = dict(done.gone)
    proof["probes"] = [{"question": mark, "before": before, "after": after} for mark, before, after in done.probes]
    return proof


def with_bot(work: Any, as_json: bool) -> Any:
    """Run `work` on a bot that needs no model."""
    from bots.wiring import open_vocero
    from infra.settings import read_settings

    async def opened() -> Any:
        async with open_vocero(read_settings(), say=quiet(as_json), model=False) as vocero:
            return await work(vocero)

    return run(opened())
