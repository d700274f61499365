"""A reranker as LlamaIndex's engine asks for it."""

from typing import Any, NoReturn

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle
from typing_extensions import override

from core.errors import RefusedError
from infra.models.rerank import TeiReranker


class Reranking(BaseNodePostprocessor):
    """Orders what was found by a reranker; the fused scores stay, since they say how it was found."""

    _reranker: TeiReranker = PrivateAttr()

    def __init__(self, reranker: TeiReranker, **more: Any) -> None:
        super().__init__(**more)
        self._reranker = reranker

    @override
    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None or len(nodes) < 2:
            return nodes
        texts = [f"{one.node.metadata['title']}\n{one.node.get_content(MetadataMode.NONE)}" for one in nodes]
        return [nodes[place] for place in await self._reranker.order(query_bundle.query_str, texts)]

    @override
    def _postprocess_nodes(self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None) -> NoReturn:
        raise RefusedError("Passages are reranked asynchronously only.")
