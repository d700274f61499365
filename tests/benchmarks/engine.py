"""What an answer costs this process besides the database and the model, which here take no time at all.

Retrieve through LlamaIndex, write the prompt, take the model's 150 tokens: ours, LlamaIndex's stock `compact`
synthesizer over the same retriever, and the same by hand without any framework.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llama_index.core.base.llms.types import CompletionResponse, LLMMetadata
from llama_index.core.llms import CustomLLM

from core import prompt
from core.audience import EVERYONE
from core.messages import Arm, Passage
from infra.knowledge.engine import KnowledgeEngine
from infra.knowledge.store import to_filters
from infra.postgres.pool import Database
from tests.benchmarks.race import Pace, race
from tests.benchmarks.session import Session, command
from tests.benchmarks.table import Row

WORKSPACE = "bench"
PASSAGES = 6
TOKENS = 150
ANSWER = "token " * TOKENS
TEXT = "Refunds take five working days after the tent has come back to the shop and was looked at. " * 9
QUESTION = "How long does a refund take when I bring back a tent?"
LIMIT = 0.4  # ms


class Still(Database):
    """A database that answers at once with the same six passages."""

    def __init__(self) -> None:
        """Open nothing."""

    async def fetch(self, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        """Return six rows as `vocero.find` does."""
        return [(f"d1.1#{n}", "d1", "Refunds", "", "", TEXT, ["Refunds"], 1, 0.1, 0.8) for n in range(PASSAGES)]


class StillEmbedder:
    """An embedder that answers at once."""

    name = "still@1"
    dimensions = 384

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the same direction for every text."""
        return [[384**-0.5] * 384 for _ in texts]


async def speak(asked: prompt.Prompt) -> AsyncIterator[str]:
    """Be a model that answers at once, in one piece."""
    assert asked.messages
    yield ANSWER


class StillLLM(CustomLLM):
    """The same model as LlamaIndex sees it."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=8192, num_output=TOKENS)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=ANSWER)

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError


async def bench(session: Session) -> list[Row]:
    """Return CPU an answer and what was started for it."""
    engine = KnowledgeEngine(Still(), StillEmbedder())
    stock = engine._index.as_query_engine(
        llm=StillLLM(),
        response_mode="compact",
        similarity_top_k=PASSAGES,
        filters=to_filters(WORKSPACE, ["workspace"]),
        vector_store_query_mode="hybrid",
    )

    async def ours(_: int) -> str:
        found = await engine.retrieve(QUESTION, workspace=WORKSPACE, audience=EVERYONE, limit=PASSAGES)
        return await _say(found.passages)

    async def compact(_: int) -> str:
        return str(await stock.aquery(QUESTION))

    async def by_hand(_: int) -> str:
        vector = (await StillEmbedder().embed([QUESTION]))[0]
        return await _say([_to_passage(row) for row in await Still().fetch("", [vector])])

    contestants = {"ours": ours, "compact": compact, "by hand": by_hand}
    assert {(await ask(0)).strip() for ask in contestants.values()} == {ANSWER.strip()}
    with counted() as started:
        for number in range(10):
            await ours(number)
    paces = await race(contestants, callers=1, rounds=5, each=session.times(200))
    return [*_rows(paces), Row(bench="engine", what="threads and event loops started", value=len(started) / 10, most=0)]


async def _say(passages: Sequence[Passage]) -> str:
    request = prompt.write(Arm.RAG, QUESTION, passages)
    return "".join([piece async for piece in speak(request)])


def _to_passage(row: tuple[Any, ...]) -> Passage:
    chunk, document, title, url, _, text, path, revision, score, cosine = row
    return Passage(
        chunk=chunk,
        document=document,
        title=title,
        url=url,
        text=text,
        score=score,
        cosine=cosine,
        revision=revision,
        path=tuple(path),
    )


@contextmanager
def counted() -> Iterator[list[str]]:
    """Note every thread and event loop that is started in the block."""
    started: list[str] = []
    start, loop = threading.Thread.start, asyncio.new_event_loop

    def new_thread(thread: threading.Thread) -> None:
        started.append(thread.name)
        start(thread)

    def new_loop() -> asyncio.AbstractEventLoop:
        started.append("loop")
        return loop()

    threading.Thread.start, asyncio.new_event_loop = new_thread, new_loop  # type: ignore[method-assign]
    try:
        yield started
    finally:
        threading.Thread.start, asyncio.new_event_loop = start, loop  # type: ignore[method-assign]


def _rows(paces: dict[str, Pace]) -> list[Row]:
    what = "CPU an answer, no streaming"

    def row(**more: Any) -> Row:
        return Row(bench="engine", what=what, value=paces["ours"].cpu, unit="ms", **more)

    return [
        row(most=LIMIT),
        row(peer="LlamaIndex compact", theirs=paces["compact"].cpu),
        row(peer="by hand, no framework", theirs=paces["by hand"].cpu),
    ]


if __name__ == "__main__":
    command(bench)
