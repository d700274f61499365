"""What goes wrong at Discord or here: every interaction ends visibly, and nothing is said twice."""

import asyncio
import re
from typing import Any

import pytest

from core.errors import KnowledgeDown, SetupError
from core.inbox import Arrival
from tests.adapters.discord.conftest import Joined, Joining, opened
from tests.fakes.brain import Script, brain
from tests.fakes.discord import FakeDiscord, visible

pytestmark = pytest.mark.slow

WAIT = 15.0


async def answered(bot: Joined, question: str = "how long do refunds take?", **options: Any) -> Any:
    """Ask by command and wait for the answer."""
    call = await bot.people.slash("ben", "ask", question=question, **options)
    await call.until(lambda: call.original is not None and "14 days" in visible(call.original), WAIT)
    return call


async def test_the_gateway_may_break_and_nothing_is_lost(join: Joining) -> None:
    """Reconnect asked for, connection lost with a message on the way, session forgotten: all go on."""
    async with join() as bot:
        gateway = bot.discord.gateway
        await gateway.drop(op=7)
        await asyncio.wait_for(gateway.ready.wait(), WAIT)
        await gateway.drop(code=4000)
        asked = await bot.people.say("ben", "@bot how long do refunds take?")
        thread = await opened(bot, asked)
        assert await bot.people.seen(lambda m: "14 days" in visible(m), thread, WAIT)
        assert gateway.resumes == 2
        await gateway.drop(op=9, forget=True)
        await asyncio.wait_for(gateway.ready.wait(), WAIT)
        assert gateway.identifies == 2
        await answered(bot)


async def test_an_event_told_twice_is_answered_once(join: Joining) -> None:
    """A replay repeats messages and interactions; the inbox knows them."""
    async with join() as bot:
        asked = await bot.people.say("ben", "@bot how long do refunds take?")
        thread = await opened(bot, asked)
        await bot.people.seen(lambda m: "14 days" in visible(m), thread)
        member = dict(bot.discord.world.members[bot.discord.guild_id][asked["author"]["id"]])
        member.pop("user")
        await bot.discord.gateway.emit("MESSAGE_CREATE", asked | {"member": member})
        call = await answered(bot)
        edits = len(call.edited)
        await bot.discord.gateway.emit("INTERACTION_CREATE", call.payload)
        await asyncio.sleep(0.3)
        assert len(bot.people.messages(thread)) == 1
        assert (len(call.edited), call.followups) == (edits, [])


async def test_discord_may_stumble(join: Joining) -> None:
    """A 500 on the acknowledgement, on an edit and on a post, and rate limits: the answer comes, once."""
    async with join() as bot:
        limits = bot.discord.limits
        limits.fail("POST", "/callback$", 500)
        limits.fail("PATCH", "/webhooks/", 502)
        call = await answered(bot)
        assert call.ack_after is not None
        assert call.ack_after < 3
        limited = {"message": "x", "retry_after": 0.1, "global": True}
        limits.fail("POST", "/messages$", 429, limited)
        asked = await bot.people.say("ben", "@bot how long do refunds take?")
        thread = await opened(bot, asked)
        await bot.people.seen(lambda m: "14 days" in visible(m), thread, WAIT)
        assert len(bot.people.messages(thread)) == 1


async def test_a_late_answer_becomes_a_message(join: Joining) -> None:
    """Over 14 minutes the token is as good as dead: what is public comes to the channel, what is private directly."""
    async with join() as bot:
        await bot.people.slash("ben", "ask", question="how long do refunds take?", _age=870.0)
        late = await bot.people.seen(lambda m: m["type"] == 0 and "14 days" in visible(m))
        assert late["channel_id"] == bot.discord.world.channels["general"]["id"]
        bot.discord.interactions.token_life = 0.0
        await bot.people.slash("alice", "ask", question="when are salaries paid?", private=True)
        direct = bot.discord.world.direct("alice")
        assert await bot.people.seen(lambda m: "25th" in visible(m), direct)


async def test_where_no_thread_may_be_opened_the_channel_is_answered(join: Joining) -> None:
    """The right to open threads is missing: the answer is a reply."""
    async with FakeDiscord() as fake:
        fake.world.deny("general", 1 << 35)
        async with join(fake=fake) as bot:
            asked = await bot.people.say("ben", "@bot how long do refunds take?")
            answer = await bot.people.seen(lambda m: "14 days" in visible(m))
            assert answer["message_reference"]["message_id"] == asked["id"]
            assert answer["mentions"] == []


