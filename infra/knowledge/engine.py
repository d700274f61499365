"""The engine: LlamaIndex's retriever and query engine over our store, ending in passages; the core speaks.

Importing this module costs LlamaIndex's 2.5 s: import it before readiness, never for `--help`.
"""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from llama_index.core import Settings, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.response.schema import Response
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.indices.prompt_helper import ChatPromptHelper, PromptHelper
from llama_index.core.indices.vector_store.retrievers import VectorIndexRetriever
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.response_synthesizers.base import QueryTextType
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle
from llama_index.core.vector_stores.types import VectorStoreQueryMode, VectorStoreQueryResult
from typing_extensions import override

from core import budgets
from core.audience import Audience
from core.errors import EmbedderDown, InputError, RefusedError
from core.messages import Passage
from core.ports import Embedder, Found, Shelf
from infra.knowledge.store import QUESTION, KnowledgeStore, to_filters
from infra.postgres.pool import Database
from infra.postgres.text import clean

CANDIDATES: Final = 3  # times the limit go to a reranker, when there is one

_MODES: Final = {
    "hybrid": VectorStoreQueryMode.HYBRID,
    "dense": VectorStoreQueryMode.DEFAULT,
    "lexical": VectorStoreQueryMode.TEXT_SEARCH,
}
_SHELF: Final = "select * from vocero.shelf(%s, %s, %s)"


class QueryEmbedding(BaseEmbedding):
    """The core's embedder as LlamaIndex asks for it: questions only, within their budget.

    The engine asks it directly and hands the vector on with the question: two layers of LlamaIndex less, which took a
    fifth of a search's CPU.
    """

    _embedder: Embedder = PrivateAttr()

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(model_name="vocero")  # an embedder that is down at the start has no name yet
        self._embedder = embedder

    @override
    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await self.embed(query)

    async def embed(self, query: str) -> list[float]:
        """Return a question's vector. EmbedderDown, also when the budget ends."""
        try:
            async with asyncio.timeout(budgets.EMBED_QUERY):
                return (await self._embedder.embed([query]))[0]
        except TimeoutError:
            raise EmbedderDown(f"the embedder did not answer within {budgets.EMBED_QUERY} s.") from None

    @override
    def _get_query_embedding(self, query: str) -> NoReturn:
        raise RefusedError("Questions are embedded asynchronously only.")

    @override
    def _get_text_embedding(self, text: str) -> NoReturn:
        raise RefusedError("Documents are embedded by the librarian.")


class PassageRetriever(VectorIndexRetriever):
    """LlamaIndex's retriever over a store that returns whole texts: nothing is left to look up elsewhere."""

    @override
    def _determine_nodes_to_fetch(self, query_result: VectorStoreQueryResult) -> list[str]:
        return []  # the stock method hashes every text only to learn that it is one

    @override
    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if query_bundle.embedding is None and self._needs_embedding():
            return await super()._aretrieve(query_bundle)
        return await self._aget_nodes_with_embeddings(query_bundle)  # the vector came along: no span around nothing

    @override
    async def _ahandle_recursive_retrieval(
        self, query_bundle: QueryBundle, nodes: list[NodeWithScore]
    ) -> list[NodeWithScore]:
        return nodes  # passages only: none stands for another index


class PassageSynthesizer(BaseSynthesizer):
    """Ends the query engine in its source nodes: no prompt, no model, no token counted."""

    def __init__(self) -> None:
        # the helpers would load tiktoken only to measure prompts that are never written
        super().__init__(
            llm=MockLLM(),
            prompt_helper=PromptHelper(tokenizer=str.split),
            chat_prompt_helper=ChatPromptHelper(tokenizer=str.split),
            empty_response="-",
        )

    @override
    def _get_prompts(self) -> dict[str, Any]:
        return {}

    @override
    def _update_prompts(self, prompts: Any) -> None:
        return None

    @override
    async def asynthesize(
        self,
        query: QueryTextType,
        nodes: list[NodeWithScore],
        additional_source_nodes: Sequence[NodeWithScore] | None = None,
        **response_kwargs: Any,
    ) -> Response:
        """Return the passages: they are the response."""
        return Response("", source_nodes=nodes)

    @override
    async def aget_response(self, query_str: str, text_chunks: Sequence[str], **kwargs: Any) -> NoReturn:
        """Refuse: passages are not made into text here."""
        raise RefusedError("The engine ends in passages; the core speaks.")

    @override
    def get_response(self, query_str: str, text_chunks: Sequence[str], **kwargs: Any) -> NoReturn:
        """Refuse: asynchronous only."""
        raise RefusedError("The engine answers asynchronously only.")


