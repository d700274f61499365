"""Conversations: what is said in Slack, and what Slack then shows."""

import asyncio
import re

import pytest

from tests.adapters.slack.conftest import Joined, Joining
from tests.fakes.brain import Script, brain
from tests.fakes.slack.world import BOT, Message, visible

# who, where, what is said, what the answer must contain
SAID = [
    ("ben", "general", "@vocero how long do refunds take?", r"14 days"),
    ("ben", "general", "How long do refunds take, @vocero", r"14 days"),
    ("ana", "people", "@vocero when are salaries paid?", r"25th"),
    ("ana", "people", "@vocero how long do refunds take?", r"14 days"),
    ("ana", "general", "@vocero when are salaries paid?", r"don't know"),
    ("ana", "partners", "@vocero what discount do partners receive?", r"30 percent"),
    ("ana", "partners", "@vocero how long do refunds take?", r"don't know.*own documents"),
    ("ana", "guests", "@vocero how long do refunds take?", r"don't know.*own documents"),
    ("eve", "partners", "@vocero what discount do partners receive?", r"only answer members"),
    ("ana", "general", "@vocero", r"Ask me anything.*settings"),
    ("ben", "general", "@vocero help", r"Ask me anything"),
    ("ana", "general", "@vocero who won the cup in 1998?", r"don't know"),
    ("ana", "general", "@vocero ¿cuánto tardan los reembolsos del campeonato mundial?", r"No lo sé"),
    ("ana", "general", "@vocero " + "refund " * 5_700, r"characters; please ask in at most 8,000"),
    ("ana", "general", "@vocero remove", r"Say which document to remove"),
    ("ben", "general", "@vocero add: a rumour", r"Only admins may use add"),
]


@pytest.mark.parametrize(("who", "where", "said", "shown"), SAID, ids=[f"{s[0]}-{s[1]}-{s[2][:30]}" for s in SAID])
async def test_what_is_said_is_answered(bot: Joined, who: str, where: str, said: str, shown: str) -> None:
    """Each message gets exactly one reply, in its thread, with what everyone there may see."""
    asked = await bot.slack.say(said, user=who, channel=where)
    answer = await bot.slack.reply(asked)
    assert re.search(shown, visible(answer), re.DOTALL)
    await bot.slack.settled(lambda: not bot.slack.world.status.get((asked.channel, asked.ts)))
    assert len(bot.slack.world.thread(asked.channel, asked.ts)) == 2


async def test_an_answer_has_its_source_and_buttons_and_unfolds_nothing(bot: Joined) -> None:
    """The sources stand below the text; feedback and a human are one click away."""
    answer = await bot.slack.reply(await bot.slack.say("@vocero how long do refunds take?"))
    assert "Sources: [1] Refund policy" in visible(answer)
    assert {"vocero_feedback:positive", "vocero_feedback:negative", "vocero_human"} <= set(answer.buttons())
    assert not answer.unfurl


async def test_a_status_is_shown_within_a_second(bot: Joined) -> None:
    """While the bot thinks, the thread says what it does."""
    asked = await bot.slack.say("@vocero how long do refunds take?")
    await bot.slack.reply(asked)
    [first, *_] = [s for s in bot.slack.world.statuses if s[2] == asked.ts]
    assert first[3] == "is searching the documents…"
    assert first[0] - float(asked.ts.split(".")[0]) < 2


async def test_a_thread_goes_on_without_the_name(bot: Joined) -> None:
    """A follow-up in the bot's own thread is answered; the same words in a thread without it are not."""
    asked = await bot.slack.say("@vocero how long do refunds take?")
    await bot.slack.reply(asked)
    more = await bot.slack.say("how long do refunds take?", thread=asked.ts, user="ben")
    assert "14 days" in visible(await bot.slack.reply(more))
    other = await bot.slack.say("a thread of our own")
    await bot.slack.say("how long do refunds take?", thread=other.ts, user="ben")
    aside = await bot.slack.say("@ben how long do refunds take?", thread=asked.ts)
    chatter = await bot.slack.say("lunch then", thread=asked.ts, user="ben")
    await asyncio.sleep(0.3)
    assert [m.user for m in bot.slack.world.thread(other.channel, other.ts)].count(BOT) == 0
    assert not [m for m in bot.slack.world.thread(asked.channel, asked.ts) if m.user == BOT and m.ts > aside.ts]
    assert chatter.ts


async def test_a_follow_up_is_understood(bot: Joined) -> None:
    """What leans on the last question is made to stand alone."""
    asked = await bot.slack.say("@vocero how long do refunds take?")
    await bot.slack.reply(asked)
    more = await bot.slack.say("@vocero and after the goods arrive?", thread=asked.ts)
    assert "14 days" in visible(await bot.slack.reply(more))