async def test_a_stop_lets_what_is_in_hand_end_and_refuses_what_comes(join: Joining) -> None:
    """Draining: the answer under way is finished, a new command is told to come back, a new mention waits."""
    said = "Refunds take 14 days after the goods arrive [1]."
    async with FakeDiscord() as fake:
        async with join(fake=fake, mind=brain(speaker=Script({"refunds": said}, pause=0.12))) as bot:
            under_way = await bot.people.slash("ben", "ask", question="how long do refunds take?")
            await under_way.acked()
            await bot.people.until(lambda: bot.bot.reception.busy)
            bot.bot.reception.closing = True
            late = await bot.people.slash("alice", "ask", question="how long do refunds take?")
            assert "restarting" in visible(await late.message())
            asked = await bot.people.say("alice", "@bot how long do refunds take?")
            await asyncio.sleep(0.2)
        assert under_way.original is not None
        assert "14 days" in visible(under_way.original)
        assert not under_way.thinking
        async with join(fake=fake, beat=0.2) as bot:
            thread = await opened(bot, asked)
            assert await bot.people.seen(lambda m: "14 days" in visible(m), thread, WAIT)


async def test_nobody_is_left_thinking_by_a_stop_that_cannot_wait(join: Joining) -> None:
    """What is not done within the grace, and what was not begun, says that it comes later, and it does."""
    async with FakeDiscord() as fake:
        slow = Script({"refunds": "Refunds take 14 days after the goods arrive [1]."}, pause=5.0)
        async with join(fake=fake, mind=brain(speaker=slow)) as bot:
            bot.bot.reception._grace = 0.3
            question = "how long do refunds take?"
            calls = [await bot.people.slash("ben", "ask", question=question) for _ in range(3)]  # one after the other
            calls.append(await bot.people.slash("alice", "ask", question=question, _locale="es-ES"))
            await bot.people.until(lambda: bot.bot.reception.busy == 4 and slow.prompts)
        said = [visible(call.original) for call in calls]
        assert [("back" in text, "en cuanto vuelva" in text) for text in said] == [(True, False)] * 3 + [(False, True)]
        async with join(fake=fake, beat=0.2):
            for call in calls:
                await call.until(lambda call=call: "14 days" in visible(call.original), WAIT)
                assert call.followups == []


async def test_what_a_dead_process_left_thinking_is_finished(join: Joining) -> None:
    """An accepted question whose process died is answered by the next one in the same message, not beside it."""
    async with FakeDiscord() as fake:
        async with join(fake=fake, lease=0.3) as bot:

            async def die(*_: Any) -> None:
                await asyncio.sleep(0)

            bot.bot.reception._see_to = die
            call = await bot.people.slash("ben", "ask", question="how long do refunds take?")
            asked = await bot.people.say("ben", "@bot how long do refunds take?")
            await call.acked()
            await asyncio.sleep(0.3)
            assert call.thinking
        async with join(fake=fake, beat=0.2, lease=5.0) as bot:
            assert "14 days" in visible(await call.message(WAIT))
            assert call.followups == []
            thread = await opened(bot, asked)
            assert await bot.people.seen(lambda m: "14 days" in visible(m), thread, WAIT)
            assert len(bot.people.messages(thread)) == 1


async def test_a_placeholder_is_completed_and_a_repeated_post_is_the_same_message(join: Joining) -> None:
    """A predecessor that posted and died, with and without having noted it, leaves one message in the end."""
    async with join() as bot:
        for noted in (True, False):
            asked = await bot.people.say("ben", "just talking")
            body = {"content": "half an", "nonce": f"{asked['id']}-0", "enforce_nonce": True}
            where = bot.discord.world.channels["general"]["id"]
            half = await bot.discord.messages.post(c=where, body=body, files=[])
            at = {"guild": bot.discord.guild_id, "channel": where, "kind": "post", "parent": where}
            who = {"user": asked["author"]["id"], "manages": False, "roles": [], "channels": []}
            payload = {
                "kind": "said",
                "at": {**at, "strangers": False, "open": True},
                "who": who,
                "way": "mention",
                "message": asked["id"],
                "text": "how long do refunds take?",
                "files": [],
            }
            workspace = bot.discord.workspace
            arrival = Arrival(workspace=workspace, event_key=f"m/{asked['id']}", conversation="c", payload=payload)
            work = await bot.chat.inbox.accept(arrival)
            if noted:
                await bot.chat.inbox.hold(work, f"{where}/{half['id']}")
            await bot.chat.inbox.release(work)
            for taken in await bot.chat.inbox.reap("discord/", 5):
                reception = bot.bot.reception
                reception._start(taken, reception._queue("c"))
            await bot.people.until(lambda half=half: "14 days" in visible(half))
            posts = [m for m in bot.people.messages() if m["author"]["bot"] and int(m["id"]) > int(asked["id"])]
            assert [m["id"] for m in posts] == [half["id"]]


