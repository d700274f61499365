"""LlamaIndex's PGVectorStore, made safe: one way in, through `vocero.find`, and no other.

The stock store builds SQL from filter values (injection), asks twice over two connections, and replaces documents in
two transactions. Here a query is one prepared statement of fixed text in one round trip, with workspace and scopes
named; whatever else the base class offers refuses, and so does what a later release may add, since all of it begins
with `_initialize`. Writing is `infra.postgres.chunks`.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
    VectorStoreQueryResult,
)
from llama_index.vector_stores.postgres import PGVectorStore
from typing_extensions import override

from core.errors import RefusedError
from core.ports import Embedder
from infra.knowledge.vectors import to_half
from infra.postgres.pool import Database, Row
from infra.postgres.text import clean

WORKSPACE_KEY: Final = "workspace"
SCOPE_KEY: Final = "scope"
COLLECTION_KEY: Final = "collection"
QUESTION: Final = 4_000  # characters that full text reads; beyond stands no question but a document
MOST: Final = 200  # passages of one search
AT_ONCE: Final = 4  # searches of one process: 16 callers got 796 a second so, and 584 with 8, on two cores

_FIND: Final = "select * from vocero.find(%s, %s, %s, %s, %s, %s, %s)"
_DENSE: Final = (VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.HYBRID)
_LEXICAL: Final = (VectorStoreQueryMode.HYBRID, VectorStoreQueryMode.TEXT_SEARCH, VectorStoreQueryMode.SPARSE)


class ScopeError(RefusedError):
    """A query that names no workspace or no scope."""


def to_filters(workspace: str, scopes: Sequence[str], collections: Sequence[str] = ()) -> MetadataFilters:
    """Return the filters that every query must carry, and with collections the one that it may."""
    filters = [
        MetadataFilter(key=WORKSPACE_KEY, value=workspace),
        MetadataFilter(key=SCOPE_KEY, value=sorted(scopes), operator=FilterOperator.IN),
    ]
    if collections:
        filters.append(MetadataFilter(key=COLLECTION_KEY, value=sorted(collections), operator=FilterOperator.IN))
    return MetadataFilters(filters=[*filters])


def to_readers(filters: MetadataFilters | None) -> tuple[str, list[str], list[str]]:
    """Return workspace, scopes and collections (empty: all) from a query's filters; ScopeError for anything else."""
    found: dict[str, object] = {}
    for part in filters.filters if filters else ():
        if isinstance(part, MetadataFilter):
            found[f"{part.key} {part.operator.value}"] = part.value
    given, named = len(found), "collection in" in found
    workspace, scopes, wanted = found.pop("workspace ==", None), found.pop("scope in", None), None
    if named:
        wanted = found.pop("collection in")
    if (
        not (isinstance(workspace, str) and workspace)
        or not _names(scopes)
        or (named and not _names(wanted))
        or found
        or filters is None
        or len(filters.filters) != given
        or filters.condition != FilterCondition.AND
    ):
        raise ScopeError("A search needs exactly one workspace and its scopes, and takes collections or nothing more.")
    return workspace, _names(scopes), _names(wanted)


def _names(value: object) -> list[str]:
    """Return a list of names as one; empty for whatever else."""
    listed = value if isinstance(value, list) and all(isinstance(name, str) and name for name in value) else []
    return [str(name) for name in listed]


class KnowledgeStore(PGVectorStore):
    """The vector store of VectorIndexRetriever: `aquery`, and nothing else."""

    _database: Database = PrivateAttr()
    _embedder: Embedder = PrivateAttr()
    _line: asyncio.Semaphore = PrivateAttr()

    def __init__(self, database: Database, embedder: Embedder) -> None:
        """Keep what is given; the embedder says what model it has when it is used: it may be down until then."""
        # the base class keeps this URL and never opens it: no host, no password in a printable object
        url = "postgresql+psycopg://"
        super().__init__(
            connection_string=url,
            async_connection_string=url,
            table_name="chunk",
            schema_name="vocero",
            embed_dim=1,  # the base class makes a table of it, which is never used
            hybrid_search=True,
            use_jsonb=True,
            use_halfvec=True,
            perform_setup=False,
            initialization_fail_on_error=True,
        )
        self._database = database
        self._embedder = embedder
        self._line = asyncio.Semaphore(AT_ONCE)  # a search keeps a core busy: more of them only wait for one another

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex logs."""
        return "KnowledgeStore"

    async def aquery(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        """Return the best chunks that the readers named in the filters may see; similarities are fused scores.

        ScopeError without workspace and scopes, UnknownError, EmbedderDown for a vector that is none, KnowledgeDown.
        """
        workspace, scopes, collections = to_readers(query.filters)
        if kwargs or query.node_ids or query.doc_ids or query.mode not in {*_DENSE, *_LEXICAL}:
            _refuse(f"a query of mode {query.mode.value} with {', '.join(kwargs) or 'ids'}")
        dense = query.mode in _DENSE
        vector = to_half(query.query_embedding, self._embedder.dimensions) if dense else None
        model = self._embedder.name if dense else ""
        question = clean(query.query_str or "")[:QUESTION] if query.mode in _LEXICAL else None
        wanted = min(max(query.similarity_top_k, 1), MOST)
        given = (workspace, scopes, collections, vector, model, question, wanted)
        async with self._line:
            rows = await self._database.fetch(_FIND, given)
        nodes = [_to_node(row) for row in rows]
        return VectorStoreQueryResult(nodes=nodes, similarities=[row[8] for row in rows], ids=[row[0] for row in rows])

    @property
    def client(self) -> None:
        """None: there is no engine to reach around with."""

    async def close(self) -> None:
        """Do nothing: the wiring closes the database."""

    @override
    def _initialize(self) -> NoReturn:
        _refuse("every inherited path to the database")

    @override
    def _build_filter_clause(self, filter_: MetadataFilter) -> NoReturn:
        _refuse("SQL built from filters")

    @classmethod
    @override
    def from_params(cls, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: the database is opened by the wiring."""
        _refuse("from_params")

    @override
    def query(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse, as everything below: asynchronous only, and documents change in one transaction by the librarian."""
        _refuse("all but aquery")

    add = delete = delete_nodes = clear = get_nodes = query
    async_add = adelete = adelete_nodes = aclear = aget_nodes = query


def _refuse(what: str) -> NoReturn:
    raise RefusedError(f"The knowledge store refuses {what}: search through aquery, change through the librarian.")


def _to_node(row: Row) -> TextNode:
    chunk, document, title, url, anchor, text, path, revision, _, cosine = row
    return TextNode(
        id_=chunk,
        text=text,
        metadata={
            "title": title,
            "url": f"{url}#{anchor}" if url and anchor and "#" not in url else url,
            "path": path,
            "revision": revision,
            "cosine": cosine,
        },
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=document)},
    )
