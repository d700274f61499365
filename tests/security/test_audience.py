"""Nobody reads in an answer what they may not read: every kind of channel, document and asker, by stock slack-bolt.

What is right is worked out here from the channels' members alone, not by the code under test: a document may be used if
everyone who will see the answer may see it. Search, row-level security, cache and conversations are the real ones.
"""

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from bots.wiring import Vocero
from core.documents import Place, Source, State
from infra.postgres.pool import Database
from tests.adapters.slack.conftest import TEAM, joined
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.world import BOT, visible

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CHANNELS = ("general", "people", "partners", "guests", "direct")  # public, private, shared, with guests, alone
ASKERS = ("ana", "ben", "gus", "eve")  # in all of them, in one, a guest, of another company
DOCUMENTS = {
    "workspace": "The zebra rule of the whole company is seventeen.",
    "channel:C0GENERAL": "The quokka rule of this general channel is eighteen.",
    "channel:C0PEOPLE": "The walrus rule of the people channel is nineteen.",
    "channel:C0SHARED": "The ibex rule of the partners channel is twenty.",
}
MARKS = {"workspace": "seventeen", "channel:C0GENERAL": "eighteen", "channel:C0PEOPLE": "nineteen"}
MARKS["channel:C0SHARED"] = "twenty"
ANIMALS = {scope: text.split()[1] for scope, text in DOCUMENTS.items()}


def may_read(slack: FakeSlack, user: str, scope: str) -> bool:
    """Whether one person may read a document, by Slack's own rules."""
    person = slack.world.user(user)
    if scope == "workspace":
        return not (person.guest or person.stranger)
    return person.id in slack.world.channels[scope.removeprefix("channel:")].members


async def asked(slack: FakeSlack, channel: str, user: str, scope: str) -> tuple[str, list[str], bool]:
    """Let someone ask for a document's rule where they can; return what was shown, to whom, and whether aside."""
    question = f"what is the {ANIMALS[scope]} rule"
    if channel == "direct":
        message = await slack.dm(question, user=user)
        return visible(await slack.reply(message)), [user], True
    place = slack.world.channel(channel)
    if slack.world.user(user).id not in place.members:  # only by a command, which one person sees
        before = len(slack.ephemeral(user))
        await slack.command(question, user=user, channel=channel)
        await slack.settled(lambda: len(slack.ephemeral(user)) > before)
        return visible(slack.ephemeral(user)[-1]), [user], True
    message = await slack.say(f"@vocero {question}?", user=user, channel=channel)
    return visible(await slack.reply(message)), [member for member in place.members if member != BOT], False


async def test_80_of_80(database: Database, vocero: Vocero) -> None:
    """No cell shows what a reader may not read, of no document, and every member is told what all readers may."""
    mind: Any = SimpleNamespace(bot=vocero.bot, librarian=vocero.librarian, recollection=vocero.chat.memory)
    slack, wrong, cells, told = FakeSlack(), [], 0, 0
    async with slack, joined(database, slack=slack, mind=mind):
        for scope, text in DOCUMENTS.items():
            source = Source(name=f"{ANIMALS[scope]}.md", content=text.encode())
            learned = await mind.bot.learn(source, Place(workspace=TEAM, scope=scope))
            assert learned.state is State.INDEXED
        for channel, user, scope in itertools.product(CHANNELS, ASKERS, DOCUMENTS):
            shown, readers, alone = await asked(slack, channel, user, scope)
            allowed = {other for other in DOCUMENTS if all(may_read(slack, reader, other) for reader in readers)}
            due = scope in allowed and user in ("ana", "ben") and _here(channel, scope, alone=alone)
            cells, told = cells + 1, told + (MARKS[scope] in shown)
            leaked = [other for other in DOCUMENTS if MARKS[other] in shown and other not in allowed]
            if leaked or (due and MARKS[scope] not in shown):
                wrong.append((channel, user, scope, leaked, shown[:200]))
    assert wrong == []
    assert cells == 80
    assert told >= 15  # an empty answer everywhere would leak nothing, either


def _here(channel: str, scope: str, *, alone: bool) -> bool:
    """Whether a document belongs to the place: another channel's stays there, though all readers may be in both."""
    homes = {"general": "channel:C0GENERAL", "people": "channel:C0PEOPLE", "partners": "channel:C0SHARED"}
    return alone or scope in ("workspace", homes.get(channel))
