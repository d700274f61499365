"""The port `Embedder` over TEI's `/embed`, or over `/v1/embeddings` where a server has only that."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from core import budgets
from infra.models import wire
from infra.models.breaker import Breaker
from infra.models.dialect import to_title
from infra.models.endpoint import to_root
from infra.models.failures import FOREIGN, EmbedderFailure, Fault, to_fault

BATCH: Final = 32  # TEI's default --max-client-batch-size; more is a 413
BATCH_SECONDS: Final = 30.0  # a batch of 32 full chunks takes a CPU about 10 s
QUERY_SECONDS: Final = 0.95 * budgets.EMBED_QUERY  # ends before the asker leaves, or its failure would not be seen
CHARACTERS: Final = 32_000  # more than any embedding model reads; TEI truncates to its tokens, but takes 2 MB at most
PAUSE: Final = 0.1  # seconds before a busy server is asked again, doubled each time
BLANK: Final = "-"  # what an empty text is embedded as: TEI refuses the empty one, and with it the whole batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the server told of itself; `tei` is false for servers that only know `/v1/embeddings`."""

    tei: bool
    name: str  # with its revision, where the server says it
    batch: int = BATCH


class TeiEmbedder:
    """Embeds texts in order. Asks once what the server serves, and again after each failure: a swap is noticed."""

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        token: str | None = None,
        connect: float = budgets.MODEL_CONNECT,
        query: float = QUERY_SECONDS,
        batch: float = BATCH_SECONDS,
    ) -> None:
        """Keep what is given; nothing connects. `query` is the budget for one text, `batch` for each 32. SetupError."""
        self._url = to_root(url, "VOCERO_EMBEDDING_URL").removesuffix("/embed")
        self._model = model or None
        self._token = (token or "").strip() or None
        self._connect = connect
        self._seconds = {True: query, False: batch}
        self._asking = asyncio.Lock()
        self._fault = Fault("refused")  # the last one
        self._breaker = Breaker()  # for questions; who learns waits and tries again by itself
        self._told: Told | None = None
        self._name = ""
        self._dimensions = 0

    @property
    def name(self) -> str:
        """The model's name with its revision. EmbedderFailure before `prepare`: no vector may go by a guess."""
        return self._name or self._unprepared()

    @property
    def dimensions(self) -> int:
        """The length of every vector. EmbedderFailure before `prepare`."""
        return self._dimensions or len(self._unprepared())

    async def prepare(self) -> None:
        """Ask the server for its model and measure a vector. EmbedderFailure."""
        await self.embed(["dimensions"])

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector a text, in order; a question's is not waited for while the server is down.

        EmbedderFailure.
        """
        if len(texts) != 1:
            return await self._embed(texts, self._seconds[False])
        if not self._breaker.admit():
            raise EmbedderFailure(self._fault)
        try:
            vectors = await self._embed(texts, self._seconds[True])
        except EmbedderFailure:
            self._breaker.failed()
            raise
        except BaseException:
            self._breaker.abandoned()
            raise
        self._breaker.succeeded()
        return vectors

    async def _embed(self, texts: Sequence[str], seconds: float) -> list[list[float]]:
        vectors: list[list[float]] = []
        try:
            for start in range(0, len(texts), BATCH):
                batch = [_clean(text) for text in texts[start : start + BATCH]]
                async with asyncio.timeout(seconds):
                    vectors += (await self._patiently(await self._knows(), batch)).tolist()
        except FOREIGN as error:
            self._told, self._fault = None, to_fault(error)
            raise EmbedderFailure(self._fault) from error
        return vectors

    async def health(self) -> str | None:
        """Return None when the server answers, else what is wrong with it in a sentence."""
        try:
            async with asyncio.timeout(self._seconds[False]):
                await wire.knock(f"{self._url}/health", token=self._token, connect=self._connect)
                await self._knows()
        except FOREIGN as error:
            return str(EmbedderFailure(to_fault(error)))
        return None

    async def close(self) -> None:
        """Close nothing: every request has its own connection."""

    async def _knows(self) -> Told:
        async with self._asking:
            if self._told is None:
                told = await self._ask_what()
                if self._name not in ("", told.name):
                    raise Fault(
                        "rejected",
                        sentence=f"The embedding server now serves {told.name} instead of {self._name}: "
                        "run `vocero reindex`, or set VOCERO_EMBEDDING_URL back.",
                    )
                self._told, self._name = told, told.name
            return self._told

    async def _ask_what(self) -> Told:
        """TEI's `/info`, else the list of models."""
        info = await self._ask("/info")
        if isinstance(info, dict) and "model_type" in info:
            if "embedding" not in info["model_type"]:
                raise Fault("rejected", sentence="The server at VOCERO_EMBEDDING_URL does not serve embeddings.")
            revision = f"@{info['model_sha'][:12]}" if info.get("model_sha") else ""
            batch = min(BATCH, int(info.get("max_client_batch_size", BATCH)))
            return Told(tei=True, name=f"{info['model_id']}{revision}", batch=batch)
        models = [one["id"] for one in (await self._ask("/v1/models") or {}).get("data", ())]
        name = self._model or next(iter(models), "")
        if not name:
            raise Fault("rejected", sentence="The embedding server names no model: set VOCERO_EMBEDDING_MODEL.")
        return Told(tei=False, name=to_title(name))

    async def _patiently(self, told: Told, texts: list[str]) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """Halve what is too large and ask a busy server again, both for as long as the budget lasts. Fault."""
        pause = PAUSE
        while True:
            try:
                if len(texts) > told.batch:
                    raise Fault("too_long")
                return self._checked(await self._vectors(told, texts), len(texts))
            except FOREIGN as error:
                fault = to_fault(error)
                if fault.kind == "too_long" and len(texts) > 1:
                    half = len(texts) // 2
                    parts = [await self._patiently(told, part) for part in (texts[:half], texts[half:])]
                    return np.concatenate(parts)
                if fault.kind != "overloaded":
                    raise
                await asyncio.sleep(fault.retry_after or pause)
                pause *= 2

    async def _vectors(self, told: Told, texts: list[str]) -> Any:
        if told.tei:
            async with wire.HubClient(
                f"{self._url}/embed",  # the hub client posts to the address as it is
                token=self._token,
                connect=self._connect,
                limit=wire.ANSWER_BYTES,
                expects=wire.JSON,
            ) as client:
                return await client.feature_extraction(texts, normalize=True, truncate=True)
        body = {"model": told.name, "input": texts, "encoding_format": "float"}
        data = (await self._ask("/v1/embeddings", body) or {})["data"]
        return [one["embedding"] for one in sorted(data, key=lambda one: int(one["index"]))]

    def _checked(self, answer: Any, count: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """Unit vectors of one length, as many as texts; whatever else arrives is not embeddings. Fault."""
        vectors = np.asarray(answer, dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != count or self._dimensions not in (0, vectors.shape[1]):
            raise Fault("garbage")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise Fault("garbage")
        self._dimensions = int(vectors.shape[1])
        unit: np.ndarray[Any, np.dtype[np.float32]] = vectors / lengths
        return unit

    async def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return await wire.ask(self._url + path, token=self._token, connect=self._connect, body=body)

    def _unprepared(self) -> str:
        raise EmbedderFailure(Fault("refused", sentence="The embedding server has not been asked yet what it serves."))


def _clean(text: str) -> str:
    """What a server can read of a text: not half a surrogate pair, not nothing, not a whole book."""
    return text[:CHARACTERS].encode("utf-8", "replace").decode() if text.strip() else BLANK
