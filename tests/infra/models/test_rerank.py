"""The order of passages by a server that serves a reranker; without its word, the order they came in."""

import pytest

from infra.models.rerank import BATCH, TeiReranker
from tests.fakes.tei import FakeTei

TEXTS = ["stoves burn ash", "refunds take days", "how long refunds take"]


async def test_texts_are_ordered_by_the_servers_scores() -> None:
    """Best first, whatever the order of the answer; more than a batch is asked in parts."""
    async with FakeTei(kind="reranker") as fake:
        assert await TeiReranker(fake.url).order("how long do refunds take", TEXTS) == [2, 1, 0]
        many = ["nothing"] * BATCH + ["refunds"]
        assert (await TeiReranker(f"{fake.url}/rerank").order("refunds", many))[0] == BATCH
        assert max(len(body["texts"]) for body in fake.bodies) == BATCH
        assert await TeiReranker(fake.url).health() is None


@pytest.mark.parametrize(
    "wrong", [{"busy": 1}, {"answer": [{"index": 0, "score": 1.0}]}, {"answer": "odd"}, {"delay": 9}]
)
async def test_without_its_word_the_order_stays(wrong: dict[str, object]) -> None:
    """Busy, incomplete, garbled or silent: what was found is answered from all the same."""
    async with FakeTei(kind="reranker", **wrong) as fake:
        assert await TeiReranker(fake.url, seconds=0.3).order("how long do refunds take", TEXTS) == [0, 1, 2]


async def test_a_server_that_is_gone_is_told() -> None:
    """The doctor's sentence names the setting."""
    trouble = await TeiReranker("http://127.0.0.1:9").health()
    assert trouble is not None
    assert "VOCERO_RERANK_URL" in trouble
    assert await TeiReranker("http://127.0.0.1:9").order("refunds", TEXTS) == [0, 1, 2]
