"""Commands in Slack: the whole grammar, who may, confirmations, files."""

import asyncio
import json
import re

import pytest

from tests.adapters.slack.conftest import Joined, Joining
from tests.fakes.brain import brain
from tests.fakes.slack.world import BOT, Message, visible

WEB = {"https://example.com/hours": "# Opening hours\n\nThe workshop opens at 8:15 on weekdays."}


@pytest.fixture
async def desk(join: Joining):
    """A bot of the test's own."""
    async with join(mind=brain(web=WEB), human_group="") as running:
        yield running


async def said(desk: Joined, text: str, **more: object) -> str:
    """Say something and return the reply as it is read."""
    reply = await desk.slack.reply(await desk.slack.say(text, **more))
    await desk.slack.settled(lambda: reply.metadata["event_payload"]["finished"])
    return plain(reply).replace("`", "")


def plain(message: Message) -> str:
    """Return what is shown, without the joiners that keep names from becoming links."""
    return visible(message).replace("\u2060", "")


async def test_a_story_of_documents_is_told_in_one_thread_each(desk: Joined) -> None:
    """Add an address, a text and a file; list, show, status, refresh; each reply stands where it was asked."""
    added = await said(desk, "@vocero add https://example.com/hours")
    assert re.search(r"Learned Opening hours \(\w+, passages: 1\) in [\d.]+ s", added.replace("`", ""))
    assert "8:15" in await said(desk, "@vocero when does the workshop open on weekdays?")
    assert "Learned Parking" in await said(desk, '@vocero add title "Parking": Parking is free behind the workshop.')
    assert "free behind" in await said(desk, "@vocero where is parking free?")
    file = desk.slack.file("menu.md", b"# Canteen menu\n\nThursday is soup day in the canteen.")
    assert "Learned Canteen menu" in await said(desk, "@vocero add", files=[file])
    assert "soup day" in await said(desk, "@vocero when is soup day in the canteen?")
    listed = await said(desk, "@vocero list docs")
    assert all(title in listed for title in ("Opening hours", "Parking", "Canteen menu", "Refund policy"))
    assert "Salaries" not in listed
    assert "https://example.com/hours" in await said(desk, '@vocero show "Opening hours"')
    assert "I am well. Documents" in await said(desk, "@vocero status")
    assert "Opening hours" in await said(desk, '@vocero status "Opening hours"')
    assert "Learned Opening hours" in await said(desk, '@vocero refresh "Opening hours"')
    assert "did not come from an address" in await said(desk, '@vocero refresh "Parking"')


async def test_reading_is_said_first_and_replaced_by_the_result(desk: Joined) -> None:
    """While a document is read its thread says so; the same message then holds the result."""
    desk.brain.librarian.seconds = 0.3
    asked = await desk.slack.say("@vocero add https://example.com/hours")
    first = await desk.slack.reply(asked)
    assert "Reading" in visible(first)
    await desk.slack.settled(lambda: "Learned" in visible(first))
    assert first.edits == 1
    assert len(desk.slack.world.thread(asked.channel, asked.ts)) == 2


@pytest.mark.parametrize("who", ["ben", "gus"])
async def test_only_admins_change_documents(desk: Joined, who: str) -> None:
    """A member and a guest are refused, by mention, by slash command and by shortcut."""
    place = "guests" if who == "gus" else "general"
    assert "Only admins" in await said(desk, "@vocero add: a rumour", user=who, channel=place)
    message = await desk.slack.say("a rumour", user=who, channel=place)
    await desk.slack.shortcut(message, "vocero_add", user=who)
    await desk.slack.command("add: a rumour", user=who, channel=place)
    await desk.slack.settled(lambda: len(desk.slack.ephemeral(who)) == 2)
    assert all("Only admins" in visible(m) for m in desk.slack.ephemeral(who))
    assert len(desk.brain.librarian.kept["slack/T0TEAM"]) == 3


async def test_admins_by_id_and_by_group(join: Joining) -> None:
    """A member named in the settings, or in a named group, may; a guest in the group may not."""
    admins = "slack/T0TEAM/U0BEN,slack/T0TEAM/group/S5"
    async with join(admins=admins) as desk:
        desk.slack.world.groups["S5"] = ["U0GUS", "U0NEW"]
        desk.slack.world.add_user(type(desk.slack.world.user("ben"))(id="U0NEW", name="new"))
        assert "Learned" in await said(desk, "@vocero add: one", user="ben")
        assert "Learned" in await said(desk, "@vocero add: two", user="new")
        assert "Only admins" in await said(desk, "@vocero add: three", user="gus", channel="guests")


async def test_taking_away_wants_a_click_of_the_same_person(desk: Joined) -> None:
    """Remove asks first; another's click is refused, the asker's does it, and the buttons are gone."""
    asked = await desk.slack.say('@vocero remove "Refund policy"')
    question = await desk.slack.reply(asked)
    assert "Shall I remove Refund policy?" in plain(question).replace("`", "")
    await desk.slack.press(question, "vocero_confirm", user="ben")
    await desk.slack.settled(lambda: desk.slack.ephemeral("ben"))
    assert "Only the person who asked" in visible(desk.slack.ephemeral("ben")[-1])
    await desk.slack.press(question, "vocero_confirm")
    assert "out of every answer" in visible(await desk.slack.reply(asked, n=2))
    await desk.slack.settled(lambda: not question.buttons())
    assert "don't know" in await said(desk, "@vocero how long do refunds take?")


