"""The order of passages by a reranker, over TEI's `/rerank`. Fails open: the search's own order is one too."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog

from core import budgets
from infra.models import wire
from infra.models.endpoint import to_root
from infra.models.failures import FOREIGN, Fault, to_fault

BATCH: Final = 32  # TEI's default --max-client-batch-size
CHARACTERS: Final = 8_000  # more than a reranker reads; TEI truncates to its tokens

log = structlog.get_logger()


class TeiReranker:
    """Orders texts for a question. Each request has its own connection; nothing is to be closed."""

    def __init__(self, url: str, *, token: str | None = None, seconds: float = budgets.RERANK) -> None:
        """Keep what is given; nothing connects. SetupError for an address that is none."""
        self._url = to_root(url, "VOCERO_RERANK_URL").removesuffix("/rerank")
        self._token = (token or "").strip() or None
        self._seconds = seconds

    async def order(self, question: str, texts: Sequence[str]) -> list[int]:
        """Return the places of the texts, best first; as they stand when the server does not say in time."""
        try:
            async with asyncio.timeout(self._seconds):
                scores = await self._scores(question, [text[:CHARACTERS] or "-" for text in texts])
        except FOREIGN as error:
            log.warning("not reranked", reason=to_fault(error).kind)
            return list(range(len(texts)))
        return sorted(range(len(texts)), key=lambda place: -scores[place])

    async def health(self) -> str | None:
        """Return None when the server reranks, else what is wrong with it in a sentence."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._scores("ready?", ["ready"])
        except FOREIGN as error:
            return f"The reranker does not answer ({to_fault(error).kind}): check VOCERO_RERANK_URL."
        return None

    async def _scores(self, question: str, texts: Sequence[str]) -> list[float]:
        parts = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        return [score for part in parts for score in await self._part(question, part)]

    async def _part(self, question: str, texts: Sequence[str]) -> list[float]:
        body = {"query": question, "texts": list(texts), "truncate": True}
        answer: Any = await wire.ask(f"{self._url}/rerank", token=self._token, connect=budgets.MODEL_CONNECT, body=body)
        scores = {int(one["index"]): float(one["score"]) for one in answer or ()}
        if set(scores) != set(range(len(texts))):
            raise Fault("garbage")
        return [scores[place] for place in range(len(texts))]