async def test_a_direct_message_sees_what_its_reader_may_see_anywhere(bot: Joined) -> None:
    """Ana is in #people and is told; Ben is not, and a guest gets nothing of the workspace."""
    ana, ben, gus = [await bot.slack.dm("when are salaries paid?", user=u) for u in ("ana", "ben", "gus")]
    assert "25th" in visible(await bot.slack.reply(ana))
    assert "don't know" in visible(await bot.slack.reply(ben))
    assert "don't know" in visible(await bot.slack.reply(gus))
    refunds = await bot.slack.dm("how long do refunds take?", user="gus")
    assert "14 days" not in visible(await bot.slack.reply(refunds))


async def test_a_slash_command_is_answered_for_the_asker_alone_and_shared_anew(bot: Joined) -> None:
    """`/vocero` whispers; Share asks again with what the whole channel may see, never the private text."""
    await bot.slack.command("when are salaries paid?", user="ana")
    await bot.slack.settled(lambda: bot.slack.ephemeral("ana"))
    whispered = bot.slack.ephemeral("ana")[-1]
    assert "25th" in visible(whispered)
    await bot.slack.press(whispered, "vocero_share")
    await bot.slack.settled(lambda: "asked: when are salaries paid?" in visible(_last(bot)))
    assert "25th" not in visible(_last(bot))
    assert "don't know" in visible(_last(bot))


async def test_ask_about_this_answers_the_message_for_one_reader(bot: Joined) -> None:
    """The message shortcut takes someone's words for a question."""
    message = await bot.slack.say("how long do refunds take?")
    before = len(bot.slack.ephemeral("ana"))
    await bot.slack.shortcut(message, "vocero_ask")
    await bot.slack.settled(lambda: len(bot.slack.ephemeral("ana")) > before)
    assert "14 days" in visible(bot.slack.ephemeral("ana")[-1])


async def test_a_verdict_is_kept_and_a_human_called_once(bot: Joined) -> None:
    """The last verdict counts; the group is mentioned once, in the thread, however often the button is pressed."""
    asked = await bot.slack.say("@vocero how long do refunds take?", user="ben")
    answer = await bot.slack.reply(asked)
    for side in ("positive", "negative"):
        before = len(bot.slack.ephemeral("ben"))
        await bot.slack.press(answer, f"vocero_feedback:{side}", user="ben")
        await bot.slack.settled(lambda n=before: len(bot.slack.ephemeral("ben")) > n)
    for _ in range(3):
        await bot.slack.press(answer, "vocero_human", user="ben")
    called = await bot.slack.reply(asked, n=2)
    assert called.text == "<!subteam^S0HELP>, <@U0BEN> would like a human's answer to this."
    await bot.slack.settled(
        lambda: [visible(m) for m in bot.slack.ephemeral("ben")].count("A human has been asked already.") == 2
    )
    assert len(bot.slack.world.thread(asked.channel, asked.ts)) == 3


async def test_bots_and_own_words_are_never_answered(bot: Joined) -> None:
    """Another bot's mention, our own words and a channel's housekeeping stay without a reply."""
    world, slack = bot.slack.world, bot.slack
    before = [m for m in world.messages.values() if m.user == BOT]
    said = await slack.say("nothing", user="ben")
    for more in (
        {"bot_id": "B9"},
        {"user": BOT},
        {"subtype": "channel_join"},
        {"subtype": "bot_message", "bot_id": "B9"},
    ):
        event = {**said.to_json(), "type": "message", "text": f"<@{BOT}> refunds?", "channel": said.channel, **more}
        delivered = await slack.send(slack.event({**event, "channel_type": "channel"}))
        assert delivered.acked
    await asyncio.sleep(0.2)
    assert [m for m in world.messages.values() if m.user == BOT] == before


async def test_an_edit_asks_only_if_the_mention_is_new(bot: Joined) -> None:
    """A typo mended does not ask twice; a name added asks."""
    asked = await bot.slack.say("@vocero how long do refunds take?")
    await bot.slack.reply(asked)
    await bot.slack.edit(asked, f"<@{BOT}> how long do the refunds take?")
    forgot = await bot.slack.say("how long do refunds take?")
    await bot.slack.edit(forgot, f"<@{BOT}> how long do refunds take?")
    assert "14 days" in visible(await bot.slack.reply(forgot))
    await asyncio.sleep(0.1)
    assert len(bot.slack.world.thread(asked.channel, asked.ts)) == 2


