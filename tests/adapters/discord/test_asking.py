"""Questions by command, menu, reply, thread, forum and direct message; buttons and forms below the answers."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest

from core.documents import Place, Source
from tests.adapters.discord.conftest import Joined, Joining, opened
from tests.fakes.brain import Script, brain
from tests.fakes.discord import V2, visible
from tests.fakes.discord.world import walk

pytestmark = pytest.mark.slow

# who, where, private, what is asked, what the answer must contain, whether only they see it
ASKED = [
    ("ben", "general", False, "how long do refunds take?", r"“how long.*14 days.*Sources.*Refund policy", False),
    ("alice", "general", False, "when are salaries paid?", r"don't know", False),
    ("alice", "general", True, "when are salaries paid?", r"25th", True),
    ("ben", "general", True, "when are salaries paid?", r"don't know", True),
    ("alice", "people", False, "when are salaries paid?", r"25th", False),
    ("alice", "general", False, "¿quién ganó la copa?", r"No lo sé", False),
    ("alice", "general", False, "refund " * 850, r"14 days|don't know", False),
]


@pytest.mark.parametrize(
    ("who", "where", "private", "said", "shown", "aside"), ASKED, ids=[a[3][:30] + a[0] for a in ASKED]
)
async def test_a_question_by_command_is_answered(
    bot: Joined, who: str, where: str, private: bool, said: str, shown: str, aside: bool
) -> None:
    """The command is acknowledged at once and answered with what all its readers may see."""
    call = await bot.people.slash(who, "ask", channel=where, question=said, private=private)
    answer = await call.message()
    assert re.search(shown, visible(answer), re.DOTALL)
    assert call.deferred
    assert call.ack_after is not None
    assert call.ack_after < 1
    assert call.private is aside


async def test_an_answer_is_a_card_that_pings_nobody_and_unfolds_nothing(bot: Joined) -> None:
    """Components v2, no content, no mentions, and buttons named by the exchange."""
    answer = await (await bot.people.slash("ben", "ask", question="how long do refunds take?")).message()
    assert answer["flags"] & V2
    assert not answer["content"]
    assert not answer["mentions"]
    assert not answer["mention_everyone"]
    labels = {c.get("label") for c in _buttons(answer)}
    assert labels == {"Helpful", "Not helpful", "Sources", "Ask a follow-up", "Ask a human"}


async def test_an_empty_question_is_refused_aside(bot: Joined) -> None:
    """White space is no question; the sentence is in the asker's language."""
    call = await bot.people.slash("ben", "ask", question="   ", _locale="es-ES")
    assert "Qué te gustaría saber" in visible(await call.message())
    assert call.private


async def test_a_direct_message_sees_what_its_reader_may_see_anywhere(bot: Joined) -> None:
    """Alice has the role that sees #people and is told; Ben has not."""
    for who, shown in (("alice", "25th"), ("ben", "don't know")):
        asked = await bot.people.dm(who, "when are salaries paid?")
        where = bot.discord.world.by_id(asked["channel_id"])
        assert await bot.people.seen(lambda m, shown=shown: shown in visible(m), where)
    call = await bot.people.slash("alice", "ask", channel=where | {}, question="how long do refunds take?")
    assert "14 days" in visible(await call.message())


async def test_a_thread_goes_on_by_mention_and_remembers(bot: Joined) -> None:
    """A follow-up in the thread is understood with what came before; the thread stays one conversation."""
    asked = await bot.people.say("ben", "@bot how long do refunds take?")
    thread = await opened(bot, asked)
    await bot.people.seen(lambda m: "14 days" in visible(m), thread)
    more = await bot.people.say("ben", "@bot and after the goods arrive?", channel=thread)
    await bot.people.until(lambda: len(bot.people.messages(thread)) >= 3)
    await bot.people.seen(lambda m: "14 days" in visible(m) and int(m["id"]) > int(more["id"]), thread)
    assert len(bot.brain.recollection.turns[f"{bot.discord.workspace}/{asked['id']}"]) == 4


