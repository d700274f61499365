"""The App Home's controls and Slack's dialogs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.phrases import phrase
from infra.postgres.pool import Database
from tests.adapters.slack.conftest import TEAM, Joined, joined
from tests.fakes.brain import brain
from tests.fakes.slack.world import BOT, visible

WEB = {"https://example.com/hours": "# Opening hours\n\nThe workshop opens at 8:15 on weekdays."}


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Joined]:
    """A bot of the test's own."""
    async with joined(database, mind=brain(web=WEB)) as running:
        yield running


def told(desk: Joined, user: str = "ana") -> str:
    """Return what stands last in someone's direct conversation, as it is read."""
    direct = desk.slack.world.im(desk.slack.world.user(user).id).id
    said = [m for m in desk.slack.world.history(direct) if m.user == BOT]
    return visible(said[-1]).replace("\u2060", "").replace("`", "") if said else ""


async def home(desk: Joined, user: str = "ana") -> str:
    """Open the home and return it as text."""
    id_ = desk.slack.world.user(user).id
    desk.slack.world.homes.pop(id_, None)
    await desk.slack.open_home(user)
    await desk.slack.settled(lambda: id_ in desk.slack.world.homes)
    return str(desk.slack.world.homes[id_])


async def modal(desk: Joined, user: str = "ana") -> dict[str, Any]:
    """Return the dialog that opens."""
    id_ = desk.slack.world.user(user).id
    await desk.slack.settled(lambda: id_ in desk.slack.world.modals)
    return desk.slack.world.modals[id_]


async def test_an_admin_teaches_in_a_dialog_and_looks_after_documents(desk: Joined) -> None:
    """Teach an address and a text, read one again, remove it: said in the direct conversation, shown on the home."""
    slack = desk.slack
    assert "vocero_open_add" in await home(desk)
    await slack.press_home("vocero_open_add")
    await modal(desk)
    await slack.submit({"url": "https://example.com/hours"})
    await slack.settled(lambda: "Learned Opening hours" in told(desk))
    await slack.settled(lambda: "Opening hours" in str(slack.world.homes["U0ANA"]))
    await slack.press_home("vocero_open_add")
    await modal(desk)
    await slack.submit({"text": "The secret tea is in the left drawer.", "title": "Tea", "channel": "C0PEOPLE"})
    await slack.settled(lambda: "Learned Tea" in told(desk))
    found = {d.title: d for d in await desk.brain.librarian.documents(TEAM)}
    assert (found["Tea"].scope, found["Opening hours"].scope) == ("channel:C0PEOPLE", "workspace")
    await slack.press_home("vocero_document", f"refresh:{found['Opening hours'].id}")
    await slack.settled(lambda: "Opening hours" in told(desk))
    await slack.press_home("vocero_document", f"remove:{found['Opening hours'].id}")
    await slack.settled(lambda: "Opening hours is out of every answer" in told(desk))
    await slack.settled(lambda: "Opening hours" not in str(slack.world.homes["U0ANA"]))
    await slack.press_home("vocero_open_add")
    await modal(desk)
    before = told(desk)
    await slack.submit({})
    assert slack.world.modals["U0ANA"]["errors"] == {"url": phrase("one_source", "en")}
    await slack.submit({"url": "https://example.com/hours", "text": "The shop opens at nine."})
    assert set(slack.world.modals["U0ANA"]["errors"]) == {"url", "text"}
    await slack.submit({"text": "The shop opens at nine.", "title": "Shop"})
    await slack.settled(lambda: "Learned Shop" in told(desk))
    assert before != told(desk)


async def test_the_home_speaks_the_language_of_a_persons_slack(desk: Joined) -> None:
    """Its words, its dialogs and what they say, for nothing was said yet to tell the language by."""
    slack = desk.slack
    slack.world.user("ana").locale = "es-ES"
    assert phrase("home_add", "es") in await home(desk)
    await slack.press_home("vocero_open_add")
    assert (await modal(desk))["submit"]["text"] == phrase("send", "es")
    await slack.submit({})
    assert slack.world.modals["U0ANA"]["errors"] == {"url": phrase("one_source", "es")}
    await slack.submit({"text": "La tienda abre a las nueve.", "title": "Tienda"})
    await slack.settled(lambda: "Tienda" in told(desk))
    assert "Learned" not in told(desk)


