"""How fast the store answers beside stock PGVectorStore and beside SQL by hand on our own table.

Ours as the application's plain role under row-level security, all 100,000 chunks readable, so by the HNSW index. The
SQL by hand gives the same answer as a superuser whom no policy meets, told the numbers of workspace and collections.
"""

from contextlib import AsyncExitStack
from functools import partial

import numpy as np
from llama_index.core.vector_stores.types import VectorStoreQuery, VectorStoreQueryMode
from llama_index.vector_stores.postgres import PGVectorStore
from pgvector import HalfVector
from psycopg import AsyncConnection, connect
from psycopg_pool import AsyncConnectionPool

from infra.knowledge.store import AT_ONCE, KnowledgeStore, to_filters
from infra.postgres.pool import Database, _configure, to_options
from tests.benchmarks import stock
from tests.benchmarks.ground import LARGE, SHARES, Ground, Precomputed
from tests.benchmarks.race import Pace, race
from tests.benchmarks.recall import to_recall as recall
from tests.benchmarks.session import Session, command
from tests.benchmarks.table import Row

CALLERS = 16
WANTED = 10
DENSE, HYBRID = VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.HYBRID
QUESTIONS = 400

# what an engineer would write by hand who knows the table: the same rows allowed, looked at and returned
BY_HAND = """
    select c.node_id, d.name, d.title, d.url, c.anchor, c.text, c.path, c.revision, 1 - e.distance from (
        select chunk, embedding <=> %s as distance from vocero.{table}
        where workspace = %s and collection = any (%s) order by embedding <=> %s limit %s
    ) e join vocero.data_chunk c on c.id = e.chunk
    join vocero.document d on d.workspace = c.workspace and d.id = c.document order by e.distance
"""
COLLECTIONS = """
    select w.id, array_agg(c.id) from vocero.workspace w join vocero.collection c on c.workspace = w.id
    where w.name = %s group by w.id
"""
SETTINGS = "-c hnsw.ef_search=24 -c hnsw.iterative_scan=relaxed_order -c plan_cache_mode=force_custom_plan"  # as ours


async def bench(session: Session) -> list[Row]:
    """Return questions a second and times."""
    ground = await session.ground()
    async with AsyncExitStack() as stack:
        theirs = await stack.enter_async_context(stock.open_stock(ground.urls))
        tuned = await stack.enter_async_context(stock.open_stock(ground.urls, engine=stock.TUNED))
        stock.fill(ground.urls, ground.corpus, large(ground))
        database = await stack.enter_async_context(Database(ground.urls.application))
        ours = KnowledgeStore(database, Precomputed())
        hand = await stack.enter_async_context(_open_by_hand(ground))
        asked = Asked(ground)
        dense = await race(
            {
                "ours": partial(asked.ours, ours, DENSE),
                "by hand": partial(asked.by_hand, hand),
                "stock": partial(asked.stock, theirs, DENSE),
                "tuned": partial(asked.stock, tuned, DENSE),
            },
            callers=CALLERS,
            rounds=session.times(7),
            each=session.times(320),
        )
        hybrid = {"ours": partial(asked.ours, ours, HYBRID), "stock": partial(asked.stock, theirs, HYBRID)}
        crowd = await race(hybrid, callers=CALLERS, rounds=session.times(3), each=session.times(48))
        alone = await race(hybrid, callers=1, rounds=session.times(3), each=session.times(12))
        found = [asked.truth(number) for number in range(session.times(100))]
        recalls = {
            "Vocero's": [await asked.ours(ours, DENSE, number) for number in range(len(found))],
            "stock's": [await asked.stock(theirs, DENSE, number) for number in range(len(found))],
        }
    told = [
        Row(bench="store", what=f"{whose} recall@{WANTED} meanwhile", value=recall(ids, found))
        for whose, ids in recalls.items()
    ]
    return [*_dense_rows(dense), *told, *_hybrid_rows(crowd, alone)]