async def test_a_reply_to_the_bot_is_heard(bot: Joined) -> None:
    """Discord's own reply with its ping is a mention; to a command's answer its words are hidden, which is said."""
    thread = await opened(bot, await bot.people.say("ben", "@bot how long do refunds take?"))
    answer = await bot.people.seen(lambda m: "14 days" in visible(m), thread)
    assert "mention me, reply to me, or press Ask a follow-up" in visible(answer)
    asked = await bot.people.say("ben", "how long do refunds take?", channel=thread, reply_to=answer)
    more = await bot.people.seen(lambda m: "14 days" in visible(m) and int(m["id"]) > int(asked["id"]), thread)
    assert "To go on" not in visible(more)
    slashed = await (await bot.people.slash("ben", "ask", question="how long do refunds take?")).message()
    hidden = await bot.people.say("ben", "and after that?", reply_to=slashed)
    told = await bot.people.seen(lambda m: "does not show me" in visible(m))
    assert told["message_reference"]["message_id"] == hidden["id"]


async def test_a_forum_post_is_answered_in_the_post_by_its_title(bot: Joined) -> None:
    """The title is the question; no further thread is opened."""
    asked = await bot.people.post("ben", "How long do refunds take?", "@bot", channel="help")
    where = bot.discord.world.by_id(asked["channel_id"])
    assert await bot.people.seen(lambda m: "14 days" in visible(m), where)
    assert where["parent_id"] == bot.discord.world.channels["help"]["id"]


async def test_a_message_menu_asks_for_one_reader(bot: Joined) -> None:
    """`Ask about this` takes someone's words for a question, without the intent."""
    message = await bot.people.say("ben", "@bot how long do refunds take")
    call = await bot.people.menu("alice", "Ask about this", message)
    assert re.search(r"“how long do refunds take”.*14 days", visible(await call.message()), re.DOTALL)
    assert call.private
    empty = await bot.people.menu("alice", "Ask about this", await bot.people.say("ben", ""))
    assert "no text" in visible(await empty.message())


async def test_a_verdict_is_kept_with_its_why(bot: Joined) -> None:
    """The last verdict counts; a form asks why, and works without the process that opened it."""
    answer = await (await bot.people.slash("ben", "ask", question="how long do refunds take?")).message()
    thanks = await bot.people.click("ben", answer, "Helpful")
    assert "Thank you" in visible(await thanks.message())
    form = await bot.people.click("ben", answer, "Not helpful")
    assert (await form.acked())["type"] == 9
    said = await bot.people.submit("ben", form, text="it is out of date")
    assert "Thank you" in visible(await said.message())
    assert (False, "it is out of date") in await kept(bot, "select good, why from vocero.feedback")


async def test_the_sources_are_shown_to_who_may_see_them_now(bot: Joined) -> None:
    """The passages quoted, to the one who asks; the audience is that of the click, not that of the answer."""
    answer = await (await bot.people.slash("ben", "ask", question="how long do refunds take?")).message()
    call = await bot.people.click("ben", answer, "Sources")
    shown = visible(await call.message())
    assert re.search(
        r"\*\*\[1\]\*\* Refund policy\n> .*Refunds take 14 days after the goods arrive\.", shown, re.DOTALL
    )
    assert call.private

    learned = await bot.brain.bot.learn(
        Source(name="canteen.md", content=b"# Canteen\n\nLunch costs 6 euros."), Place(workspace=bot.discord.workspace)
    )
    answer = await (await bot.people.slash("alice", "ask", question="what does lunch cost?")).message()
    hidden = f"channel:{bot.discord.world.channels['people']['id']}"
    await bot.brain.librarian.share(bot.discord.workspace, learned.document, hidden)
    for who, said, locale in (("alice", "6 euros", "en-US"), ("ben", "o no es para ti", "es-ES")):
        call = await bot.people.click(who, answer, "Sources", locale=locale)
        shown = visible(await call.message())
        assert said in shown
        assert ("6 euros" in shown) is (who == "alice")
        assert call.private

    kept, [chunk] = await bot.brain.librarian.document(bot.discord.workspace, learned.document)
    held = bot.brain.knowledge.kept[bot.discord.workspace]
    held[kept.id] = (kept, [replace(chunk, id="another")])
    call = await bot.people.click("alice", answer, "Sources")
    assert "has changed since" in visible(await call.message())
    button = next(c for c in _buttons(answer) if c["label"] == "Sources")
    button["custom_id"] = "v;src;x0"
    call = await bot.people.click("alice", answer, "Sources")
    assert "no longer know which passages" in visible(await call.message())


