"""The embedder over TEI and over `/v1/embeddings`."""

import math
import socket
from typing import Any

import pytest

from core.errors import EmbedderDown, SetupError
from infra.models.breaker import FAILURES, OPEN
from infra.models.failures import EmbedderFailure
from infra.models.tei import TeiEmbedder
from tests.fakes.tei import DIMENSIONS, FakeTei, vector

BOTH = pytest.mark.parametrize("openai", [False, True], ids=["embed", "v1"])


@BOTH
async def test_vectors_are_unit_long_and_in_order(openai: bool):
    """A hundred texts come back as a hundred unit vectors in their order, in batches the server takes."""
    texts = [f"text {number}" for number in range(100)]
    async with FakeTei(openai=openai) as fake:
        vectors = await TeiEmbedder(fake.url).embed(texts)
        assert len(fake.bodies) == 4
    for text, found in zip(texts, vectors, strict=True):
        length = math.hypot(*vector(text))
        assert found == pytest.approx([one / length for one in vector(text)], abs=1e-6)


async def test_tei_is_asked_for_whole_unit_vectors():
    """TEI truncates what is too long for its model, instead of refusing a whole batch for one text."""
    async with FakeTei() as fake:
        await TeiEmbedder(fake.url).embed(["x"])
        assert fake.bodies == [{"inputs": ["x"], "normalize": True, "truncate": True}]


@BOTH
async def test_name_and_dimensions_are_asked_once(openai: bool):
    """The name carries the model's revision where the server tells it; before it is asked, there is none to rely on."""
    async with FakeTei(openai=openai) as fake:
        embedder = TeiEmbedder(fake.url)
        for ask in (lambda: embedder.name, lambda: embedder.dimensions):
            with pytest.raises(EmbedderDown):
                ask()
        await embedder.prepare()
        assert embedder.dimensions == DIMENSIONS
        assert embedder.name == ("acme/mini-embedder" if openai else "acme/mini-embedder@fca14538aa99")


@BOTH
async def test_odd_texts_do_not_spoil_a_batch(openai: bool):
    """Empty, blank, enormous and broken texts each get a vector."""
    async with FakeTei(openai=openai) as fake:
        assert len(await TeiEmbedder(fake.url).embed(["", "  ", "x" * 3_000_000, "\ud83d", "NUL \0"])) == 5
        assert await TeiEmbedder(fake.url).embed([]) == []


@BOTH
async def test_too_large_a_batch_is_halved(openai: bool):
    """A server that takes fewer texts, or fewer bytes, than we think is asked in smaller batches."""
    async with FakeTei(openai=openai, batch=5) as fake:
        assert len(await TeiEmbedder(fake.url).embed([f"t{number}" for number in range(32)])) == 32
    async with FakeTei(openai=openai) as fake:
        assert len(await TeiEmbedder(fake.url).embed(["長" * 32_000] * 32)) == 32


async def test_a_busy_server_is_asked_again():
    """429 is waited out within the budget, and ends in an error beyond it."""
    async with FakeTei(busy=2) as fake:
        assert await TeiEmbedder(fake.url).embed(["x"])
        assert len(fake.bodies) == 3
        fake.busy = 99
        with pytest.raises(EmbedderDown):
            await TeiEmbedder(fake.url, query=0.3).embed(["x"])


async def test_one_text_has_the_budget_of_a_question():
    """A question does not wait for a slow server as long as a batch of a document may."""
    async with FakeTei(delay=0.3) as fake:
        embedder = TeiEmbedder(fake.url, query=0.1, batch=30)
        with pytest.raises(EmbedderFailure) as caught:
            await embedder.embed(["x"])
        assert caught.value.kind == "timeout"
        assert len(await embedder.embed(["x", "y"])) == 2


@pytest.mark.parametrize(
    "answer",
    [
        [],
        [[1.0], [1.0]],
        [[0.0] * DIMENSIONS],
        [["a"]],
        [[1.0, None]],
        [1.0, 2.0],
        {"error": "no"},
        "text",
        [[[1.0]]],
        [[float("nan")] * DIMENSIONS],
    ],
)
async def test_what_is_no_vector_is_an_error(answer: Any):
    """Too many, too few, zero, ragged or no numbers at all never reach the index."""
    async with FakeTei(answer=answer) as fake:
        with pytest.raises(EmbedderFailure) as caught:
            await TeiEmbedder(fake.url).embed(["x"])
        assert caught.value.kind == "garbage"


async def test_vectors_of_another_length_are_an_error():
    """A server that changes its dimension under us is not believed."""
    async with FakeTei() as fake:
        embedder = TeiEmbedder(fake.url)
        await embedder.prepare()
        fake.answer = [[1.0, 2.0]]
        with pytest.raises(EmbedderFailure):
            await embedder.embed(["x"])


async def test_another_model_at_the_same_address_is_noticed():
    """After a failure the model is asked for again: vectors of two models never meet in one index."""
    async with FakeTei() as fake:
        embedder = TeiEmbedder(fake.url)
        await embedder.prepare()
    with pytest.raises(EmbedderDown):
        await embedder.embed(["x"])
    async with FakeTei(port=fake.port, model="acme/other"):
        with pytest.raises(EmbedderFailure, match="reindex"):
            await embedder.embed(["x"])
    async with FakeTei(port=fake.port):
        assert await embedder.embed(["x"])


async def test_a_reranker_is_not_an_embedder():
    """A TEI with another kind of model is named so."""
    async with FakeTei(kind="reranker") as fake:
        with pytest.raises(EmbedderFailure, match="does not serve embeddings"):
            await TeiEmbedder(fake.url).embed(["x"])


@BOTH
async def test_the_machines_hf_token_goes_to_nobody(openai: bool, monkeypatch: pytest.MonkeyPatch):
    """The embedding server sees our token or none, never the machine's."""
    monkeypatch.setenv("HF_TOKEN", "hf_machine_secret")
    async with FakeTei(openai=openai) as fake:
        await TeiEmbedder(fake.url).embed(["x"])
        await TeiEmbedder(fake.url, token="ours").embed(["x"])
        assert fake.tokens in (["Bearer none", "Bearer ours"], ["", "Bearer ours"])


async def test_health_and_errors_are_sentences():
    """An embedder that is not there says so, at start if its address is wrong."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    embedder = TeiEmbedder(url)
    assert "embedding server cannot be reached" in (await embedder.health() or "")
    with pytest.raises(EmbedderDown, match="embedding server cannot be reached"):
        await embedder.embed(["x"])
    with pytest.raises(SetupError, match="VOCERO_EMBEDDING_URL"):
        TeiEmbedder("tei:80")
    async with FakeTei() as fake:
        assert await TeiEmbedder(f"{fake.url}/v1").health() is None
    await embedder.close()


async def test_a_question_does_not_wait_for_a_server_that_is_down():
    """After a few failures it is told so at once, with the same reason; a moment later the server is tried again."""
    async with FakeTei(delay=60) as fake:
        embedder = TeiEmbedder(fake.url, query=0.2)
        for _ in range(FAILURES):
            with pytest.raises(EmbedderFailure):
                await embedder.embed(["x"])
        asked = len(fake.bodies)
        with pytest.raises(EmbedderFailure) as caught:
            await embedder.embed(["x"])
        assert caught.value.kind == "timeout"
        assert len(fake.bodies) == asked
        fake.delay = 0
        embedder._breaker._opened = -OPEN
        assert len(await embedder.embed(["x"])) == 1
        assert len(await embedder.embed(["x"])) == 1
