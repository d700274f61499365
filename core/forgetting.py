"""Forgetting with proof: the same questions before and after, and a receipt without a word of what is gone."""

import hashlib
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from core.audience import Audience
from core.documents import Chunk, Document, Receipt
from core.errors import UnavailableError
from core.ports import Knowledge, Librarian

PROBES: Final = 3  # passages of the document, from its beginning to its end, asked for by their own words
ASKED: Final = 200  # characters of a passage make a question that finds it
FOUND: Final = 8  # passages looked at, as for an answer
BYTES: Final = (
    "Its bytes stay in the database's files, where nothing reads them, until these are written anew: the worker does"
    " that in the coming night, `vocero upkeep --wipe` at once; `vocero receipt` then says when they left."
)
ADAPTER: Final = "withdrawn adapter "  # and its name, as the receipt counts it
REBUILD: Final = (
    "The adapter {name} was trained on it: it speaks no more and waits to be trained anew (`vocero voice train`);"
    " delete its files where models are served."
)
UNPROVABLE: Final = (
    "Copies outside Vocero (the original, the chat platform's messages, people's own) are not ours to delete.",
    "Backups and the server's write-ahead log from before now hold it until they expire.",
    "An adapter that was trained on it and never promoted is not known here: delete its files.",
)


async def forget_document(librarian: Librarian, knowledge: Knowledge, workspace: str, name: str, *, by: str) -> Receipt:
    """Forget a document between two rounds of the same questions; the receipt has what each round found of it."""
    document, chunks = await librarian.document(workspace, name)
    probes = to_probes(chunks)
    before = await _found(knowledge, probes, workspace, document)
    receipt = await librarian.forget(workspace, document.id, by=by)
    after = await _found(knowledge, probes, workspace, document)
    return replace(receipt, probes=tuple(zip(map(_mark, probes), before, after, strict=True)))


def to_receipt(kind: str, name: str, workspace: str, gone: tuple[tuple[str, int], ...]) -> Receipt:
    """Return the receipt of what went just now, with what is pending and what cannot be proven."""
    adapters = [what.removeprefix(ADAPTER) for what, _ in gone if what.startswith(ADAPTER)]
    return Receipt(
        kind=kind,
        id=name,
        workspace=workspace,
        when=datetime.now(UTC),
        gone=gone,
        pending=(BYTES, *(REBUILD.format(name=adapter) for adapter in adapters)),
        unprovable=UNPROVABLE,
    )


async def emptied(receipt: Receipt, holders: dict[str, Awaitable[int]]) -> Receipt:
    """Return the receipt with what the holders let go; one that cannot be asked is pending, with its reason."""
    for what, going in holders.items():
        try:
            before = dict(receipt.gone)
            before[what] = before.get(what, 0) + await going
            receipt = replace(receipt, gone=tuple(before.items()))
        except UnavailableError as error:
            receipt = replace(receipt, pending=(*receipt.pending, f"{what}: {error}"))
    return receipt


def to_probes(chunks: Sequence[Chunk]) -> list[str]:
    """Return questions that a document's own words make, spread over it."""
    step = max(1, -(-len(chunks) // PROBES))
    return [" ".join(chunk.text.split())[:ASKED] for chunk in chunks[::step][:PROBES]]


async def _found(knowledge: Knowledge, probes: Sequence[str], workspace: str, document: Document) -> list[int]:
    readers = Audience(frozenset({document.scope}))
    rounds = [await knowledge.retrieve(probe, workspace=workspace, audience=readers, limit=FOUND) for probe in probes]
    return [sum(passage.document == document.id for passage in found.passages) for found in rounds]


def _mark(probe: str) -> str:
    """Name a question without its words."""
    return hashlib.sha256(probe.encode("utf-8", "replace")).hexdigest()[:12]