async def test_what_has_no_source_has_no_button_for_it(bot: Joined) -> None:
    """An honest don't-know offers a follow-up and a human; directly, where no human looks, only the follow-up."""
    answer = await (await bot.people.slash("ben", "ask", question="who won the cup?")).message()
    assert {c["label"] for c in _buttons(answer)} == {"Ask a follow-up", "Ask a human"}
    direct = bot.discord.world.direct("ben")
    answer = await (await bot.people.slash("ben", "ask", channel=direct, question="who won the cup?")).message()
    assert {c["label"] for c in _buttons(answer)} == {"Ask a follow-up"}


async def test_a_follow_up_by_form_is_asked_in_the_same_conversation(bot: Joined) -> None:
    """The button opens a form, and the form is a question."""
    answer = await (await bot.people.slash("alice", "ask", question="how long do refunds take?")).message()
    form = await bot.people.click("alice", answer, "Ask a follow-up")
    await form.acked()
    call = await bot.people.submit("alice", form, text="and after the goods arrive?")
    assert "14 days" in visible(await call.message())


async def test_a_human_is_called_once(bot: Joined) -> None:
    """The role is mentioned in the channel, once, whoever presses."""
    answer = await (await bot.people.slash("ben", "ask", question="who won the cup in 1999?")).message()
    first = await bot.people.click("ben", answer, "Ask a human")
    assert "called a human" in visible(await first.message())
    called = [m for m in bot.people.messages() if m["mention_roles"] == ["1"]]
    second = await bot.people.click("alice", answer, "Ask a human")
    assert "already" in visible(await second.message())
    assert [m for m in bot.people.messages() if m["mention_roles"] == ["1"]] == called
    assert len(called) == 1


async def test_a_deleted_question_takes_its_answer_and_memory_along(bot: Joined) -> None:
    """Nothing of a question that was taken back stays."""
    asked = await bot.people.say("ben", "@bot how long do refunds take?")
    thread = await opened(bot, asked)
    await bot.people.seen(lambda m: "14 days" in visible(m), thread)
    conversation = f"{bot.discord.workspace}/{asked['id']}"
    await bot.people.until(lambda: bot.brain.recollection.turns.get(conversation))
    await asyncio.sleep(0.2)
    await bot.people.delete(asked)
    await bot.people.until(lambda: not bot.people.messages(thread))
    await bot.people.until(lambda: conversation not in bot.brain.recollection.turns)


async def test_a_question_that_is_taken_back_ends_its_answer(join: Joining) -> None:
    """What was being written is cancelled at the model, and nothing of it stays."""
    script = Script({"refunds": "Refunds take 14 days. " * 200}, pause=0.05)
    async with join(mind=brain(speaker=script)) as bot:
        asked = await bot.people.say("ben", "@bot how long do refunds take?")
        thread = await opened(bot, asked)
        await bot.people.until(lambda: script.prompts)
        await bot.people.delete(asked)
        await bot.people.until(lambda: script.cancelled == 1)
        await bot.people.until(lambda: not bot.people.messages(thread))


def _buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [c for c in walk(message["components"]) if c["type"] == 2]


async def kept(bot: Joined, statement: str) -> list[tuple[Any, ...]]:
    """Return what the database holds for the server."""
    async with bot.chat.rooms._database.reading(bot.discord.workspace) as connection:
        return list(await (await connection.execute(statement)).fetchall())
