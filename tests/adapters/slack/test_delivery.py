"""Delivery: accepted before it is acknowledged, answered once, in order, whoever dies and whatever Slack answers."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from dataclasses import dataclass, field

import pytest

from core.errors import KnowledgeDown
from core.inbox import Arrival, Work
from core.reception import Deadlines
from infra.postgres.inbox import PostgresInbox
from infra.postgres.pool import Database
from tests.adapters.slack.conftest import Joined, Joining
from tests.fakes.slack import FakeSlack, Message
from tests.fakes.slack.world import BOT, visible

ASKED = "@vocero how long do refunds take?"


@dataclass
class Ailing(PostgresInbox):
    """A real inbox on a database that is down for the first deliveries."""

    database: Database
    down: int = 0
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.database)

    async def accept(self, arrival: Arrival) -> Work | None:
        """Fail so often, then accept."""
        self.seen.append(arrival.event_key)
        if len(self.seen) <= self.down:
            raise KnowledgeDown("down on purpose")
        return await super().accept(arrival)


def answers(bot: Joined, asked: Message) -> list[Message]:
    """Return the bot's messages in a thread."""
    return [m for m in bot.slack.world.thread(asked.channel, asked.ts) if m.user == BOT]


@pytest.mark.parametrize("order", ["mention", "message"])
async def test_a_mention_s_two_events_and_their_retries_are_one_answer(join: Joining, order: str) -> None:
    """Both events, each three times and in either order, on two replicas of the app: one answer."""
    async with join() as bot, join(slack=bot.slack, mind=bot.brain):
        bot.slack.order = order
        messages = [await bot.slack.say(ASKED, user=user) for user in ("ana", "ben") * 5]
        for message in messages:
            envelopes = bot.slack.events_of(message)
            await asyncio.gather(*(bot.slack.send(e) for e in envelopes * 3))
        for message in messages:
            await bot.slack.reply(message)
        await asyncio.sleep(0.3)
        assert [len(answers(bot, m)) for m in messages] == [1] * 10


async def test_the_same_event_again_is_refused_by_its_key(join: Joining) -> None:
    """Slack's retries carry the event's id: answered once, acknowledged every time."""
    async with join() as bot:
        message = bot.slack._keep(ASKED, "ana", "C0GENERAL", "", [])
        envelopes = bot.slack.events_of(message) * 4
        delivered = await asyncio.gather(*(bot.slack.send(e) for e in envelopes))
        assert all(d.acked and d.attempt == 0 for d in delivered)
        await bot.slack.reply(message)
        await asyncio.sleep(0.2)
        assert len(answers(bot, message)) == 1


async def test_an_event_that_cannot_be_kept_is_not_acknowledged(join: Joining, database: Database) -> None:
    """While the database is down Slack gets no acknowledgement and delivers again; then it is answered once."""
    inbox = Ailing(database, down=3)
    slack = FakeSlack()
    slack.delivery.patience = 0.3
    slack.subscribed = {"app_mention"}
    async with slack, join(slack=slack, inbox=inbox) as bot:
        asked = await bot.slack.say(ASKED)
        [(_, delivered)] = bot.slack.deliveries
        assert (delivered.acked, delivered.attempt) == (True, 3)
        assert "14 days" in visible(await bot.slack.reply(asked))
        assert len(set(inbox.seen)) == 1


async def test_a_command_that_cannot_be_kept_is_told(join: Joining, database: Database) -> None:
    """Slack sends commands once: the person who typed it reads that the bot is down."""
    async with join(inbox=Ailing(database, down=1)) as bot:
        delivered = await bot.slack.command("how long do refunds take?")
        assert "cannot reach my database" in delivered.payload["text"]


async def test_the_successor_of_a_dead_process_finds_its_answer(join: Joining, database: Database) -> None:
    """What was posted before the death is left alone; a placeholder becomes the answer; nothing is said twice."""
    async with FakeSlack() as slack:
        whole, half, none = (slack._keep(ASKED, "ana", "C0GENERAL", "", []) for _ in range(3))
        dead = PostgresInbox(database, lease=0.1)
        for message, finished in ((whole, True), (half, False), (none, None)):
            [envelope, _] = slack.events_of(message)
            from adapters.slack.events import Me, to_arrival

            arrival = to_arrival(envelope, Me(team="T0TEAM", user=BOT, bot="B0BOT"))
            assert arrival
            work = await dead.accept(arrival)
            assert work
            assert await dead.claim(work, f"slack/T0TEAM/C0GENERAL/{message.ts}")
            if finished is not None:
                about = {"work": arrival.event_key, "part": 0, "finished": finished, "last": finished}
                metadata = {"event_type": "vocero_reply", "event_payload": about}
                body = {"channel": "C0GENERAL", "thread_ts": message.ts, "text": "said before", "metadata": metadata}
                slack.web.m_chat_post_message(body)
        await asyncio.sleep(0.15)
        async with join(slack=slack, lease=1.0) as bot:
            await slack.settled(lambda: "14 days" in visible(answers(bot, half)[0]))
            await slack.reply(none)
            await asyncio.sleep(0.3)
            assert [visible(m) for m in answers(bot, whole)] == ["said before"]
            assert [len(answers(bot, m)) for m in (half, none)] == [1, 1]


