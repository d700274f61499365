"""Sources as they are named."""

import pytest

from core.documents import to_pasted


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# Opening hours\nWe open at 8.", "Opening hours"),
        ("We open at 8.", "We open at 8."),
        ("\n\n  We open\nat 8.", "We open at 8."),
        ("word " * 40, "word word word word word word word word word word word word…"),
    ],
)
def test_a_pasted_text_is_titled_by_its_first_words(text: str, title: str) -> None:
    """The heading or the first line, shortened at a word."""
    assert to_pasted(text).title == title


def test_the_same_title_is_the_same_source() -> None:
    """Pasting under a title again replaces; without one, only the same text is the same source."""
    assert to_pasted("one", "Hours").name == to_pasted("two", "Hours").name
    assert to_pasted("one").name == to_pasted("one").name != to_pasted("two").name
