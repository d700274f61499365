"""Forgetting with proof: the same questions before and after, and a receipt without a word of what is gone."""

import hashlib
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Final

from core.audience import Audience
from core.documents import Chunk, Document, Receipt
from core.errors import UnavailableError
from core.ports import Knowledge, Librarian

PROBES: Final = 3  # passages of the document, from its beginning to its end, asked for by their own words
ASKED: Final = 200  # characters of a passage make a question that finds it
FOUND: Final = 8  # passages looked at, as for an answer
BYTES: Final = ("the bytes leave the database's files with `vocero upkeep --wipe`",)
COPIES: Final = ("the platform's own copy of the messages", "backups made before now")


async def forget_document(librarian: Librarian, knowledge: Knowledge, workspace: str, name: str, *, by: str) -> Receipt:
    """Forget a document between two rounds of the same questions; the receipt has what each round found of it."""
    document, chunks = await librarian.document(workspace, name)
    probes = to_probes(chunks)
    before = await _found(knowledge, probes, workspace, document)
    receipt = await librarian.forget(workspace, document.id, by=by)
    after = await _found(knowledge, probes, workspace, document)
    return replace(receipt, probes=tuple(zip(map(_mark, probes), before, after, strict=True)))


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
