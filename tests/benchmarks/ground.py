"""The ground that stores are measured on: one large workspace and 200 small ones, loaded as the product stores them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg import Connection, connect, sql

from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.benchmarks.corpus import DIMENSIONS, Corpus
from tests.postgres import APPLICATION, Urls

MODEL = "bench@1"
LARGE = "bench/large"
SMALL = 200  # workspaces beside the large one
SHARES = {"channel:01": 0.001, "channel:1": 0.01, "channel:10": 0.1, "channel:50": 0.5, "workspace": 0.389}
PER_DOCUMENT = 20  # chunks
MEMORY = "1GB"  # for building indexes: the graph of 100,000 vectors must fit, for every contestant

Row = tuple[Any, ...]


@dataclass(slots=True)
class Precomputed:
    """The embedder of the ground's vectors: questions' vectors are given, no time is spent on them."""

    vectors: Mapping[str, Sequence[float]] = field(default_factory=dict)
    name: str = MODEL
    dimensions: int = DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the vectors given for texts; for another text always the same."""
        return [list(self.vectors.get(text, self._any)) for text in texts]

    @property
    def _any(self) -> list[float]:
        return [self.dimensions**-0.5] * self.dimensions


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A collection, and its chunks: row numbers from `first` on."""

    workspace: str
    scope: str
    first: int
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A loaded database: chunk n of `corpus` is `node n`, and row n + 1 of `table`, which holds the vectors."""

    urls: Urls
    corpus: Corpus
    rooms: tuple[Room, ...]
    table: str


async def load(urls: Urls, chunks: int) -> Ground:
    """Migrate and fill a database; 100,000 chunks take about three minutes."""
    await migrate(urls.admin, APPLICATION)
    async with Database(urls.application, connections=1) as database:
        rows = await database.fetch("select vocero.register_model(%s, %s)", (MODEL, DIMENSIONS))
    rooms = tuple(_rooms(chunks))
    ground = Ground(
        urls=urls,
        corpus=Corpus(rooms[-1].first + rooms[-1].chunks),
        rooms=rooms,
        table=f"embedding_{rows[0][0]}",
    )
    with connect(urls.admin, autocommit=True) as connection:
        register_vector(connection)
        connection.execute("set session_replication_role = replica")  # what comes is right: no checks row by row
        with without_indexes(connection, "data_chunk", ground.table):
            _fill(connection, ground, rows[0][0])
        connection.execute(f"vacuum (analyze) vocero.data_chunk, vocero.{ground.table}, vocero.lexeme_count")
        connection.execute("checkpoint")  # or the server would still be writing it down while it is asked
    return ground


@contextmanager
def without_indexes(connection: Connection[Row], *tables: str) -> Iterator[None]:
    """Drop the costly indexes of tables and make them again at the end: ten times faster than keeping them."""
    found = connection.execute(
        "select schemaname, indexname, indexdef from pg_indexes"
        " where tablename = any (%s) and indexdef ~ 'USING (hnsw|gin)'",
        (list(tables),),
    ).fetchall()
    for schema, name, _ in found:
        connection.execute(sql.SQL("drop index {}").format(sql.Identifier(schema, name)))
    yield
    connection.execute(f"set maintenance_work_mem = '{MEMORY}'")
    for _, _, definition in found:
        connection.execute(definition)


def _rooms(chunks: int) -> Iterator[Room]:
    first = 0
    for scope, share in SHARES.items():
        count = max(1, round(chunks * share))
        yield Room(workspace=LARGE, scope=scope, first=first, chunks=count)
        first += count
    each = max(5, chunks // 1_000)
    for number in range(SMALL):
        yield Room(workspace=f"bench/small-{number}", scope="workspace", first=first + number * each, chunks=each)


def _fill(connection: Connection[Row], ground: Ground, model: int) -> None:
    places = [_place(connection, room, model) for room in ground.rooms]
    rows = list(chain.from_iterable(_chunks(room, *place) for room, place in zip(ground.rooms, places, strict=True)))
    documents = {row[2]: (row[0], row[2], f"d{row[2]}", row[1], f"source {row[2]}", "indexed") for row in rows}
    _copy(connection, "vocero.document (workspace, id, name, collection, source, state)", documents.values(), "")
    texts = ((*row, f"node {row[3] - 1}", 1, ground.corpus.passages[row[3] - 1], "", "english", b"") for row in rows)
    names = "workspace, collection, document, id, place, node_id, revision, text, title, language, text_sha"
    _copy(connection, f"vocero.data_chunk ({names})", texts, "")
    vectors = ((row[0], row[1], row[3], HalfVector(ground.corpus.vectors[row[3] - 1])) for row in rows)
    target = f"vocero.{ground.table} (workspace, collection, chunk, embedding)"
    _copy(connection, target, vectors, "int4 int4 int8 halfvec")
    connection.execute(
        "insert into vocero.lexeme_count (workspace, word, chunks) select workspace, word, count(*)"
        " from vocero.data_chunk c, unnest(tsvector_to_array(c.text_search_tsv)) as word group by workspace, word"
    )


def _place(connection: Connection[Row], room: Room, model: int) -> tuple[int, int]:
    """Make a room's workspace, if it is not there, and its collection; return both numbers."""
    connection.execute(
        "insert into vocero.workspace (name, model) values (%s, %s) on conflict do nothing", (room.workspace, model)
    )
    row = connection.execute(
        "insert into vocero.collection (workspace, name, scope, chunks)"
        " select id, %s, %s, %s from vocero.workspace where name = %s returning workspace, id",
        (room.scope, room.scope, room.chunks, room.workspace),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def _chunks(room: Room, workspace: int, collection: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield workspace, collection, document, row and place of each chunk of a room."""
    for number in range(room.chunks):
        row = room.first + number + 1
        document = room.first + number - number % PER_DOCUMENT + 1  # the number of its first row
        yield workspace, collection, document, row, number % PER_DOCUMENT


def _copy(connection: Connection[Row], target: str, rows: Any, types: str) -> None:
    how = " (format binary)" if types else ""
    with connection.cursor() as cursor, cursor.copy(f"copy {target} from stdin{how}") as copy:
        if types:
            copy.set_types(types.split())
        for row in rows:
            copy.write_row(row)