class Asked:
    """The questions, as each contestant is asked them."""

    def __init__(self, ground: Ground) -> None:
        vectors, self._texts = ground.corpus.questions(min(QUESTIONS, ground.corpus.chunks))
        self._vectors = [vector.tolist() for vector in vectors]
        self._all = ground.corpus.vectors[: large(ground)]
        self._by_hand = BY_HAND.format(table=ground.table)
        with connect(ground.urls.admin) as connection:
            self._readable = connection.execute(COLLECTIONS, (LARGE,)).fetchall()[0]
        self._filters = to_filters(LARGE, list(SHARES))

    def _query(self, number: int, **more: object) -> VectorStoreQuery:
        number %= len(self._vectors)
        values = {"query_embedding": self._vectors[number], "query_str": self._texts[number], **more}
        return VectorStoreQuery(similarity_top_k=WANTED, **values)  # type: ignore[arg-type]

    def truth(self, number: int) -> list[str]:
        """Return the ids of the true neighbours in the large workspace."""
        near = self._all @ self._vectors[number % len(self._vectors)]
        return [f"node {row}" for row in np.argpartition(-near, WANTED)[:WANTED]]

    async def ours(self, store: KnowledgeStore, mode: VectorStoreQueryMode, number: int) -> list[str]:
        found = await store.aquery(self._query(number, mode=mode, filters=self._filters))
        assert len(found.nodes or ()) == WANTED
        return found.ids or []

    async def stock(self, store: PGVectorStore, mode: VectorStoreQueryMode, number: int) -> list[str]:
        found = await store.aquery(self._query(number, mode=mode))
        assert len(found.nodes or ()) >= WANTED
        return [node.node_id for node in found.nodes or ()]

    async def by_hand(self, pool: AsyncConnectionPool[AsyncConnection], number: int) -> None:
        vector = HalfVector(self._vectors[number % len(self._vectors)])
        async with pool.connection() as connection:
            asked = (vector, *self._readable, vector, WANTED)
            cursor = await connection.execute(self._by_hand, asked, prepare=True, binary=True)
            assert len(await cursor.fetchall()) == WANTED


def large(ground: Ground) -> int:
    """Return how many chunks the large workspace has."""
    return sum(room.chunks for room in ground.rooms if room.workspace == LARGE)


def _open_by_hand(ground: Ground) -> AsyncConnectionPool[AsyncConnection]:
    settings = {**to_options(), "options": SETTINGS}
    return AsyncConnectionPool(
        ground.urls.admin, kwargs=settings, min_size=2, max_size=AT_ONCE, configure=_configure, open=False
    )


def _dense_rows(paces: dict[str, Pace]) -> list[Row]:
    ours, stock_, hand = paces["ours"], paces["stock"], paces["by hand"]

    def row(what: str, **more: object) -> Row:
        return Row(bench="store", what=what, **more)  # type: ignore[arg-type]

    return [
        row("dense, 16 callers", value=ours.qps, unit="QPS", peer="stock PGVectorStore", theirs=stock_.qps, least=3),
        row(
            "dense, 16 callers", value=ours.qps, unit="QPS", peer="SQL by hand, same table", theirs=hand.qps, least=0.75
        ),
        row("dense, 16 callers", value=ours.qps, unit="QPS", peer="stock, pool tuned", theirs=paces["tuned"].qps),
        row("dense, 16 callers, p95", value=ours.p95, unit="ms", peer="stock PGVectorStore", theirs=stock_.p95),
        row("dense, client CPU", value=ours.cpu, unit="ms", peer="stock PGVectorStore", theirs=stock_.cpu),
        row("dense, client CPU", value=ours.cpu, unit="ms", peer="SQL by hand, same table", theirs=hand.cpu),
    ]


def _hybrid_rows(crowd: dict[str, Pace], alone: dict[str, Pace]) -> list[Row]:
    peer = "stock PGVectorStore hybrid"
    rows = [("16 callers", crowd["ours"], crowd["stock"], 0.06), ("1 caller", alone["ours"], alone["stock"], None)]
    return [
        Row(bench="store", what=f"hybrid p50, {who}", value=a.p50, unit="ms", peer=peer, theirs=b.p50, most=most)
        for who, a, b, most in rows
    ]


if __name__ == "__main__":
    command(bench)