def keep_signatures(*methods: Callable[..., Any]) -> None:
    """Keep what LlamaIndex's tracing works out anew at every call, where `inspect` looks first (PEP 362).

    That was a sixth of a search's CPU.
    """
    for method in methods:
        traced = inspect.unwrap(method)
        traced.__signature__ = inspect.signature(traced)


keep_signatures(
    RetrieverQueryEngine.aquery,
    RetrieverQueryEngine._aquery,  # noqa: SLF001
    PassageRetriever.aretrieve,
    PassageRetriever._aretrieve,  # noqa: SLF001
    PassageSynthesizer.asynthesize,
)


def forbid_calls_home(embedding: BaseEmbedding) -> None:
    """Fill the defaults that LlamaIndex would else fill with OpenAI's clients."""
    Settings.llm = MockLLM()
    Settings.embed_model = embedding


class KnowledgeEngine:
    """The port `Knowledge`. `rerankers` see `CANDIDATES` times the passages wanted and return them in their order."""

    def __init__(
        self, database: Database, embedder: Embedder, *, rerankers: Sequence[BaseNodePostprocessor] = ()
    ) -> None:
        self._database = database
        self._embedding = QueryEmbedding(embedder)
        forbid_calls_home(self._embedding)
        store = KnowledgeStore(database, embedder)
        self._index = VectorStoreIndex.from_vector_store(store, embed_model=self._embedding)
        self._synthesizer = PassageSynthesizer()
        self._rerankers = list(rerankers)

    async def shelf(self, workspace: str, audience: Audience) -> Shelf:
        """Return what may be read. UnknownError for an unknown workspace, KnowledgeDown."""
        rows = await self._database.fetch(_SHELF, (workspace, sorted(audience.scopes), sorted(audience.collections)))
        return Shelf(editions=tuple((row[0], row[1]) for row in rows), chunks=sum(row[2] for row in rows))

    async def retrieve(
        self, query: str, *, workspace: str, audience: Audience, limit: int, mode: str = "hybrid"
    ) -> Found:
        """Return at most `limit` passages, best first; without an embedder by words only, and say why.

        InputError for another mode than hybrid, dense or lexical; UnknownError, KnowledgeDown.
        """
        if mode not in _MODES:
            raise InputError(f"{mode[:40]!r} is no way to search: use hybrid, dense or lexical.")
        query = clean(query)[:QUESTION]
        if not query.strip() or limit < 1:
            return Found(passages=())
        try:
            return Found(passages=await self._search(query, workspace, audience, limit, _MODES[mode]))
        except EmbedderDown as down:
            reason = str(down)
        passages = await self._search(query, workspace, audience, limit, VectorStoreQueryMode.TEXT_SEARCH)
        return Found(passages=passages, degraded=reason)

    async def _search(
        self, query: str, workspace: str, audience: Audience, limit: int, mode: VectorStoreQueryMode
    ) -> tuple[Passage, ...]:
        retriever = PassageRetriever(
            self._index,
            similarity_top_k=limit * CANDIDATES if self._rerankers else limit,
            vector_store_query_mode=mode,
            filters=to_filters(workspace, sorted(audience.scopes), sorted(audience.collections)),
        )
        engine = RetrieverQueryEngine(retriever, self._synthesizer, node_postprocessors=self._rerankers)
        vector = None if mode is VectorStoreQueryMode.TEXT_SEARCH else await self._embedding.embed(query)
        response = await engine.aquery(QueryBundle(query, embedding=vector))
        return tuple(to_passage(found) for found in response.source_nodes[:limit])


def to_passage(found: NodeWithScore) -> Passage:
    """Return a node of our store as the core's value."""
    node, said = found.node, found.node.metadata
    return Passage(
        chunk=node.node_id,
        document=node.ref_doc_id or "",
        title=said["title"],
        url=said["url"],
        text=node.get_content(metadata_mode=MetadataMode.NONE),
        score=found.score or 0.0,
        cosine=said["cosine"],
        revision=said["revision"],
        path=tuple(said["path"]),
    )
