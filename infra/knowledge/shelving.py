"""Documents taken away, moved and brought back: each in one transaction that holds the workspace's lock."""

from dataclasses import replace

from core.documents import Document, Learned, Place, State
from infra.knowledge.drafts import Draft
from infra.knowledge.split import Piece
from infra.postgres import chunks, documents, pending, versions
from infra.postgres.documents import Shelved
from infra.postgres.moving import move
from infra.postgres.pool import Connection


async def transfer(connection: Connection, at: Shelved, place: Place, name: str, *, action: str, by: str) -> None:
    """Give a document to other readers. InputError when its source is there already."""
    await versions.keep(connection, at, change="share")
    await move(connection, at, place)
    await documents.audit(connection, workspace=at.workspace, action=action, object_=name, by=by)


async def take_away(connection: Connection, at: Shelved, name: str, *, action: str, by: str) -> None:
    """Take a document out of every answer; what waits of it goes, too."""
    await versions.keep(connection, at, change="remove")
    gone = await chunks.delete_chunks(connection, workspace=at.workspace, document=at.id)
    await documents.mark_removed(connection, at)
    await pending.drop(connection, at)
    await documents.raise_edition(connection, at, chunks=-gone)
    await documents.audit(connection, workspace=at.workspace, action=action, object_=name, by=by)


async def undo_in_place(
    connection: Connection, workspace: str, at: Shelved, found: Document, before: versions.Kept, *, by: str
) -> Learned | None:
    """Take back what needs no vectors: a sharing, or the first learning; None for a change of content."""
    if before.change == "share":
        place = Place(workspace=workspace, collection=before.collection, scope=before.scope)
        await transfer(connection, at, place, found.id, action="undo", by=by)
        return to_learned(found)
    if not before.texts:
        await take_away(connection, at, found.id, action="undo", by=by)
        return replace(to_learned(found), state=State.REMOVED, chunks=0)
    return None


def to_draft(before: versions.Kept) -> Draft:
    """Return an earlier version as something that can be made live again."""
    return Draft(
        sha=before.content_sha,
        title=before.title,
        url=before.url,
        media_type=before.media_type,
        pieces=[Piece(text=text, path=path, anchor=anchor) for text, path, anchor in before.texts],
        etag=before.etag,
        last_modified=before.last_modified,
    )


def to_learned(found: Document) -> Learned:
    """Return a document that stands as the end of a change."""
    return Learned(document=found.id, source=found.source, state=State.INDEXED, chunks=found.chunks, title=found.title)
