"""What the engine overrides of LlamaIndex still stands where it overrides it; an upgrade that moves it fails here."""

import inspect

import pytest
from llama_index.core.indices.vector_store.retrievers import VectorIndexRetriever
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import BaseSynthesizer

from core.audience import EVERYONE
from core.errors import RefusedError
from infra.knowledge.engine import PassageRetriever, PassageSynthesizer
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company


@pytest.mark.parametrize(
    ("theirs", "ours", "name"),
    [
        (VectorIndexRetriever, PassageRetriever, "_determine_nodes_to_fetch"),
        (VectorIndexRetriever, PassageRetriever, "_aretrieve"),
        (VectorIndexRetriever, PassageRetriever, "_ahandle_recursive_retrieval"),
        (BaseSynthesizer, PassageSynthesizer, "asynthesize"),
    ],
)
def test_an_override_has_the_parameters_of_what_it_overrides(theirs: type, ours: type, name: str) -> None:
    """The name exists in the library, and takes what ours takes."""
    expected, found = (list(inspect.signature(getattr(kind, name)).parameters) for kind in (theirs, ours))
    assert found == expected
    assert name in ours.__dict__


def test_the_stock_retriever_still_asks_what_to_look_up() -> None:
    """Our answer, nothing, is only of use while it is asked."""
    assert "_determine_nodes_to_fetch" in inspect.getsource(VectorIndexRetriever._aget_nodes_with_embeddings)


@pytest.mark.parametrize(
    "method",
    [
        RetrieverQueryEngine.aquery,
        RetrieverQueryEngine._aquery,
        PassageRetriever.aretrieve,
        PassageRetriever._aretrieve,
        PassageSynthesizer.asynthesize,
    ],
)
def test_a_kept_signature_is_the_true_one(method: object) -> None:
    """What tracing reads instead of working it out is what it would have worked out."""
    traced = inspect.unwrap(method)  # type: ignore[arg-type]
    kept = traced.__signature__
    del traced.__signature__
    try:
        assert inspect.signature(traced) == kept
    finally:
        traced.__signature__ = kept


async def test_a_question_is_embedded_once_and_by_words_not_at_all(database: Database) -> None:
    """The vector is handed on with the question: LlamaIndex asks for no second one."""
    company = Company(database)
    await company.teach("a.md", "Tents.")
    engine, before = company.engine, company.embedder.embedded
    for mode, more in (("hybrid", 1), ("dense", 2), ("lexical", 2)):
        await engine.retrieve("tents", workspace=company.workspace, audience=EVERYONE, limit=3, mode=mode)
        assert company.embedder.embedded == before + more


async def test_the_synthesizer_writes_no_text() -> None:
    """Whoever asks it for words is refused: the core speaks."""
    with pytest.raises(RefusedError, match="core speaks"):
        await PassageSynthesizer().aget_response("x", [])
