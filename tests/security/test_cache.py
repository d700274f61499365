"""A kept answer is given only to readers who hold exactly the rights it was made for."""

import random

import pytest

from core.audience import Audience
from core.cache import to_key
from core.documents import Place, Source
from core.messages import Arm, Done, Question
from core.ports import Shelf
from tests.fakes.brain import brain

pytestmark = pytest.mark.slow

SCOPES = ["workspace", *(f"channel:C{n}" for n in range(8))]
SHELF = Shelf(editions=(("general", 3),), chunks=4)


def audience(dice: random.Random) -> Audience:
    """Return some readers."""
    return Audience(frozenset(dice.sample(SCOPES, dice.randint(1, 4))))


def test_a_thousand_pairs_of_readers_share_no_key() -> None:
    """The same question at the same editions has as many keys as there are different readers and workspaces."""
    dice, pairs = random.Random(7), 0
    while pairs < 1_000:
        ours, theirs = audience(dice), audience(dice)
        spaces = ("slack/T1", dice.choice(("slack/T1", "slack/T2", "discord/T1")))
        if (ours, spaces[0]) == (theirs, spaces[1]):
            continue
        keys = {
            to_key(Question(text="q", workspace=s, audience=a), "how long?", SHELF, Arm.RAG, None, "m")
            for s, a in zip(spaces, (ours, theirs), strict=True)
        }
        assert len(keys) == 2, (ours, theirs, spaces)
        pairs += 1


async def test_a_thousand_questions_after_someone_with_more_rights() -> None:
    """Someone who may read the salaries asks, then others ask the same: never from the cache, never with a salary."""
    mind, dice = brain(), random.Random(11)
    for n in range(8):
        place = Place(workspace="slack/T1", scope=f"channel:C{n}")
        text = f"# Pay {n}\n\nThe salary of grade {n} is SECRET{n}."
        await mind.bot.learn(Source(name=f"pay-{n}.md", content=text.encode()), place)

    async def ask(text: str, readers: Audience) -> tuple[str, bool]:
        async for event in mind.bot.answer(Question(text=text, workspace="slack/T1", audience=readers)):
            if isinstance(event, Done):
                return event.answer.text, event.answer.cached
        raise AssertionError("no end")

    shown = 0
    for _ in range(1_000):
        n = dice.randrange(8)
        text = f"What is the salary of grade {n}?"
        rights = audience(dice).scopes
        told, _ = await ask(text, Audience(rights | {f"channel:C{n}"}))
        shown += f"SECRET{n}" in told
        without = frozenset(rights - {f"channel:C{n}"}) or frozenset({"workspace"})
        told, _ = await ask(text, Audience(without))
        assert "SECRET" not in told or all(f"SECRET{m}" not in told or f"channel:C{m}" in without for m in range(8))
        assert f"SECRET{n}" not in told
    assert shown == 1_000