async def test_no_means_no(desk: Joined) -> None:
    """Cancelling changes nothing and takes the buttons away."""
    question = await desk.slack.reply(await desk.slack.say('@vocero remove "Refund policy"'))
    await desk.slack.press(question, "vocero_cancel")
    await desk.slack.settled(lambda: not question.buttons())
    assert "14 days" in await said(desk, "@vocero how long do refunds take?")


async def test_an_old_or_forged_button_does_nothing(desk: Joined) -> None:
    """A confirmation is good for a minute and only in the form that was written."""
    question = await desk.slack.reply(await desk.slack.say('@vocero remove "Refund policy"'))
    button = question.buttons()["vocero_confirm"]
    old = {**json.loads(button["value"]), "at": json.loads(button["value"])["at"] - 61}
    for n, value in enumerate(
        (json.dumps(old), "{}", "[]", '{"command": {"verb": "explode"}, "user": "U0ANA", "at": 1}')
    ):
        question.blocks[-1]["elements"][0]["value"] = value
        await desk.slack.press(question, "vocero_confirm")
        await desk.slack.settled(lambda n=n: len(desk.slack.ephemeral("ana")) == n + 1)
    assert len(desk.brain.librarian.kept["slack/T0TEAM"]) == 3


async def test_an_admin_who_is_none_any_more_cannot_confirm(desk: Joined) -> None:
    """Rights are asked at execution, not when the button was drawn."""
    question = await desk.slack.reply(await desk.slack.say('@vocero remove "Refund policy"'))
    desk.slack.world.user("ana").admin = desk.slack.world.user("ana").owner = False
    changed = {"type": "user_change", "user": {"id": "U0ANA"}}
    await desk.slack.send(desk.slack.event(changed))
    await asyncio.sleep(0.1)
    await desk.slack.press(question, "vocero_confirm")
    await desk.slack.settled(lambda: desk.slack.ephemeral("ana"))
    assert "Only admins" in visible(desk.slack.ephemeral("ana")[-1])


async def test_forgetting_hands_over_a_receipt(desk: Joined) -> None:
    """Anyone may have themselves forgotten; the reply says what went and what cannot be proven."""
    asked = await desk.slack.dm("forget me", user="ben")
    await desk.slack.press(await desk.slack.reply(asked), "vocero_confirm", user="ben")
    receipt = visible(await desk.slack.reply(asked, n=2))
    assert "Forgotten:" in receipt
    assert "Not in my hands" in receipt
    question = await desk.slack.reply(await desk.slack.say('@vocero forget "Refund policy"'))
    await desk.slack.press(question, "vocero_confirm")
    await desk.slack.settled(lambda: len(desk.brain.librarian.kept["slack/T0TEAM"]) == 2)


async def test_gaps_settings_and_approval(desk: Joined) -> None:
    """What found no answer is listed, an answer is kept as an example, and settings are shown and changed."""
    assert "No question is waiting" in await said(desk, "@vocero gaps")
    asked = await desk.slack.say("@vocero how long do refunds take?")
    await desk.slack.reply(asked)
    approved = await desk.slack.say("@vocero approve: Two weeks.", thread=asked.ts)
    assert "Kept as an example" in visible(await desk.slack.reply(approved))
    shown = await said(desk, "@vocero settings", channel="people")
    assert "quiet: off" in shown.replace("`", "")
    assert "quiet: on" in (await said(desk, "@vocero settings quiet on", channel="people")).replace("`", "")
    assert "mentions: off" in (await said(desk, "@vocero settings mentions", channel="people")).replace("`", "")
    assert "takes one of these: auto | en | es." in await said(desk, "@vocero settings language xx", channel="people")


async def test_a_channel_answers_from_the_collections_it_wants(desk: Joined) -> None:
    """Only from these, also what was answered before; an unknown one is refused with those there are; auto ends it."""
    question = "@vocero how long do refunds take?"
    await said(desk, '@vocero add to travel title "Trains": Trains are booked by the office.')
    assert "14 days" in await said(desk, question)
    assert "There is no collection trips" in await said(desk, "@vocero settings collections trips")
    assert "collections: travel: answer from" in await said(desk, "@vocero settings collections travel")
    assert "14 days" not in await said(desk, question)
    assert "booked by the office" in await said(desk, "@vocero who books trains?")
    thread = next(m.ts for m in desk.slack.world.messages.values() if "who books trains?" in m.text)
    assert "Kept as an example" in await said(desk, "@vocero approve", thread=thread)
    assert "14 days" in await said(desk, question, channel="people")
    two = await said(desk, "@vocero settings collections = travel, general")
    assert "collections: travel, general" in two
    assert "collections: auto" in await said(desk, "@vocero settings collections auto")
    assert "14 days" in await said(desk, question)


