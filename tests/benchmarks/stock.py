"""The peer: LlamaIndex's PGVectorStore as it comes, on asyncpg, in a table of its own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType

from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.utils import node_to_metadata_dict
from llama_index.vector_stores.postgres import PGVectorStore
from pgvector import Vector
from pgvector.psycopg import register_vector
from psycopg import connect
from psycopg.types.json import Json

from infra.knowledge.store import AT_ONCE
from tests.benchmarks.corpus import DIMENSIONS, Corpus
from tests.benchmarks.ground import PER_DOCUMENT, without_indexes
from tests.postgres import Urls

HNSW = {"hnsw_m": 16, "hnsw_ef_construction": 64, "hnsw_ef_search": 40}  # as in LlamaIndex's own example
TUNED = {"pool_size": AT_ONCE, "max_overflow": 0}  # its own pool keeps 5 connections and opens 10 more again and again


@asynccontextmanager
async def open_stock(urls: Urls, *, engine: Mapping[str, int] = MappingProxyType({})) -> AsyncIterator[PGVectorStore]:
    """Open the store with its tables made; `engine`: what is said to SQLAlchemy, by default nothing."""
    store = PGVectorStore.from_params(
        connection_string=urls.admin.replace("postgresql://", "postgresql+psycopg2://"),
        async_connection_string=urls.admin.replace("postgresql://", "postgresql+asyncpg://"),
        table_name="stock",
        embed_dim=DIMENSIONS,
        hybrid_search=True,
        text_search_config="english",
        hnsw_kwargs=HNSW,
        create_engine_kwargs=dict(engine),
    )
    try:
        store._initialize()
        yield store
    finally:
        await store.close()


def fill(urls: Urls, corpus: Corpus, chunks: int) -> None:
    """Write the first chunks of a corpus into its table, as it would by `add`, which takes minutes."""
    with connect(urls.admin, autocommit=True) as connection:
        register_vector(connection)
        with without_indexes(connection, "data_stock"), connection.cursor() as cursor:
            target = "data_stock (text, metadata_, node_id, embedding)"
            with cursor.copy(f"copy {target} from stdin (format binary)") as copy:
                copy.set_types(["varchar", "json", "varchar", "vector"])
                for number in range(chunks):
                    node = to_node(f"node {number}", corpus.passages[number], f"d{number // PER_DOCUMENT}")
                    said = Json(node_to_metadata_dict(node, remove_text=True, flat_metadata=False))
                    copy.write_row((node.text, said, node.node_id, Vector(corpus.vectors[number])))
        connection.execute("vacuum (analyze) data_stock")


def to_node(name: str, text: str, document: str, embedding: Sequence[float] | None = None) -> TextNode:
    """Return a node as LlamaIndex's own splitters make it."""
    source = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document)}
    return TextNode(id_=name, text=text, relationships=source, embedding=None if embedding is None else list(embedding))
