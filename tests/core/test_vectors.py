"""Sentences whose vectors are known are not embedded again, and what is long unused is gone."""

from collections.abc import Sequence

from core.vectors import UNUSED, Sentences
from tests.fakes.brain import Bag


class Counting(Bag):
    """A `Bag` that writes down what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector a text."""
        self.asked.append(list(texts))
        return await super().embed(texts)


async def test_a_sentence_is_embedded_once_a_question_each_time() -> None:
    """The vectors are those of the embedder, in the order asked, also where a sentence stands there twice."""
    embedder = Counting()
    vectors = Sentences(embedder)
    asked, several = await vectors.embed(["tents", "pegs", "tents"], question="how much?")
    assert embedder.asked == [["how much?", "tents", "pegs"]]
    assert list(asked) == embedder.vector("how much?")
    assert [one.index(max(one)) for one in several] == [
        (want := embedder.vector(text)).index(max(want)) for text in ("tents", "pegs", "tents")
    ]
    assert several[0] == several[2] != several[1]
    await vectors.embed(["pegs", "ropes"], question="how much?")
    assert embedder.asked[1:] == [["how much?", "ropes"]]
    assert await vectors.embed(["pegs", "ropes"]) == ((), (await vectors.embed(["pegs", "ropes"]))[1])
    assert len(embedder.asked) == 2


async def test_another_model_has_other_vectors() -> None:
    """An embedding server may be given another model while it is asked."""
    embedder = Counting()
    vectors = Sentences(embedder)
    await vectors.embed(["tents"])
    embedder.name = "another"
    await vectors.embed(["tents"])
    assert embedder.asked == [["tents"], ["tents"]]


async def test_only_so_many_are_kept_the_longest_unused_go_first() -> None:
    """Memory has a bound; a sentence in use stays."""
    embedder = Counting()
    vectors = Sentences(embedder, most=2)
    for texts in (["a tent"], ["a peg"], ["a tent"], ["a rope"], ["a tent"], ["a peg"]):
        await vectors.embed(texts)
    assert embedder.asked == [["a tent"], ["a peg"], ["a rope"], ["a peg"]]


async def test_what_is_long_unused_is_gone() -> None:
    """So nothing of a forgotten document stays in memory, whether or not it is asked for again."""
    now = 0.0
    embedder = Counting()
    vectors = Sentences(embedder, clock=lambda: now)
    await vectors.embed(["a tent"])
    now = UNUSED
    await vectors.embed(["a peg"])
    await vectors.embed(["a tent"])
    assert embedder.asked == [["a tent"], ["a peg"], ["a tent"]]
