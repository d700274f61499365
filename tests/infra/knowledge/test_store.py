"""KnowledgeStore is a PGVectorStore with one open door; an upgrade that adds another fails here."""

import inspect
from importlib.metadata import version

import pytest
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)
from llama_index.vector_stores.postgres import PGVectorStore

from core.errors import EmbedderDown, RefusedError, UnknownError
from infra.knowledge.store import KnowledgeStore, ScopeError, to_filters, to_readers
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import DIMENSIONS, Company, WordEmbedder, to_vector

# every public name that PGVectorStore 0.9 adds to pydantic's, and what becomes of it here
OPEN = {"aquery"}
HARMLESS = {"class_name", "client", "close", "is_embedding_query", "persist", "stores_text", "flat_metadata"}
REFUSED = {
    "add", "async_add", "delete", "adelete", "delete_nodes", "adelete_nodes", "clear", "aclear", "get_nodes",
    "aget_nodes", "query", "from_params",
}  # fmt: skip


@pytest.fixture
def store(database: Database) -> KnowledgeStore:
    """The store as the engine makes it."""
    return KnowledgeStore(database, WordEmbedder())


def ask(workspace: str, **changed: object) -> VectorStoreQuery:
    values: dict[str, object] = {
        "query_embedding": to_vector("marmalade"),
        "query_str": "marmalade",
        "similarity_top_k": 5,
        "mode": VectorStoreQueryMode.HYBRID,
        "filters": to_filters(workspace, ["workspace"]),
    }
    return VectorStoreQuery(**{**values, **changed})  # type: ignore[arg-type]


def test_it_is_the_real_store_at_the_pinned_release(store: KnowledgeStore) -> None:
    """LlamaIndex sees its own class; another minor release must be read before it is used."""
    assert isinstance(store, PGVectorStore)
    assert version("llama-index-vector-stores-postgres").startswith("0.9.")


def test_every_public_method_is_decided() -> None:
    """A name that a release adds to the store is neither open, harmless nor refused yet: decide it here."""
    pydantic = set(dir(inspect.getmro(PGVectorStore)[-2])) | set(dir(__import__("pydantic").BaseModel))
    llama = set(dir(__import__("llama_index.core.schema", fromlist=["BaseComponent"]).BaseComponent))
    public = {name for name in dir(PGVectorStore) if not name.startswith("_")} - pydantic - llama
    assert public <= OPEN | HARMLESS | REFUSED
    assert public >= OPEN | REFUSED


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_every_other_path_refuses(store: KnowledgeStore, name: str) -> None:
    """Synchronous queries, additions, deletions and unscoped reads end in a sentence, whatever they are given."""
    arguments = () if name in ("clear", "aclear") else ([],)
    with pytest.raises(RefusedError, match="aquery"):
        getattr(store, name)(*arguments)


@pytest.mark.parametrize("name", ["_initialize", "_build_filter_clause"])
def test_the_private_hooks_still_stand_where_we_bar_them(name: str) -> None:
    """All inherited SQL begins with these two: if a release renames them, the bar must move with them."""
    assert callable(getattr(PGVectorStore, name))
    assert name in KnowledgeStore.__dict__
    source = inspect.getsource(PGVectorStore)
    assert source.count("self._initialize()") >= 10
    assert "def _connect(self)" in source


@pytest.mark.parametrize(
    "name", ["_aquery_with_score", "_async_hybrid_query", "_async_sparse_query_with_rank", "_async_mmr_query"]
)
def test_inherited_queries_cannot_connect(store: KnowledgeStore, name: str) -> None:
    """Even called around our aquery, the stock queries have no session to run in."""
    assert callable(getattr(store, name))
    assert not store._is_initialized
    with pytest.raises(RefusedError):
        store._initialize()
    assert store.client is None


def test_no_secret_is_printed(store: KnowledgeStore, database: Database) -> None:
    """The store's repr, which logs and traces show, holds neither host nor password."""
    assert "127.0.0.1" not in repr(store)
    assert "application" not in repr(store)


