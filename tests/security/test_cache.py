"""A kept answer is given only to readers who hold exactly the rights it was made for: on a real Redis."""

import random
from contextlib import aclosing

import pytest

from bots.wiring import Vocero
from core.audience import Audience
from core.cache import to_key
from core.documents import Place, Source, State
from core.messages import Answer, Arm, Done, Question
from core.ports import Shelf

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

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


@pytest.mark.parametrize("turns", [100, pytest.param(1_000, marks=pytest.mark.nightly)])
async def test_a_thousand_questions_after_someone_with_more_rights(vocero: Vocero, turns: int) -> None:
    """Someone who may read the salaries asks, twice; then others ask the same: never cached from it, never a salary."""
    dice = random.Random(11)
    for n in range(8):
        place = Place(workspace="slack/T1", scope=f"channel:C{n}")
        text = f"# Pay {n}\n\nThe salary of grade {n} is SECRET{n}."
        learned = await vocero.bot.learn(Source(name=f"pay-{n}.md", content=text.encode()), place)
        assert learned.state in (State.INDEXED, State.UNCHANGED)

    async def ask(text: str, readers: Audience) -> Answer:
        async with aclosing(vocero.bot.answer(Question(text=text, workspace="slack/T1", audience=readers))) as events:
            async for event in events:
                if isinstance(event, Done):
                    return event.answer
        raise AssertionError("no end")

    cached = 0
    for turn in range(turns):
        n = dice.randrange(8)
        text = f"What is the salary of grade {n}, please, {turns + turn}?"
        rights = audience(dice).scopes
        with_it, without = Audience(rights | {f"channel:C{n}"}), rights - {f"channel:C{n}"} or {"workspace"}
        assert f"SECRET{n}" in (await ask(text, with_it)).text
        cached += turn % 4 == 0 and (await ask(text, with_it)).cached
        told = await ask(text, Audience(frozenset(without)))
        assert not told.cached
        assert [m for m in range(8) if f"SECRET{m}" in told.text and f"channel:C{m}" not in without] == []
    assert cached > 0.2 * turns, "hardly anything was kept, so nothing was proved"  # a slow Redis is passed over
