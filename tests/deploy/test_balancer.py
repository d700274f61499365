"""Slack's events by HTTP to two replicas behind a balancer without stickiness: each question gets one answer."""

import asyncio
import json

import pytest

from infra.postgres.pool import Database
from tests.adapters.slack.conftest import joined
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.world import BOT

pytestmark = pytest.mark.slow

HTTP = {"slack_mode": "http", "http_bind": "127.0.0.1:0", "SLACK_SIGNING_SECRET": "sssh"}
QUESTIONS = 12


async def test_two_replicas_behind_a_balancer_give_one_answer_each(database: Database) -> None:
    """A mention's two events go to different replicas, and again the other way round; all are acknowledged."""
    async with FakeSlack() as slack, joined(database, slack=slack, **HTTP) as _:
        one = slack.delivery.url
        async with joined(database, slack=slack, **HTTP) as _:
            replicas = [one, slack.delivery.url]
            assert replicas[0] != replicas[1]
            asked = []
            for n in range(QUESTIONS):
                message = slack._keep(f"<@{BOT}> how long do refunds take, case {n}?", "ana", "C0GENERAL", "", [])
                events = [json.dumps(event) for event in slack.events_of(message)]
                for turn in range(2):
                    for k, body in enumerate(events):
                        slack.delivery.url = replicas[(n + turn + k) % 2]
                        assert (await slack.delivery.post(body, "application/json"))[0] == 200
                asked.append(message)
            for message in asked:
                await slack.reply(message, seconds=30)
            await asyncio.sleep(0.3)
            said = [sum(m.user == BOT for m in slack.world.thread(a.channel, a.ts)) for a in asked]
            assert said == [1] * QUESTIONS