async def test_an_admin_settles_a_channel_in_a_dialog(desk: Joined) -> None:
    """The dialog shows what holds; what was changed is kept and said; a channel without the bot is refused."""
    slack = desk.slack
    await home(desk)
    await slack.press_home("vocero_channel", "C0PEOPLE")
    shown = await modal(desk)
    assert "<#C0PEOPLE>" in str(shown)
    await slack.submit({"quiet": "on", "language": "es", "collections": ["channel:C0PEOPLE"]})
    await slack.settled(lambda: "quiet: on" in told(desk))
    assert told(desk).startswith("#people")
    settings = await desk.chat.rooms.settings(TEAM, f"{TEAM}/C0PEOPLE")
    assert (settings.quiet, settings.language, settings.collections) == (True, "es", ("channel:C0PEOPLE",))
    [room] = [r for r in await desk.chat.rooms.known(TEAM) if r.name == f"{TEAM}/C0PEOPLE"]
    assert (room.label, room.by) == ("#people", f"{TEAM}/U0ANA")
    await slack.press_home("vocero_channel", "C0PEOPLE")
    assert "'initial_option': {'text': {'type': 'plain_text', 'text': 'es'}" in str(await modal(desk))
    await slack.submit({"language": "auto", "quiet": "off", "collections": []})
    await slack.settled(lambda: "language: auto" in told(desk))
    slack.world.channels["C0PEOPLE"].members.remove(BOT)
    await slack.send(slack.event({"type": "member_left_channel", "user": BOT, "channel": "C0PEOPLE"}))
    await slack.press_home("vocero_channel", "C0PEOPLE")
    await slack.settled(lambda: "invite me there first" in told(desk))
    slack.world.channels["C0PEOPLE"].members.append(BOT)


async def test_who_is_no_admin_has_no_controls_and_can_do_nothing_with_them(desk: Joined) -> None:
    """The home has none; a press or a dialog sent all the same is refused when it is carried out."""
    slack = desk.slack
    assert "vocero_open_add" not in await home(desk, "ben")
    await home(desk)
    slack.world.homes["U0BEN"] = slack.world.homes["U0ANA"]
    for action, value in (("vocero_open_add", ""), ("vocero_channel", "C0GENERAL"), ("vocero_document", "remove:x")):
        before = len(slack.world.history("D0BEN"))
        await slack.press_home(action, value, user="ben")
        await slack.settled(lambda n=before: len(slack.world.history("D0BEN")) > n)
        assert "Only admins may use" in told(desk, "ben")
    await slack.press_home("vocero_channel", "C0GENERAL")
    slack.world.modals["U0BEN"] = await modal(desk)
    before = len(slack.world.history("D0BEN"))
    await slack.submit({"quiet": "on"}, user="ben")
    await slack.settled(lambda: len(slack.world.history("D0BEN")) > before)
    assert "Only admins may use" in told(desk, "ben")
    assert not (await desk.chat.rooms.settings(TEAM, f"{TEAM}/C0GENERAL")).quiet


async def test_a_dialog_that_comes_too_late_is_said(desk: Joined) -> None:
    """Slack opens a dialog for three seconds; afterwards a sentence says what to do."""
    await home(desk)
    desk.slack.web.fail["views.open"] = ["expired_trigger_id"]
    await desk.slack.press_home("vocero_open_add")
    await desk.slack.settled(lambda: "That was too long ago" in told(desk))


async def test_why_an_answer_did_not_help_is_kept_with_the_verdict(desk: Joined, database: Database) -> None:
    """The dialog asks; the verdict counts without it; who judges anew takes the reason back."""
    slack = desk.slack
    answer = await slack.reply(await slack.say("@vocero how long do refunds take?", user="ben"))
    await slack.press(answer, "vocero_feedback:negative", user="ben")
    await slack.settled(lambda: "Thank you" in visible(slack.ephemeral("ben")[-1]) if slack.ephemeral("ben") else 0)
    assert (await verdicts(database)) == [(False, "")]
    assert "out of date" in str(await modal(desk, "ben"))
    await slack.submit({"reason": "outdated", "text": "It is 20 days since May."}, user="ben")
    await eventually(database, [(False, "outdated: It is 20 days since May.")])
    await slack.press(answer, "vocero_feedback:positive", user="ben")
    await eventually(database, [(True, "")])


async def verdicts(database: Database) -> list[tuple[bool, str]]:
    """Return what is kept."""
    async with database.reading(TEAM) as connection:
        rows = await (await connection.execute("select good, why from vocero.feedback")).fetchall()
    return [(bool(good), str(why)) for good, why in rows]


async def eventually(database: Database, wanted: list[tuple[bool, str]]) -> None:
    """Wait until these verdicts are kept."""
    async with asyncio.timeout(5):
        while await verdicts(database) != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_the_home_names_the_gaps_for_admins(desk: Joined, database: Database) -> None:
    """Open questions that an admin may see, with their text; for others none."""
    async with database.writing(TEAM) as connection:
        await connection.execute(
            "insert into vocero.gap (workspace, scopes, question) select id, '{workspace}', 'who won <!here> the cup?'"
            " from vocero.workspace where name = %s",
            (TEAM,),
        )
    shown = await home(desk)
    assert "the cup?" in shown
    assert "<!here>" not in shown
    assert "the cup?" not in await home(desk, "ben")