async def test_a_database_that_is_away_is_said_at_once(join: Joining) -> None:
    """Discord delivers only once: what cannot be accepted is a visible error."""
    async with join() as bot:
        accept = bot.chat.inbox.accept

        async def down(arrival: Arrival) -> Any:
            raise KnowledgeDown("away")

        bot.chat.inbox.accept = down
        call = await bot.people.slash("ben", "ask", question="how long do refunds take?", _locale="es-ES")
        assert "base de datos" in visible(await call.message())
        await bot.people.say("ben", "@bot how long do refunds take?")
        assert await bot.people.seen(lambda m: "cannot reach my database" in visible(m))
        bot.chat.inbox.accept = accept
        await answered(bot)


async def test_the_first_connection_may_fail(join: Joining) -> None:
    """discord.py raises there instead of trying again; a new client is made."""
    async with FakeDiscord() as fake:
        fake.gateway.refuse = 1
        async with join(fake=fake) as bot:
            await answered(bot)


REFUSED = [
    ({"DISCORD_BOT_TOKEN": "nonsense"}, r"DISCORD_BOT_TOKEN is not accepted"),
    ({"discord_message_content": True}, r"Message Content intent.*developers"),
]


@pytest.mark.parametrize(("given", "said"), REFUSED)
async def test_what_cannot_work_is_one_sentence_at_the_start(join: Joining, given: Any, said: str) -> None:
    """A wrong token and an intent that is off name their remedy."""
    with pytest.raises(SetupError, match=re.compile(said, re.DOTALL)):
        async with join(**given):
            pass


async def test_two_processes_on_one_token_answer_once(join: Joining) -> None:
    """Both get every event; one answers, whichever Discord heard first."""
    async with FakeDiscord() as fake, join(fake=fake), join(fake=fake) as bot:
        assert len(fake.gateway.sessions) == 2
        calls = [await bot.people.slash("ben", "ask", question="how long do refunds take?") for _ in range(5)]
        asked = [await bot.people.say("ben", "@bot how long do refunds take?") for _ in range(5)]
        for call in calls:
            assert "14 days" in visible(await call.message())
        for message in asked:
            thread = await opened(bot, message)
            await bot.people.seen(lambda m: "14 days" in visible(m), thread)
        await asyncio.sleep(0.3)
        assert [call.followups for call in calls] == [[]] * 5
        assert [len(bot.people.messages(fake.world.channels[f"thread:{m['id']}"])) for m in asked] == [1] * 5


async def test_an_acknowledgement_that_comes_too_late_still_ends_in_an_answer(join: Joining) -> None:
    """Discord gave up waiting, but the question was accepted: the answer is a message."""
    async with FakeDiscord() as fake, join(fake=fake) as bot:
        fake.interactions.ack_deadline = 0.0
        call = await bot.people.slash("ben", "ask", question="how long do refunds take?")
        late = await bot.people.seen(lambda m: m["type"] == 0 and "14 days" in visible(m))
        assert call.original is None
        assert late["mentions"] == []


@pytest.mark.parametrize("tongue", ["en", "es"])
async def test_what_is_given_up_is_said(join: Joining, tongue: str) -> None:
    """Three tries that fail end in a sentence, in the command's own message and below the mention; a click's too."""
    async with join(beat=0.1) as bot:

        async def broken(*_: Any, **__: Any) -> str:
            raise ZeroDivisionError

        handler = bot.bot.reception._handler._inner  # which is watched from around it
        handler._answering.ask = handler._clicks.verdict = broken
        said = {"en": "could not finish it", "es": "no he podido"}[tongue]
        question = {"en": "how long do refunds take?", "es": "¿cuánto tardan los refunds en llegar?"}[tongue]
        call = await bot.people.slash("ben", "ask", question=question, _locale={"en": "en-US", "es": "es-ES"}[tongue])
        asked = await bot.people.say("ben", f"@bot {question}")
        await call.until(lambda: said in visible(call.original or {}), WAIT)
        key = f"thread:{asked['id']}"
        await bot.people.until(lambda: key in bot.discord.world.channels)
        thread = bot.discord.world.channels[key]
        assert await bot.people.seen(lambda m: said in visible(m), thread, WAIT)
        assert len(bot.people.messages(thread)) == 1
        await bot.people.until(lambda: not bot.bot.reception.busy)


async def test_a_token_that_is_not_taken_loses_nothing(join: Joining) -> None:
    """Discord's 401 is no refusal of the answer: it is kept, and said once the token is taken again."""
    async with join(beat=0.1) as bot:
        rest, token = bot.discord.rest, bot.discord.token
        rest._token = "another"
        asked = await bot.people.say("ben", "@bot how long do refunds take?")
        await asyncio.sleep(0.4)
        assert len(bot.people.messages()) == 1
        rest._token = token
        thread = await opened(bot, asked)
        assert await bot.people.seen(lambda m: "14 days" in visible(m), thread, WAIT)
