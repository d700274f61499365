"""Words, sentences and languages."""

import pytest

from core.words import content, language, numbers, sentences, stem


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Refunds take 14 days. They go to the card.", ["Refunds take 14 days.", "They go to the card."]),
        ("Mr. Smith pays, e.g. by card. Ask him.", ["Mr. Smith pays, e.g. by card.", "Ask him."]),
        ("It costs 3.50 € [1]. It lasts.", ["It costs 3.50 € [1].", "It lasts."]),
        ("True. [1] False! [2]", ["True. [1]", "False! [2]"]),
        ('"Ok?" he said. ¿Qué? Sí.', ['"Ok?" he said.', "¿Qué?", "Sí."]),
        ("好的。可以！", ["好的。", "可以！"]),
        ("no end", ["no end"]),
        ("  ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, parts: list[str]) -> None:
    """Abbreviations, prices and citations do not cut a sentence; stops of other scripts do."""
    assert sentences(text) == parts


def test_sentences_lose_nothing() -> None:
    """Joined again, the sentences hold every character but the white space between them."""
    text = "One. Two [1]! Three?\u201d (Four.) e.g. five... Six"
    assert "".join(sentences(text)).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    ("one", "other"),
    [("policies", "policy"), ("Refunds", "refund"), ("vacación", "vacacion"), ("mending", "mended"), ("1,200", "1200")],
)
def test_forms_of_a_word_compare_equal(one: str, other: str) -> None:
    """Plural, case, accents, endings and thousands separators make no difference."""
    assert stem(one) == stem(other)


def test_content_leaves_out_what_carries_no_topic() -> None:
    """Stop words of English and Spanish are no content; names and numbers are."""
    assert content("What is the price of the Heron 6?") == ["pric", "heron", "6"]
    assert content("¿Cuál es el precio de la Heron 6?") == ["precio", "heron", "6"]


def test_numbers_ignore_citations_and_list_marks() -> None:
    """A marker or a list number is no claim."""
    assert numbers("1. It costs £24.50 [2] after 1,000 km.") == {"24.50", "1000"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("How long do refunds take?", "en"),
        ("¿Cuánto tarda un reembolso?", "es"),
        ("cuanto cuesta la reparacion de la lona", "es"),
        ("Wi-Fi?", "en"),
        ("", "en"),
    ],
)
def test_the_language_of_a_question_is_told(text: str, code: str) -> None:
    """Spanish is told from English by its small words and letters; in doubt it is English."""
    assert language(text) == code
