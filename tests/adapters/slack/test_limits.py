"""Who asks too much is told when to come back, in their language; what one process learns of people all know."""

import asyncio

from core.limits import TOLD, Limit, Limits
from tests.adapters.slack.conftest import Joining
from tests.fakes.brain import brain
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.world import BOT, visible

ASKED = "@vocero how long do refunds take?"
TWO = Limits(user=Limit(2, "hour"), conversation=None, channel=None, workspace=None)


async def test_a_third_question_is_refused_with_its_time_in_the_askers_language(join: Joining) -> None:
    """A mention in its thread, a command aside; another person is answered."""
    async with join(limits=TWO) as bot:
        slack = bot.slack
        for _ in range(2):
            assert "14 days" in visible(await slack.reply(await slack.say(ASKED, user="ben")))
        spanish = await slack.say("@vocero ¿cuánto tarda un reembolso y qué necesito?", user="ben")
        assert "dentro de 30 minutos" in visible(await slack.reply(spanish))
        await slack.command("how long do refunds take?", user="ben")
        await slack.settled(lambda: slack.ephemeral("ben"))
        assert "in 30 minutes" in visible(slack.ephemeral("ben")[-1])
        assert "14 days" in visible(await slack.reply(await slack.say(ASKED, user="ana")))


async def test_commands_are_not_questions(join: Joining) -> None:
    """Whoever may not ask any more may still see what there is."""
    async with join(limits=Limits(user=Limit(1, "day"))) as bot:
        slack = bot.slack
        await slack.reply(await slack.say(ASKED))
        assert "Refund policy" in visible(await slack.reply(await slack.say("@vocero list docs")))


async def test_a_talkative_partner_meets_silence(join: Joining) -> None:
    """Something that answers every message of ours in a thread, as a person would: the loop ends by itself."""
    talk = Limits(user=None, conversation=Limit(4, "hour"), channel=None, workspace=None)
    async with join(limits=talk) as bot:
        slack = bot.slack
        root = await slack.say(ASKED, user="ben")
        await slack.reply(root)
        for n in range(1, 7):
            last = await slack.say(f"@vocero and how long do refunds take, number {n}?", user="ben", thread=root.ts)
            await slack.reply(last)
        await slack.say("@vocero and how long do refunds take at last?", user="ben", thread=root.ts)
        await slack.settled(lambda: slack.deliveries[-1][1].acked)
        await asyncio.sleep(0.5)
        assert len([m for m in slack.world.thread(root.channel, root.ts) if m.user == BOT]) == 4 + TOLD.most


async def test_what_one_process_hears_of_people_another_knows(join: Joining) -> None:
    """An event goes to one socket; a second process that keeps the same facts answers by the new ones at once."""
    async with FakeSlack() as slack:
        mind = brain()
        async with join(slack=slack, mind=mind) as one:
            await one.slack.settled(lambda: len(slack.delivery.sockets) == 2)
            mine = list(slack.delivery.sockets)
            async with join(slack=slack, mind=mind):
                await slack.settled(lambda: len(slack.delivery.sockets) == 4)
                theirs = [s for s in slack.delivery.sockets if s not in mine]
                for sockets in (mine, theirs):  # both keep what they asked
                    slack.delivery.sockets = sockets
                    assert "25th" in visible(await slack.reply(await slack.dm("when are salaries paid?")))
                slack.world.channel("people").members.remove("U0ANA")
                slack.delivery.sockets = mine
                left = {"type": "member_left_channel", "user": "U0ANA", "channel": "C0PEOPLE"}
                await slack.send(slack.event(left))
                await asyncio.sleep(1.0)  # which is promised
                slack.delivery.sockets = theirs
                assert "don't know" in visible(await slack.reply(await slack.dm("when are salaries paid?")))
                slack.delivery.sockets = mine + theirs
