"""The engine stays LlamaIndex's and stays cheap: no thread, no event loop, no model, no call home."""

import asyncio
import inspect
import threading
from collections.abc import Sequence

import pytest
from llama_index.core import Settings
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle

from core.audience import EVERYONE
from core.errors import RefusedError
from core.ports import Knowledge
from infra.knowledge import engine as module
from infra.knowledge.engine import KnowledgeEngine, PassageSynthesizer, QueryEmbedding
from infra.knowledge.rerank import Reranking
from infra.models.rerank import TeiReranker
from infra.postgres.pool import Database
from tests.fakes.tei import FakeTei
from tests.infra.knowledge.teaching import Company, WordEmbedder


class Backwards(BaseNodePostprocessor):
    """A reranker that turns the order round and notes how many it was given."""

    seen: list[int] = []  # noqa: RUF012 - pydantic copies it

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        self.seen.append(len(nodes))
        return nodes[::-1]


@pytest.fixture(scope="module")
async def company(database: Database) -> Company:
    """Nine short texts about tents."""
    company = Company(database)
    for n in range(9):
        await company.teach(f"{n}.md", f"{'tent ' * n} pole{n}")
    return company


def test_it_is_the_port() -> None:
    """Each method of the port is here, with the port's own parameters."""
    for name in ("shelf", "retrieve"):
        ours, theirs = (inspect.signature(getattr(kind, name)) for kind in (KnowledgeEngine, Knowledge))
        assert ours == theirs


async def test_a_reranker_sees_more_and_decides_the_order(company: Company) -> None:
    """Three times the limit goes in, the limit comes out, in the reranker's order."""
    reranker = Backwards()
    engine = KnowledgeEngine(company.database, company.embedder, rerankers=[reranker])
    plain = await company.engine.retrieve("tent", workspace=company.workspace, audience=EVERYONE, limit=9)
    turned = await engine.retrieve("tent", workspace=company.workspace, audience=EVERYONE, limit=3)
    assert reranker.seen == [9]
    assert [passage.chunk for passage in turned.passages] == [passage.chunk for passage in plain.passages[::-1][:3]]


async def test_a_search_starts_no_thread_and_no_loop(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """LlamaIndex's stock synthesizers start two threads and a loop a question; ours none."""
    engine = company.engine
    await engine.retrieve("tent", workspace=company.workspace, audience=EVERYONE, limit=3)
    started: list[str] = []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread.name))
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: started.append("loop"))
    found = await engine.retrieve("tent", workspace=company.workspace, audience=EVERYONE, limit=3)
    assert len(found.passages) == 3
    assert started == []


def test_no_default_can_call_home(database: Database) -> None:
    """After the engine exists, LlamaIndex's defaults are a mock and a refusal, never OpenAI's clients."""
    KnowledgeEngine(database, WordEmbedder())
    assert type(Settings.llm).__name__ == "MockLLM"
    assert isinstance(Settings.embed_model, QueryEmbedding)
    with pytest.raises(RefusedError):
        Settings.embed_model.get_text_embedding("x")
    with pytest.raises(RefusedError):
        Settings.embed_model.get_query_embedding("x")
    with pytest.raises(RefusedError):
        PassageSynthesizer().get_response("x", [])


async def test_a_slow_embedder_costs_no_more_than_its_budget(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the budget ends the question goes on by words, and the embedder's work is cancelled."""
    cancelled = asyncio.Event()

    class Sleeper(WordEmbedder):
        async def embed(self, texts: Sequence[str]) -> list[list[float]]:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return []

    monkeypatch.setattr(module.budgets, "EMBED_QUERY", 0.05)
    found = await KnowledgeEngine(company.database, Sleeper()).retrieve(
        "pole3", workspace=company.workspace, audience=EVERYONE, limit=1
    )
    assert "did not answer within" in found.degraded
    assert "pole3" in found.passages[0].text
    assert cancelled.is_set()


async def test_one_search_is_one_statement(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telling who asks and asking is one round trip."""
    calls: list[str] = []
    fetch = company.database.fetch

    async def counting(statement: str, values: Sequence[object]) -> list[tuple[object, ...]]:
        calls.append(statement)
        return await fetch(statement, values)

    monkeypatch.setattr(company.database, "fetch", counting)
    await company.engine.retrieve("tent", workspace=company.workspace, audience=EVERYONE, limit=3)
    assert len(calls) == 1


async def test_a_served_reranker_orders_what_was_found(database: Database, company: Company) -> None:
    """It sees more than is wanted, and its order is the one that counts."""
    async with FakeTei(kind="reranker") as fake:
        engine = KnowledgeEngine(database, WordEmbedder(), rerankers=[Reranking(TeiReranker(fake.url))])
        found = await engine.retrieve("pole7", workspace=company.workspace, audience=EVERYONE, limit=3)
    assert "pole7" in found.passages[0].text
    assert len(fake.bodies[0]["texts"]) == 9
