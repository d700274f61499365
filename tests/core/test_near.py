"""Which questions count as the same one in other words, and where an answer to it may come from."""

import pytest

from core.errors import EmbedderDown
from core.messages import Answer, Outcome, Passage
from core.near import Nearby, Other, agree, choose, to_place
from tests.fakes.brain import Bag, Recollection


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("How long do refunds take?", "how long does a refund take", True),
        ("How long do refunds take in 2025?", "How long do refunds take in 2026?", False),
        ("Does the X100-b need fuel?", "Does the X100-c need fuel?", False),
        ("What are the opening hours in Leeds?", "What are the opening hours in Ghent?", False),
        ("Can I return a worn tent?", "Can't I return a worn tent?", False),
        ("What does the option -v do?", "What does the option -q do?", False),
        ("May I bring my dog?", "May I not bring my dog?", False),
        ("Do managers report to directors?", "Do directors report to managers?", False),
        ("Can't I go if I'm not fit?", "Can I go if I'm not fit?", False),
        ("Who pays for repairs?", "When are repairs paid for?", False),
        ("What must I do before a hire?", "What must I do after a hire?", False),
        ("How do I reduce the rent?", "How do I increase the rent?", False),
        ("What is in a request to a request?", "What is in a request to a response?", False),
        ("How do I return a tent?", "Hi! Could you tell me how to return a tent, please? Thanks a lot.", True),
        ("How do I return a tent?", "How do I return a tent, and can you explain it briefly?", True),
        ("¿Cómo devuelvo una tienda?", "Hola, ¿me puedes decir cómo devuelvo una tienda? Gracias.", True),
        ("¿Puedo pagar sin tarjeta?", "¿Puedo pagar con tarjeta?", False),
    ],
)
def test_what_decides_an_answer_may_not_differ(one: str, other: str, same: bool) -> None:
    """Numbers, identifiers, names, negation, who does what to whom: each keeps two questions apart, both ways round."""
    assert agree(one, other) is agree(other, one) is same


def test_only_a_clear_nearest_counts() -> None:
    """One that is near enough, with the next one farther off; none when two are nearly as near or nothing is near."""
    asked, held = "how long does a refund take", "How long do refunds take?"
    assert choose(asked, [Other(held, "k1", 0.96), Other("Who pays?", "k2", 0.3)]) == Other(held, "k1", 0.96)
    assert choose(asked, [Other(held, "k1", 0.96), Other("How long may a refund be open?", "k2", 0.95)]) is None
    assert choose(asked, [Other(held, "k1", 0.6)]) is None
    assert choose(asked, [Other("How long do refunds take in 2025?", "k1", 0.99)]) is None
    assert choose(asked, []) is None


class Asked:
    """A `Questions` of one place after another."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], list[tuple[str, str, list[float]]]] = {}

    async def nearest(self, workspace: str, place: str, vector: list[float]) -> list[Other]:
        found = self.held.get((workspace, place), [])
        return [Other(asked, key, sum(a * b for a, b in zip(v, vector, strict=True))) for asked, key, v in found]

    async def note(self, workspace: str, place: str, asked: str, key: str, vector: list[float]) -> None:
        self.held.setdefault((workspace, place), []).append((asked, key, vector))

    async def purge(self, workspace: str) -> int:
        return len(self.held)


def passage(chunk: str, revision: int = 1) -> Passage:
    """Return a passage as found."""
    return Passage(chunk=chunk, document="d", title="T", url="", text="t", score=1.0, cosine=1.0, revision=revision)


async def test_the_answer_to_the_same_question_over_the_same_passages_is_found() -> None:
    """In another order of them, too; not over a later revision, in another place or workspace, nor an abstention."""
    answers, asked, other = Recollection(), "How long do refunds take?", "how long does a refund take"
    nearby, passages = Nearby(Asked(), answers, Bag()), [passage("a"), passage("b")]
    look = await nearby.look("w", "place", asked, passages)
    assert look is not None
    assert look.answer is None
    await nearby.note("w", look, asked, "key")
    answer = Answer(text="14 days.", outcome=Outcome.ANSWERED)

    async def found(workspace: str = "w", place: str = "place", what: list[Passage] = passages) -> Answer | None:
        looked = await nearby.look(workspace, place, other, what)
        return looked.answer if looked else None

    assert await found() is None  # its answer was not kept
    await answers.keep("w", "key", answer, seconds=1)
    assert await found() == await found(what=passages[::-1]) == answer
    assert await found(what=[passage("a"), passage("b", 2)]) is None
    assert await found(place="elsewhere") is await found(workspace="v") is None
    await answers.keep("w", "key", Answer(text="I don't know.", outcome=Outcome.ABSTAINED), seconds=1)
    assert await found() is None


async def test_without_an_embedder_nothing_is_looked_for() -> None:
    """The question is answered as if there were no near-duplicates."""

    class Down(Bag):
        async def embed(self, texts: object) -> list[list[float]]:
            raise EmbedderDown("away")

    assert await Nearby(Asked(), Recollection(), Down()).look("w", "p", "How?", [passage("a")]) is None


def test_a_place_is_its_first_passages() -> None:
    """What stands further down may differ."""
    first = [passage(name) for name in "abc"]
    assert to_place("p", [*first, passage("d")]) == to_place("p", [*first, passage("e")]) != to_place("q", first)
