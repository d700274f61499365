"""The gate between an answer and an honest "I don't know"."""

import pytest

from core.extract import score
from core.gate import judge
from tests.core.passages import passage

TEXT = "Refunds are paid within 14 days."


@pytest.mark.parametrize(
    ("question", "cosine", "enough"),
    [
        ("Within how many days are refunds paid?", 0.9, True),
        ("Within how many days are refunds paid?", 0.75, True),
        ("Who won the cup in 1998?", 0.15, False),
        ("Refunds refunds refunds", 0.05, False),
        ("Within how many days are refunds paid?", None, True),
        ("Who won the cup in 1998?", None, False),
    ],
)
async def test_what_is_close_is_answered_and_what_is_not_is_not(
    question: str, cosine: float | None, enough: bool
) -> None:
    """Cosine and words decide together; without an embedder the words alone."""
    passages = [passage(TEXT, cosine=cosine)]
    assert judge(question, passages, await score(question, passages, None)).enough is enough


def test_nothing_found_is_never_enough() -> None:
    """No passage, no answer."""
    assert not judge("How long?", [], []).enough