@pytest.mark.parametrize("fault", ["429", "500", "internal_error"])
async def test_a_busy_or_broken_slack_gets_the_answer_later(join: Joining, fault: str) -> None:
    """Retry-After is obeyed; a failed post is tried again after a look; the answer stands once."""
    async with join(lease=1.0) as bot:
        bot.slack.web.fail["chat.postMessage"] = [fault]
        asked = await bot.slack.say(ASKED)
        begun = time.monotonic()
        await bot.slack.reply(asked)
        assert fault != "429" or time.monotonic() - begun >= 0.9
        await asyncio.sleep(0.2)
        assert len(answers(bot, asked)) == 1


@pytest.mark.slow
async def test_more_questions_than_slack_takes_answers_are_all_answered_once(join: Joining) -> None:
    """A herd in one channel is answered as fast as Slack's own rates allow; nobody is left out or told twice."""
    async with join(lease=3.0) as bot:
        bot.slack.web.tiers = True
        asked = await asyncio.gather(*(bot.slack.say(ASKED) for _ in range(10)))
        for message in asked:
            assert "14 days" in visible(await bot.slack.reply(message, seconds=40))
        await asyncio.sleep(1.0)
        assert [len(answers(bot, m)) for m in asked] == [1] * 10
        posts = [a for m, a in bot.slack.web.calls if m == "chat.postMessage"]
        assert 10 < len(posts) < 20  # some were refused, and they did not all come back at once


async def test_what_cannot_be_done_is_said_once(join: Joining, monkeypatch: pytest.MonkeyPatch) -> None:
    """When Slack's directory stays silent the asker is told after the last try; no one waits for nothing."""
    monkeypatch.setattr("adapters.slack.outbox.PAUSE", 0.01)
    async with join(lease=0.6, deadlines=Deadlines(patience=1.0)) as bot:
        bot.slack.web.fail["users.info"] = ["internal_error"] * 100
        asked = await bot.slack.say(ASKED)
        assert "tried this several times" in visible(await bot.slack.reply(asked))
        await asyncio.sleep(0.7)
        assert len(answers(bot, asked)) == 1


@pytest.mark.slow
async def test_an_answer_outlives_an_outage_of_slack(join: Joining, monkeypatch: pytest.MonkeyPatch) -> None:
    """While Slack takes no post the answer is kept beyond the asker's patience, and stands there once when it does."""
    monkeypatch.setattr("adapters.slack.outbox.PAUSE", 0.01)
    async with join(lease=0.3, deadlines=Deadlines(patience=0.5)) as bot:
        posts = bot.slack.web.fail["chat.postMessage"] = ["internal_error"] * 1_000
        asked = await bot.slack.say(ASKED)
        await asyncio.sleep(2.5)  # patience is over many times
        assert answers(bot, asked) == []
        posts.clear()
        assert "14 days" in visible(await bot.slack.reply(asked))
        await asyncio.sleep(0.5)
        assert len(answers(bot, asked)) == 1


