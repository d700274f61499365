"""The chunks of a document, their vectors and their words: written in one transaction, so that a reader sees the old
version or the new one and never a mix or a hole. Inserted by `unnest`, not COPY, which row-level security refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pgvector import HalfVector
from psycopg import sql

from core.errors import KnowledgeDown
from infra.postgres.documents import Shelved
from infra.postgres.pool import Connection

_BETWEEN: Final = "\x1f"  # between the headings of a path on its way; arrays of arrays must be of one length


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChunk:
    """A chunk to be stored; its vector lies in the embedding cache under `text_sha`."""

    node_id: str
    text: str
    path: tuple[str, ...]
    anchor: str
    text_sha: bytes


async def cached(
    connection: Connection, *, workspace: int, model: int, document: int, shas: Sequence[bytes]
) -> set[bytes]:
    """Return which texts have a vector already, and note that this document needs them."""
    cursor = await connection.execute(
        "update vocero.embedding_cache set document = %s, used = now()"
        " where workspace = %s and model = %s and text_sha = any (%s) returning text_sha",
        (document, workspace, model, list(shas)),
    )
    return {bytes(row[0]) for row in await cursor.fetchall()}


async def keep_vectors(
    connection: Connection, *, workspace: int, model: int, document: int, vectors: Mapping[bytes, HalfVector]
) -> None:
    """Store vectors under the digests of their texts, so that an interrupted learning goes on where it stood."""
    await connection.execute(
        "insert into vocero.embedding_cache (workspace, model, text_sha, embedding, document)"
        " select %s, %s, sha, vector, %s from unnest(%s::bytea[], %s::halfvec[]) as t (sha, vector)"
        " on conflict (workspace, model, text_sha) do update set document = excluded.document, used = now()",
        (workspace, model, document, list(vectors), list(vectors.values())),
        binary=True,
    )


async def delete_chunks(connection: Connection, *, workspace: int, document: int) -> int:
    """Delete a document's chunks with vectors and words; return how many there were."""
    cursor = await connection.execute(
        """
        with gone as (
            delete from vocero.data_chunk where workspace = %(workspace)s and document = %(document)s
            returning text_search_tsv
        ), lost as (
            select word, count(*)::int as chunks
            from gone, unnest(tsvector_to_array(text_search_tsv)) as word group by word
        ), counted as (
            update vocero.lexeme_count l set chunks = l.chunks - lost.chunks
            from lost where l.workspace = %(workspace)s and l.word = lost.word
            returning l.word, l.chunks
        )
        select (select count(*) from gone), (select array_agg(word) from counted where chunks <= 0)
        """,
        {"workspace": workspace, "document": document},
    )
    row = await cursor.fetchone()
    gone, unused = row or (0, None)
    if unused:
        await connection.execute(
            "delete from vocero.lexeme_count where workspace = %s and word = any (%s) and chunks <= 0",
            (workspace, unused),
        )
    return int(gone)


async def insert_chunks(
    connection: Connection,
    *,
    at: Shelved,
    revision: int,
    model: int,
    title: str,
    chunks: Sequence[NewChunk],
) -> None:
    """Insert a document's chunks, their vectors from the cache, and the counts of their words."""
    statement = sql.SQL(
        """
        with new as (
            insert into vocero.data_chunk
                (workspace, node_id, collection, document, revision, place, text, title, path, anchor, language,
                text_sha)
            select w.id, t.node_id, %(collection)s, %(document)s, %(revision)s, t.place - 1, t.text, %(title)s,
                string_to_array(t.path, %(between)s), t.anchor, w.language, t.text_sha
            from vocero.workspace w, unnest(%(ids)s::text[], %(texts)s::text[], %(paths)s::text[], %(anchors)s::text[],
                %(shas)s::bytea[]) with ordinality as t (node_id, text, path, anchor, text_sha, place)
            where w.id = %(workspace)s
            returning id, text_sha, text_search_tsv
        ), put as (
            insert into vocero.{vectors} (workspace, collection, chunk, embedding)
            select %(workspace)s, %(collection)s, new.id, c.embedding
            from new join vocero.embedding_cache c
                on c.workspace = %(workspace)s and c.model = %(model)s and c.text_sha = new.text_sha
            returning 1
        ), counted as (
            insert into vocero.lexeme_count (workspace, word, chunks)
            select %(workspace)s, word, count(*)
            from new, unnest(tsvector_to_array(text_search_tsv)) as word group by word
            on conflict (workspace, word) do update set chunks = lexeme_count.chunks + excluded.chunks
        )
        select (select count(*) from new), (select count(*) from put)
        """
    ).format(vectors=sql.Identifier(f"embedding_{model:d}"))
    cursor = await connection.execute(
        statement,
        {
            "workspace": at.workspace,
            "collection": at.collection,
            "document": at.id,
            "revision": revision,
            "model": model,
            "title": title,
            "between": _BETWEEN,
            "ids": [chunk.node_id for chunk in chunks],
            "texts": [chunk.text for chunk in chunks],
            "paths": [_BETWEEN.join(part.replace(_BETWEEN, " ") for part in chunk.path) for chunk in chunks],
            "anchors": [chunk.anchor for chunk in chunks],
            "shas": [chunk.text_sha for chunk in chunks],
        },
    )
    stored, embedded = await cursor.fetchone() or (0, 0)
    if not stored == embedded == len(chunks):
        raise KnowledgeDown("A vector was forgotten while the document was being learned: add it again.")