@pytest.mark.parametrize(
    "filters",
    [
        None,
        MetadataFilters(filters=[]),
        MetadataFilters(filters=[MetadataFilter(key="workspace", value="w")]),
        MetadataFilters(filters=[MetadataFilter(key="scope", value=["workspace"], operator=FilterOperator.IN)]),
        to_filters("", ["workspace"]),
        to_filters("w", []),
        to_filters("w", [""]),
        to_filters("w", ["workspace"], [""]),
        MetadataFilters(filters=[*to_filters("w", ["workspace"]).filters, MetadataFilter(key="x", value="y")]),
        MetadataFilters(filters=to_filters("w", ["workspace"]).filters, condition=FilterCondition.OR),
        MetadataFilters(filters=[to_filters("w", ["workspace"]), to_filters("v", ["workspace"])]),
        MetadataFilters(
            filters=[
                MetadataFilter(key="workspace", value="w", operator=FilterOperator.NE),
                MetadataFilter(key="scope", value=["workspace"], operator=FilterOperator.IN),
            ]
        ),
    ],
)
async def test_a_query_without_exactly_its_readers_is_refused(
    store: KnowledgeStore, filters: MetadataFilters | None
) -> None:
    """No workspace, no scopes, or anything besides: never everything."""
    with pytest.raises(ScopeError):
        await store.aquery(ask("w", filters=filters))


def test_readers_come_back_as_they_went_in() -> None:
    """What the engine writes into the filters is what the store reads out."""
    scopes = ["channel:C1", "workspace"]
    assert to_readers(to_filters("slack/T1", ["workspace", "channel:C1"])) == ("slack/T1", scopes, [])
    assert to_readers(to_filters("slack/T1", scopes, ["b", "a"])) == ("slack/T1", scopes, ["a", "b"])


@pytest.mark.parametrize(
    "vector",
    [
        None,
        [],
        [0.1],
        to_vector("x", DIMENSIONS + 1),
        [0.0] * DIMENSIONS,
        [float("nan")] * DIMENSIONS,
        [float("inf")] + [0.0] * (DIMENSIONS - 1),
        [1e30] + [0.0] * (DIMENSIONS - 1),
    ],
)
async def test_vectors_that_are_none_are_refused(store: KnowledgeStore, vector: list[float] | None) -> None:
    """Of a wrong size, NaN, infinite, zero: the embedder is called broken before the database is asked."""
    with pytest.raises(EmbedderDown, match="embedder"):
        await store.aquery(ask("w", query_embedding=vector))


@pytest.mark.parametrize(
    "changed",
    [{"mode": VectorStoreQueryMode.MMR}, {"node_ids": ["a"]}, {"doc_ids": ["a"]}, {"mode": VectorStoreQueryMode.SVM}],
)
async def test_other_kinds_of_query_are_refused(store: KnowledgeStore, changed: dict[str, object]) -> None:
    """What would be ignored, or answered by inherited code, is refused instead."""
    with pytest.raises(RefusedError, match="aquery"):
        await store.aquery(ask("w", **changed))


async def test_keyword_arguments_are_refused(store: KnowledgeStore) -> None:
    """The stock store ran `hnsw_ef_search='40; SELECT 1'` as two statements."""
    with pytest.raises(RefusedError, match="hnsw_ef_search"):
        await store.aquery(ask("w"), hnsw_ef_search="40; SELECT 1")


INJECTIONS = [
    "zzz' OR '1'='1",
    "team' = 'x' OR '1'='1' --",
    "O'Reilly",
    "x :foo y",
    "'; drop table vocero.data_chunk; --",
    "nan",
    "1234567890123456789",
    "{workspace}",
    "\\",
    '"',
]


@pytest.mark.parametrize("text", INJECTIONS)
async def test_injection_strings_return_nothing_and_break_nothing(
    database: Database, store: KnowledgeStore, text: str
) -> None:
    """As workspace, as scope and as question: no row of anyone's, and the data still there."""
    company = Company(database)
    await company.teach("a.md", "Marmalade is orange.")
    with pytest.raises(UnknownError, match="no workspace"):
        await store.aquery(ask(text))
    scoped = await store.aquery(ask(company.workspace, filters=to_filters(company.workspace, [text])))
    assert scoped.nodes == []
    asked = await store.aquery(
        ask(company.workspace, query_str=text, query_embedding=None, mode=VectorStoreQueryMode.TEXT_SEARCH)
    )
    assert asked.nodes == []
    found = await store.aquery(ask(company.workspace))
    assert [node.get_content() for node in found.nodes or []] == ["Marmalade is orange."]
