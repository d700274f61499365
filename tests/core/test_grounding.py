"""Citations and the grounding guard: what may be said, and what it must cite."""

import pytest

from core.citations import marked, resolve, with_marker
from core.grounding import SERVED, STRICT, Guard, covers, passed, unknown, urls
from tests.core.passages import passage

REFUNDS = passage("Refunds are paid within 14 days to the card used. See https://wrenfold.example/form for more.")
HEATING = passage("The stove burns dry ash only.", n=2, title="Bittern stove")
QUESTION = "How long do refunds take?"


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Refunds are paid within 14 days [1].", "Refunds are paid within 14 days. [1]"),
        ("Refunds are paid within 14 days.", "Refunds are paid within 14 days. [1]"),
        ("Refunds are paid within 14 days [2].", "Refunds are paid within 14 days. [1]"),
        ("Refunds are paid within 14 days [9].", "Refunds are paid within 14 days. [1]"),
        ("Refunds are paid within 15 days [1].", None),
        ("Refunds are paid within 14 days by cheque [1].", None),
        ("See https://evil.example/x for more [1].", None),
        (
            "See https://wrenfold.example/form for more [1].",
            "See https://wrenfold.example/form for more. [1]",
        ),
        ("How long refunds take!", None),
        ("Within 14 days to the card? [1]", None),
        ("So it is, then.", "So it is, then."),
    ],
)
def test_a_small_model_may_say_only_what_stands_there(sentence: str, said: str | None) -> None:
    """The strict guard wants every word, number and link in the cited passage, and mends a wrong or missing marker."""
    assert passed(sentence, [REFUNDS, HEATING], QUESTION, STRICT) == said


def test_a_served_model_may_rephrase_but_not_invent_numbers() -> None:
    """Half of the words suffice for a served model; a number or a link that is not there never passes."""
    free = "Your money is back on the card within 14 days [1]."
    assert passed(free, [REFUNDS], QUESTION, SERVED) is not None
    assert passed(free, [REFUNDS], QUESTION, STRICT) is None
    assert passed(free.replace("14", "10"), [REFUNDS], QUESTION, SERVED) is None


def test_the_voice_brings_its_own_words() -> None:
    """Words of the brand's own phrases count neither for nor against a sentence."""
    guard = Guard(1.0, frozenset({"kettle", "kettl"}))
    assert passed("Kettle's on!", [REFUNDS], QUESTION, guard) == "Kettle's on!"
    assert passed("Kettle's on!", [REFUNDS], QUESTION, STRICT) is None


def test_an_answer_numbers_its_citations_in_order_of_use() -> None:
    """Markers are renumbered from 1, a marker that resolves to nothing is taken out, each number resolves."""
    text, citations = resolve("It burns ash [2]. Paid in 14 days [1][2]. Odd [7].", [REFUNDS, HEATING])
    assert text == "It burns ash [1]. Paid in 14 days [2][1]. Odd."
    assert [(c.n, c.document) for c in citations] == [(1, "d2"), (2, "d1")]


def test_markers_of_all_spellings_are_read() -> None:
    """`[1, 2]` and `[1][2]` name the same passages; years in brackets are markers nobody resolves."""
    assert marked("a [1, 2] b [3] c [2]") == [1, 2, 3]
    assert with_marker("a [3].", 1) == "a. [1]"


def test_urls_end_where_the_sentence_does() -> None:
    """The stop after a link is not part of it."""
    assert urls("See https://a.example/x?y=1, or (www.b.example).") == {"https://a.example/x?y=1", "www.b.example"}


def test_addresses_without_a_scheme_count_as_links() -> None:
    """A bare domain must stand in the passage too; prices, times and abbreviated words are none."""
    text = "Go to evil.example/x?d=1 or bad.example. At 8.15, e.g. for £3.50."
    assert urls(text) == {"evil.example/x?d=1", "bad.example"}
    assert passed("Your money is on the card, see evil.example [1].", [REFUNDS], QUESTION, SERVED) is None


@pytest.mark.parametrize("text", ["NO ANSWER", "No answer.", "I don't know.", "I don’t know that", "No lo sé."])
def test_a_model_that_declines_is_understood(text: str) -> None:
    """The agreed words and the usual ones count as not knowing."""
    assert unknown(text)


@pytest.mark.parametrize(
    ("sentence", "enough"),
    [
        ("Two people pitch the Heron 6 in 35 minutes [1].", True),
        ("It takes two people 35 minutes to pitch it.", True),
        ("Two people, one mallet and a little patience are enough [1].", False),  # grounded elsewhere, no answer
        ("Two people pitch it in minutes.", False),  # the number is what was asked
    ],
)
def test_a_small_model_has_to_say_what_the_closest_excerpt_says(sentence: str, enough: bool) -> None:
    """Half of its own words and one of its numbers; the question's words say nothing."""
    gist, question = "Two people pitch the Heron 6 in 35 minutes.", "How long do two people need to put up a Heron 6?"
    assert covers(sentence, gist, question) is enough
    assert covers(sentence, "", question)
