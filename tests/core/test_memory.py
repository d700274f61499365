"""What is looked back at: the newest turns whole, the others in a few words, never more than the budget."""

from core.memory import SUMMARY_TOKENS, TOKENS, tokens, window
from core.messages import Turn


def said(*texts: str) -> list[Turn]:
    """Return turns, the user's and the bot's by turns."""
    return [Turn(who="bot" if n % 2 else "user", text=text) for n, text in enumerate(texts)]


def test_a_short_conversation_is_all_there() -> None:
    """What fits the budget is given back as it was said, without a summary."""
    turns = said("How long?", "14 days. [1]", "And for stoves?", "7 days. [1]")
    assert window(turns) == tuple(turns)
    assert window([]) == ()


def test_what_falls_out_is_told_in_a_few_words() -> None:
    """The oldest turns become one summary: each question as it was understood, with its answer's first sentence."""
    old = [
        Turn(who="user", text="How long do refunds take?"),
        Turn(who="bot", text="Refunds take 14 days. [1] Bring the receipt."),
        Turn(who="user", text="and for stoves?", meant="How long do refunds take and for stoves?"),
        Turn(who="bot", text="I don't know."),
    ]
    new = said("x" * 400, "y" * 400)
    assert window([*old, *new], budget=200) == (
        Turn(
            who="summary",
            text="How long do refunds take? → Refunds take 14 days."
            " · How long do refunds take and for stoves? → I don't know.",
        ),
        *new,
    )


def test_budgets_hold_whatever_was_said() -> None:
    """Long turns, other scripts, one enormous turn: recent turns and summary stay within their tokens."""
    for filler in ("word " * 400, "雨が降る。" * 300, "🏕" * 500, "x" * 2_000):
        turns = said(*(f"{n} {filler}" for n in range(24)))
        found = window(turns)
        recent = [t for t in found if t.who != "summary"]
        assert sum(tokens(t.text) for t in recent) <= TOKENS
        assert recent == turns[len(turns) - len(recent) :]
        assert not recent or recent[0].who == "user"
        summary = [t for t in found if t.who == "summary"]
        assert summary == list(found[:1])
        assert tokens(summary[0].text) <= SUMMARY_TOKENS
