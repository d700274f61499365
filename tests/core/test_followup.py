"""Follow-ups, as conversations."""

import pytest

from core.followup import standalone
from core.messages import Turn


@pytest.mark.parametrize(
    ("before", "asked", "meant"),
    [
        ([], "What about them?", "What about them?"),
        (["How long do refunds take?"], "And for exchanges?", "How long do refunds take? And for exchanges?"),
        (["How long do refunds take?"], "Does it go to my card?", "How long do refunds take? Does it go to my card?"),
        (["How long do refunds take?"], "Who signs expense claims?", "Who signs expense claims?"),
        (
            ["How much is the Heron 6?", "And the Wren 4?"],
            "Is it in stock?",
            "How much is the Heron 6? And the Wren 4? Is it in stock?",
        ),
        (
            ["Who signs expense claims?", "How much is the Heron 6 tent?"],
            "Is it in stock?",
            "How much is the Heron 6 tent? Is it in stock?",
        ),
        (
            ["Who designed our logo?"],
            "My tent got mildew because I packed it wet. Does the warranty help?",
            "My tent got mildew because I packed it wet. Does the warranty help?",
        ),
        (["¿Cuánto cuesta la Heron 6?"], "¿Y la Wren 4?", "¿Cuánto cuesta la Heron 6? ¿Y la Wren 4?"),
    ],
)
def test_a_follow_up_is_made_to_stand_alone(before: list[str], asked: str, meant: str) -> None:
    """A question that leans on the last ones gets them in front; one that stands alone is left as it is."""
    turns = [turn for text in before for turn in (Turn(who="user", text=text), Turn(who="bot", text="An answer."))]
    assert standalone(asked, turns) == meant
