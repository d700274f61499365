"""The version before a document's last change, kept once, so that the change can be taken back."""

from dataclasses import dataclass
from typing import Any, Final

from core.errors import InputError
from infra.postgres.documents import Shelved
from infra.postgres.pool import Connection

_KEEP: Final = """
    insert into vocero.previous (workspace, document, change, collection, title, url, media_type, content_sha, etag,
        last_modified, chunks)
    select workspace, id, %s, collection, title, url, media_type, content_sha, etag, last_modified, chunks
    from vocero.document where workspace = %s and id = %s
"""
_KEEP_CHUNKS: Final = """
    insert into vocero.previous_chunk (workspace, document, place, text, path, anchor)
    select workspace, document, place, text, path, anchor from vocero.data_chunk where workspace = %s and document = %s
"""
_LAST: Final = """
    select d.name from vocero.previous p join vocero.document d on d.workspace = p.workspace and d.id = p.document
    order by p.changed desc limit 1
"""
_FIND: Final = """
    select p.change, p.collection, p.title, p.url, p.media_type, p.content_sha, p.etag, p.last_modified, p.chunks,
        c.name, c.scope
    from vocero.previous p join vocero.collection c on c.workspace = p.workspace and c.id = p.collection
    where p.workspace = %s and p.document = %s
"""
_CHUNKS: Final = """
    select text, path, anchor from vocero.previous_chunk where workspace = %s and document = %s order by place
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a document was before `change`; `texts` are (text, path, anchor), empty where it was in no answer.

    `collection` and `scope` are where it was.
    """

    change: str
    title: str
    url: str
    media_type: str
    content_sha: bytes | None
    etag: str
    last_modified: str
    collection: str
    scope: str
    texts: tuple[tuple[str, tuple[str, ...], str], ...]


async def keep(connection: Connection, at: Shelved, *, change: str) -> None:
    """Keep what is live of a document, in the transaction that changes it; what was kept before goes."""
    await connection.execute(
        "delete from vocero.previous where workspace = %s and document = %s", (at.workspace, at.id)
    )
    await connection.execute(_KEEP, (change, at.workspace, at.id))
    if change != "share":
        await connection.execute(_KEEP_CHUNKS, (at.workspace, at.id))


async def last_changed(connection: Connection) -> str:
    """Return the document whose change was the last in the transaction's workspace. InputError if there is none."""
    row = await (await connection.execute(_LAST)).fetchone()
    if row is None:
        raise InputError("There is no change to take back.")
    return str(row[0])


async def kept(connection: Connection, at: Shelved) -> Kept:
    """Return what a document was before its last change. InputError if nothing is kept."""
    row: tuple[Any, ...] | None = await (await connection.execute(_FIND, (at.workspace, at.id))).fetchone()
    if row is None:
        raise InputError("There is no earlier version of this document: nothing can be taken back.")
    change, _, title, url, media_type, sha, etag, last_modified, _, collection, scope = row
    texts = await (await connection.execute(_CHUNKS, (at.workspace, at.id))).fetchall()
    return Kept(
        change=change,
        title=title,
        url=url,
        media_type=media_type,
        content_sha=None if sha is None else bytes(sha),
        etag=etag,
        last_modified=last_modified,
        collection=collection,
        scope=scope,
        texts=tuple((text, tuple(path), anchor) for text, path, anchor in texts),
    )
