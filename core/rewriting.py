"""A follow-up in one sentence: a served model says what was asked as a person would, had nothing been said before.

Only where the rule (`core.followup`) sees that the question leans on its conversation. What the model writes must be
made of the question's words and the conversation's; else, and where it is slow or down, the rule's wording stands. It
is searched for beside the rule's wordings, and shown to the asker as what was understood.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from core import budgets, prompt
from core.errors import ModelDown
from core.followup import Asked, asks, reduced, understand
from core.grounding import urls
from core.messages import Turn
from core.ports import Speaker
from core.words import content, numbers, words

TOKENS: Final = 64
LONGEST: Final = 60  # words; longer is no question but an answer
KNOWN: Final = 0.8  # of its content words stand in the question or the conversation: the rest are other forms of them
KEPT: Final = 0.5  # of the question's own content words stand in it
LOOKED: Final = 6  # turns back: what lies before is rarely meant, and the prompt stays small


async def rewrite(text: str, turns: Sequence[Turn], speaker: Speaker | None) -> Asked:
    """Return what a message asks; a follow-up in the speaker's words where those hold. Never raises for the model."""
    asked = understand(text, turns)
    if speaker is None or asked.text == reduced(text):
        return asked
    question, before = reduced(text), [turn for turn in turns if turn.who != "summary"][-LOOKED:]
    try:
        async with asyncio.timeout(budgets.REWRITE):
            said = await _said(prompt.rewrite(question, before), speaker)
    except (ModelDown, TimeoutError):
        return asked
    if not holds(said, question, before):
        return asked
    return replace(asked, text=said, sought="", views=(asked.about, *(view for view in asked.views if view != said)))


async def _said(request: prompt.Prompt, speaker: Speaker) -> str:
    """Return the first line of what the model says, without the marks that models put around it."""
    text = ""
    async with speaker.speak(request, max_tokens=TOKENS) as deltas:
        async for delta in deltas:
            text += delta
            if "\n" in text.strip():
                break
    first = text.strip().split("\n")[0].strip()
    return first.removeprefix("Question:").strip().strip('"“”«»').strip()


def holds(said: str, question: str, turns: Sequence[Turn]) -> bool:
    """Whether a wording is the same question: one, short, of known words, numbers and links, and of most of its own."""
    known = "\n".join([question, *(part for turn in turns for part in (turn.text, turn.meant) if part)])
    mine, heard, own = content(said), set(content(known)), set(content(question))
    return (
        bool(mine)
        and asks(said)
        and len(words(said)) <= LONGEST
        and sum(word in heard for word in mine) >= KNOWN * len(mine)
        and len(own & set(mine)) >= KEPT * len(own)
        and numbers(said) <= numbers(known)
        and all(url in known for url in urls(said))
    )