@pytest.mark.slow
async def test_after_a_long_outage_the_asker_is_told_that_it_was_given_up(
    join: Joining, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the deadline for answers a sentence says so, as soon as Slack takes one; nothing ends in silence."""
    monkeypatch.setattr("adapters.slack.outbox.PAUSE", 0.01)
    async with join(lease=0.3, deadlines=Deadlines(patience=0.2, answered=0.8)) as bot:
        posts = bot.slack.web.fail["chat.postMessage"] = ["internal_error"] * 1_000
        asked = await bot.slack.say(ASKED)
        await asyncio.sleep(2.5)
        posts.clear()
        assert "tried this several times" in visible(await bot.slack.reply(asked))
        await asyncio.sleep(0.5)
        assert len(answers(bot, asked)) == 1


async def test_a_command_whose_reply_slack_no_longer_takes_is_answered_in_private(join: Joining) -> None:
    """After half an hour a command can only be told in a direct message; it is."""
    async with join() as bot:
        bot.slack.url_lives = -1.0
        await bot.slack.command("how long do refunds take?", user="ben")
        direct = bot.slack.world.im("U0BEN").id
        await bot.slack.settled(lambda: bot.slack.world.history(direct))
        assert "no longer takes the reply" in visible(bot.slack.world.history(direct)[-1])


async def test_without_a_status_there_is_a_placeholder_that_becomes_the_answer(join: Joining) -> None:
    """Where Slack has no status to show, one message says so and is then edited."""
    async with join() as bot:
        bot.slack.web.fail["assistant.threads.setStatus"] = ["not_allowed_token_type"] * 9
        asked = await bot.slack.say(ASKED)
        first = await bot.slack.reply(asked)
        await bot.slack.settled(lambda: "14 days" in visible(first))
        assert first.edits == 1
        assert len(answers(bot, asked)) == 1


async def test_a_missing_permission_is_named_where_it_was_missed(join: Joining) -> None:
    """The reply says which scope is missing and where to add it."""
    async with join() as bot:
        bot.slack.web.scopes -= {"users:read"}
        reply = visible(await bot.slack.reply(await bot.slack.say(ASKED)))
        assert "`users:read`" in reply
        assert "OAuth &amp; Permissions" in reply


@pytest.mark.parametrize("code", ["is_archived", "not_in_channel", "channel_not_found"])
async def test_a_channel_that_closed_is_answered_in_private(join: Joining, code: str) -> None:
    """Where nothing can be posted any more the asker is told directly; never silence."""
    async with join() as bot:
        bot.slack.web.fail["chat.postMessage"] = [code]
        asked = await bot.slack.say(ASKED)
        direct = bot.slack.world.im("U0ANA").id
        await bot.slack.settled(lambda: [m for m in bot.slack.world.history(direct) if code in m.text])
        assert answers(bot, asked) == []


async def test_a_revoked_token_ends_in_a_log_line_not_in_a_loop(
    join: Joining, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing can be said then; the event is acknowledged and settled."""
    async with join() as bot:
        bot.slack.web.tokens.clear()
        asked = await bot.slack.say(ASKED)
        before = len(bot.slack.web.calls)
        await asyncio.sleep(0.7)
        assert answers(bot, asked) == []
        assert len(bot.slack.web.calls) - before < 10


async def test_sockets_are_renewed_and_mended(join: Joining) -> None:
    """A refresh and a cut cost nothing but a new connection."""
    async with join() as bot:
        assert bot.slack.delivery.connects == 2
        await bot.slack.delivery.refresh()
        await bot.slack.settled(lambda: bot.slack.delivery.connects == 3)
        assert "14 days" in visible(await bot.slack.reply(await bot.slack.say(ASKED)))
        await bot.slack.delivery.cut()
        await bot.slack.settled(lambda: bot.slack.delivery.connects >= 5)
        assert "14 days" in visible(await bot.slack.reply(await bot.slack.say(ASKED)))


async def test_a_thread_s_questions_are_answered_in_order(join: Joining) -> None:
    """Twenty questions at once in one thread are answered one after another, as asked."""
    async with join() as bot:
        root = await bot.slack.say(ASKED)
        await bot.slack.reply(root)
        asked = [bot.slack._keep(f"@vocero what is {n} refunds?", "ana", root.channel, root.ts, []) for n in range(12)]
        for message in asked:
            bot.slack._tasks.add(asyncio.ensure_future(bot.slack.send(bot.slack.events_of(message)[0])))
            await asyncio.sleep(0.002)
        await bot.slack.settled(lambda: len(bot.brain.recollection.noted) >= 13)
        texts = [q.text for q, _ in bot.brain.recollection.noted][1:]
        assert texts == [f"what is {n} refunds?" for n in range(12)]


async def test_http_mode_takes_signed_requests_only(join: Joining, caplog: pytest.LogCaptureFixture) -> None:
    """Good signatures are answered once even when replayed; bad, old, missing and odd ones are refused."""
    more = {"slack_mode": "http", "http_bind": "127.0.0.1:0", "SLACK_SIGNING_SECRET": "sssh"}
    async with FakeSlack() as slack, join(slack=slack, **more) as bot:
        asked = await slack.say(ASKED)
        assert "14 days" in visible(await slack.reply(asked))
        await slack.command("how long do refunds take?")
        await slack.settled(lambda: slack.ephemeral("ana"))
        await slack.press(await slack.reply(asked), "vocero_feedback:positive")
        await slack.settled(lambda: len(slack.ephemeral("ana")) == 2)

        message = slack._keep(ASKED, "ben", "C0GENERAL", "", [])
        body = json.dumps(slack.events_of(message)[0])
        post, now = slack.delivery.post, int(time.time())
        assert (await post(body, "application/json", sign="v0=" + "0" * 64))[0] == 401
        assert (await post(body + " ", "application/json", sign=signature(body, now)))[0] == 401
        assert (await post(body, "application/json", at=now - 400))[0] == 401
        extra = {"x-slack-request-timestamp": "soon"}
        assert (await post(body, "application/json", **extra))[0] == 401
        assert answers(bot, message) == []
        hello = json.dumps({"type": "url_verification", "challenge": "abc", "token": "x"})
        status, text = await post(hello, "application/json")
        assert (status, "abc" in text) == (200, True)
        replayed = [await post(body, "application/json", at=now) for _ in range(3)]
        assert [status for status, _ in replayed] == [200] * 3
        await slack.reply(message)
        await asyncio.sleep(0.2)
        assert len(answers(bot, message)) == 1
        assert "refunds" not in "".join(
            r.getMessage() for r in caplog.records if r.levelno >= logging.INFO and "aiohttp" not in r.name
        )


def signature(body: str, at: int) -> str:
    """Return the signature of a body."""
    return "v0=" + hmac.new(b"sssh", f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