async def test_a_deleted_question_takes_its_answer_and_memory_along(bot: Joined) -> None:
    """Nothing of a question that was taken back stays."""
    asked = await bot.slack.say("@vocero how long do refunds take?")
    await bot.slack.reply(asked)
    conversation = f"slack/T0TEAM/{asked.channel}/{asked.ts}"
    await bot.slack.settled(lambda: bot.brain.recollection.turns.get(conversation))
    await bot.slack.delete(asked)
    await bot.slack.settled(lambda: not bot.slack.world.thread(asked.channel, asked.ts))
    await bot.slack.settled(lambda: conversation not in bot.brain.recollection.turns)
    async with asyncio.timeout(5):
        while await bot.chat.exchanges.find("slack/T0TEAM", message=conversation):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_thread_broadcast_and_a_file_with_a_question_are_heard(bot: Joined) -> None:
    """Both are messages of people; a file that was not asked to be read is named as unread."""
    root = await bot.slack.say("@vocero how long do refunds take?")
    await bot.slack.reply(root)
    cast = await bot.slack.say("@vocero how long do refunds take?", thread=root.ts, subtype="thread_broadcast")
    assert "14 days" in visible(await bot.slack.reply(cast))
    file = bot.slack.file("photo.png", b"\x89PNG", mimetype="image/png")
    asked = await bot.slack.say("@vocero how long do refunds take?", files=[file])
    assert "I have not read photo.png." in plain(await bot.slack.reply(asked))
    only = await bot.slack.say("@vocero", files=[file])
    assert "I see photo.png" in plain(await bot.slack.reply(only))


async def test_the_home_shows_what_i_know_and_what_you_asked(bot: Joined) -> None:
    """The home tab lists the documents its reader may see, links recent questions, and helps admins."""
    await bot.slack.reply(await bot.slack.say("@vocero how long do refunds take?", user="ben"))
    for user in ("ana", "ben"):
        await bot.slack.open_home(user)
    await bot.slack.settled(lambda: {"U0ANA", "U0BEN"} <= set(bot.slack.world.homes))
    ana, ben = (str(bot.slack.world.homes[u]) for u in ("U0ANA", "U0BEN"))
    assert "Salaries" in ana
    assert "Salaries" not in ben
    assert "https://fake.slack.com/archives/C0GENERAL/p" in ben
    assert "You are an admin" in ana
    assert "You are an admin" not in ben


async def test_a_channel_can_want_its_name_said_quiet_and_no_threads(join: Joining) -> None:
    """Settings hold for their channel: no follow-ups, answers in the channel, don't-knows for the asker alone."""
    async with join() as bot:
        slack = bot.slack
        for word in ("mentions on", "quiet on", "threads off", "language es"):
            said = await slack.say(f"@vocero settings {word}")
            await slack.settled(lambda m=said: len(_bot_after(bot, m.ts)) >= 1)
        asked = await slack.say("@vocero how long do refunds take?")
        await slack.settled(lambda: _bot_after(bot, asked.ts))
        assert _bot_after(bot, asked.ts)[0].thread_ts == ""
        assert "Fuentes" in visible(_bot_after(bot, asked.ts)[0])
        await slack.say("@vocero who won the cup?")
        await slack.settled(lambda: any("don't know" in visible(m) for m in slack.ephemeral("ana")))


async def test_the_stop_button_ends_the_answer(join: Joining) -> None:
    """What was being written is cancelled at the model, and the thread says so."""
    script = Script({"refunds": "Refunds take 14 days. " * 200}, pause=0.05)
    async with join(mind=brain(speaker=script)) as bot:
        asked = await bot.slack.dm("how long do refunds take?")
        await bot.slack.settled(lambda: script.prompts)
        event = {"type": "agent_session_stopped", "channel": asked.channel, "thread_ts": asked.ts, "user": "U0ANA"}
        await bot.slack.send(bot.slack.event(event))
        assert "Stopped" in visible(await bot.slack.reply(asked))
        assert script.cancelled == 1


async def test_a_question_that_is_taken_back_ends_its_answer(join: Joining) -> None:
    """What was being written is cancelled at the model, at once, and nothing of it stays in the thread."""
    script = Script({"refunds": "Refunds take 14 days. " * 200}, pause=0.05)
    async with join(mind=brain(speaker=script)) as bot:
        asked = await bot.slack.say("@vocero how long do refunds take?")
        await bot.slack.settled(lambda: script.prompts)
        await bot.slack.delete(asked)
        await bot.slack.settled(lambda: script.cancelled == 1)
        await bot.slack.settled(lambda: not bot.slack.world.thread(asked.channel, asked.ts))


def plain(message: Message) -> str:
    """Return what is shown, without the joiners that keep a file's name from becoming a link."""
    return visible(message).replace("\u2060", "")


def _last(bot: Joined) -> "object":
    return [m for m in bot.slack.world.history("C0GENERAL") if m.user == BOT and not m.to][-1]


def _bot_after(bot: Joined, ts: str) -> list:
    return [m for m in bot.slack.world.history("C0GENERAL") if m.user == BOT and not m.to and m.ts > ts]