async def test_a_channel_can_do_without_the_voice(desk: Joined) -> None:
    """`voice plain` reaches the bot with the question; what a voice is, the bot's own tests know."""
    await said(desk, "@vocero settings voice plain")
    await said(desk, "@vocero how long do refunds take?")
    assert desk.brain.recollection.noted[-1][0].plain
    await said(desk, "@vocero how long do refunds take?", channel="people")
    assert not desk.brain.recollection.noted[-1][0].plain
    await said(desk, "@vocero settings voice auto")


async def test_what_is_added_in_a_private_channel_stays_there(desk: Joined) -> None:
    """Without a scope a document belongs to those who read along; a public channel's belongs to all."""
    await said(desk, '@vocero add title "Bonus": The bonus is paid in June.', channel="people")
    assert "June" in await said(desk, "@vocero when is the bonus paid?", channel="people")
    assert "June" not in await said(desk, "@vocero when is the bonus paid?")
    await said(desk, '@vocero add title "Picnic": The picnic is in July.')
    assert "July" in await said(desk, "@vocero when is the picnic?", channel="people")


async def test_sharing_and_undoing_want_a_click(desk: Joined) -> None:
    """Share shows a document to others, undo takes the last change back; each is asked for first."""
    shared = await desk.slack.say('@vocero share "Refund policy" with <#C0PEOPLE|people>')
    question = await desk.slack.reply(shared)
    assert "Shall I share Refund policy with channel:C0PEOPLE?" in plain(question).replace("`", "")
    await desk.slack.press(question, "vocero_confirm")
    assert "is now for channel:C0PEOPLE" in plain(await desk.slack.reply(shared, n=2))
    assert "14 days" not in await said(desk, "@vocero how long do refunds take?")
    assert "14 days" in await said(desk, "@vocero how long do refunds take?", channel="people")
    undone = await desk.slack.say("@vocero undo")
    await desk.slack.press(await desk.slack.reply(undone), "vocero_confirm")
    assert "Taken back: Partner terms is now removed" in plain(await desk.slack.reply(undone, n=2))


async def test_add_to_knowledge_takes_the_message(desk: Joined) -> None:
    """The shortcut teaches someone's message, for admins, and says so to them alone."""
    message = await desk.slack.say("The printer code is 4711.", user="ben")
    await desk.slack.shortcut(message, "vocero_add")
    await desk.slack.settled(lambda: desk.slack.ephemeral("ana"))
    assert "Learned" in visible(desk.slack.ephemeral("ana")[-1])
    assert "4711" in await said(desk, "@vocero what is the printer code?")


async def test_a_name_that_is_no_document_was_a_question(desk: Joined) -> None:
    """`show 14.days` is answered as a question; `remove 14.days` is an error, since it would take away."""
    assert "I don't know" in await said(desk, "@vocero show v1.2")
    assert "There is no document 'v1.2'" in await said(desk, "@vocero remove v1.2")


async def test_files_that_cannot_be_read_are_named(desk: Joined) -> None:
    """A login page, a file elsewhere, one too large, one that is gone: each by name, and the good one is learned."""
    good = desk.slack.file("good.md", b"# Good\n\nA good file about geese.")
    login = desk.slack.file("login.md", b"x")
    desk.slack.html.add(login)
    big = desk.slack.file("big.md", b"x", size=30_000_000)
    gone = desk.slack.file("gone.md", b"x", mode="tombstone")
    away = desk.slack.file("away.md", b"x", url_private_download="https://evil.example/away.md")
    reply = await said(desk, "@vocero add", files=[good, login, big, gone, away])
    assert "Learned Good" in reply
    for name, reason in (
        ("login.md", "login page"),
        ("big.md", "larger than 20 MB"),
        ("gone.md", "not kept"),
        ("away.md", "not lie at Slack"),
    ):
        assert re.search(rf"{re.escape(name)}.*{reason}|{reason}.*{re.escape(name)}", reply)
    assert all(token in ("", "Bearer xoxb-test") for token in desk.slack.hosts)


async def test_a_file_named_like_a_mention_pings_no_one(desk: Joined) -> None:
    """Names of files and titles are text of strangers, too."""
    file = desk.slack.file("<!channel>.md", b"# <!here> @everyone\n\nGeese fly <@U0BEN> south.")
    reply = await desk.slack.reply(await desk.slack.say("@vocero add", files=[file]))
    await desk.slack.settled(lambda: "Learned" in visible(reply))
    shown = [m.text + json.dumps(m.blocks) for m in desk.slack.world.messages.values() if m.user == BOT]
    assert not [s for s in shown if re.search(r"<[!@#]|@everyone|@here", s)]


async def test_what_is_approved_in_private_is_not_learned_from(desk: Joined) -> None:
    """In a private channel and in a direct message the reply says so, and how a person can agree."""
    asked = await desk.slack.say("@vocero how long do refunds take?", channel="people")
    await desk.slack.reply(asked)
    assert "said in private" in await said(desk, "@vocero approve", channel="people", thread=asked.ts)
    await desk.slack.reply(await desk.slack.dm("how long do refunds take?"))
    assert "said in private" in plain(await desk.slack.reply(await desk.slack.dm("approve")))
