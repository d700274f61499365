"""Embed everything anew with another model while the old vectors answer; then change over, workspace by workspace."""

from collections import defaultdict
from collections.abc import Callable
from typing import Final

from pgvector import HalfVector

from core.errors import EmbedderDown
from core.ports import Embedder
from infra.knowledge.split import Piece
from infra.knowledge.vectors import to_half
from infra.postgres import changeover, chunks, documents
from infra.postgres.pool import Database

BATCH: Final = 64  # chunks: four seconds of the embedded model; as much is lost when it is interrupted

Tell = Callable[[str, int], None]  # told the workspace, and how many of its chunks are still to be embedded


async def reindex(
    database: Database, embedder: Embedder, *, workspace: str = "", by: str = "", tell: Tell = lambda _w, _n: None
) -> list[str]:
    """Embed a workspace (default: all) anew and return those that changed over. Goes on where it was interrupted.

    UnknownError, EmbedderDown, KnowledgeDown.
    """
    if workspace:
        async with database.reading(workspace) as connection:
            await documents.workspace_id(connection, workspace)  # which refuses an unknown one
    changed: list[str] = []
    for member in (database.at(workspace),) if workspace else database.members:
        rows = await member.fetch("select vocero.register_model(%s, %s)", (embedder.name, embedder.dimensions))
        model = int(rows[0][0])
        for name in await changeover.workspaces_without(member, model):
            if workspace in ("", name):
                await _change(database, embedder, name, model, by, tell)
                changed.append(name)
    return changed


async def _change(database: Database, embedder: Embedder, name: str, model: int, by: str, tell: Tell) -> None:
    while True:
        while await _fill(database, embedder, name, model, tell):
            pass
        async with database.writing(name) as connection:
            number = await documents.workspace_id(connection, name)
            await documents.lock(connection, number)  # nothing is learned meanwhile, so nothing can be missing
            if await changeover.change(connection, number, model, by=by):
                return


async def _fill(database: Database, embedder: Embedder, name: str, model: int, tell: Tell) -> bool:
    """Embed the next chunks; False when there are none."""
    async with database.reading(name) as connection:
        number = await documents.workspace_id(connection, name)
        tell(name, await changeover.left(connection, number, model))
        rows = await changeover.missing(connection, number, model, BATCH)
    if not rows:
        return False
    texts = [Piece(text=text, path=tuple(path), anchor="").to_embed(title) for _, _, title, path, text, _ in rows]
    found = await embedder.embed(texts)
    if len(found) != len(texts):
        raise EmbedderDown("The embedder returned fewer vectors than it was given texts: check its model.")
    vectors = [to_half(vector, embedder.dimensions) for vector in found]
    async with database.writing(name) as connection:
        await documents.lock(connection, number, rows=len(rows))
        await changeover.put(connection, number, model, [row[0] for row in rows], vectors)
        of = defaultdict[int, dict[bytes, HalfVector]](dict)
        for row, vector in zip(rows, vectors, strict=True):
            of[row[1]][bytes(row[5])] = vector
        for document, kept in of.items():
            if await documents.exists(connection, number, document):  # nothing of a forgotten one is kept
                await chunks.keep_vectors(connection, workspace=number, model=model, document=document, vectors=kept)
    return True
