"""A TEI judged by TEI's own OpenAPI file. By hand: python -m tests.fakes.tei --port 8081"""

import argparse
import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.fakes.openapi import Judge

DIMENSIONS = 8


@dataclass(kw_only=True)
class FakeTei:
    """Use as `async with FakeTei(...) as fake`; `openai=True` leaves only the pages that vLLM and llama.cpp have."""

    model: str = "acme/mini-embedder"
    sha: str | None = "fca14538aa9956a46526bd1d0d11d69e19b5a101"
    kind: str = "embedding"
    openai: bool = False
    batch: int = 32
    busy: int = 0  # so many requests are answered 429
    delay: float = 0.0
    answer: Any = None  # instead of vectors
    to_vector: Callable[[str], list[float]] = field(default_factory=lambda: vector)
    port: int = 0
    bodies: list[Any] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)  # the Authorization of every request
    problems: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._judge = Judge("tei")
        app = web.Application(client_max_size=2_000_000)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/embeddings", self._openai)
        app.router.add_get("/health", self._health)
        if not self.openai:
            app.router.add_get("/info", self._info)
            app.router.add_post("/embed", self._embed)
            app.router.add_post("/rerank", self._rerank)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, kind: object, *rest: object) -> None:
        await self._runner.cleanup()
        if kind is None:
            assert not self.problems, self.problems

    @property
    def url(self) -> str:
        """The address that `VOCERO_EMBEDDING_URL` would hold."""
        return f"http://127.0.0.1:{self.port}"

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _info(self, request: web.Request) -> web.Response:
        kinds = {
            "embedding": {"embedding": {"pooling": "mean"}},
            "reranker": {"reranker": {"id2label": {}, "label2id": {}}},
        }
        limits = {"max_concurrent_requests": 512, "max_input_length": 256, "max_batch_tokens": 16384}
        router = {"auto_truncate": True, "tokenization_workers": 2, "version": "1.9.3"}
        model = {
            "model_id": self.model,
            "model_sha": self.sha,
            "model_dtype": "float32",
            "model_type": kinds[self.kind],
        }
        sizes = {"max_client_batch_size": self.batch, "served_model_name": self.model}
        return self._right("Info", {**model, **sizes, **limits, **router})

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": self.model, "object": "model"}]})

    async def _embed(self, request: web.Request) -> web.Response:
        body = await self._taken(request, "EmbedRequest")
        if refused := self._refused(body["inputs"]):
            return refused
        if self.answer is not None:
            return web.json_response(self.answer)
        return self._right("EmbedResponse", [self.to_vector(text) for text in body["inputs"]])

    async def _rerank(self, request: web.Request) -> web.Response:
        """Score each text by the share of the question's words in it; answered best first, as TEI does."""
        body = await self._taken(request, "RerankRequest")
        if refused := self._refused(body["texts"]):
            return refused
        if self.answer is not None:
            return web.json_response(self.answer)
        asked = set(body["query"].lower().split())
        scores = [len(asked & set(text.lower().split())) / len(asked) for text in body["texts"]]
        ranks = [{"index": n, "score": score} for n, score in enumerate(scores)]
        return self._right("RerankResponse", sorted(ranks, key=lambda rank: -rank["score"]))

    async def _openai(self, request: web.Request) -> web.Response:
        body = await self._taken(request, "OpenAICompatRequest")
        if refused := self._refused(body["input"]):
            return refused
        data = [
            {"object": "embedding", "index": n, "embedding": self.to_vector(text)}
            for n, text in enumerate(body["input"])
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        answer = {"object": "list", "model": self.model, "data": data[::-1], "usage": usage}
        return self._right("OpenAICompatResponse", answer)

    async def _taken(self, request: web.Request, schema: str) -> Any:
        await asyncio.sleep(self.delay)
        body = await request.json()
        self.bodies.append(body)
        self.tokens.append(request.headers.get("Authorization", ""))
        self.problems += self._judge.problems(schema, body)
        return body

    def _refused(self, texts: list[str]) -> web.Response | None:
        if self.busy > 0:
            self.busy -= 1
            return self._error(429, "Model is overloaded", "Overloaded")
        if len(texts) > self.batch:
            return self._error(413, f"batch size {len(texts)} > maximum allowed batch size {self.batch}", "Validation")
        if not all(texts):
            return self._error(400, "`inputs` cannot be empty", "Empty")
        return None

    def _error(self, status: int, error: str, error_type: str) -> web.Response:
        body = {"error": error, "error_type": error_type}
        self.problems += self._judge.problems("ErrorResponse", body)
        return web.json_response(body, status=status)

    def _right(self, schema: str, document: Any) -> web.Response:
        self.problems += self._judge.problems(schema, document)
        return web.json_response(document)


def vector(text: str) -> list[float]:
    """A vector that depends on the text alone; not of unit length."""
    return [byte / 64 - 2 for byte in hashlib.sha256(text.encode()).digest()[:DIMENSIONS]]


async def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8081)
    async with FakeTei(port=parser.parse_args().port) as fake:
        print(f"a fake TEI on {fake.url}")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
