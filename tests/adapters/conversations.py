"""Conversations that must go the same way on every platform: one table, told to each platform by its stage.

Who: `admin` may change documents and sees #people, `member` may neither. Where: `general`, `people`, or empty for a
direct message. `@bot` is the bot's name. What is shown is a regular expression on the words that people see.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tests.adapters.discord import conftest as discord
from tests.adapters.slack import conftest as slack
from tests.fakes import discord as discords
from tests.fakes.slack.world import visible as slacks

WAIT: Final = 15.0


@dataclass(frozen=True, slots=True)
class Said:
    """Someone says something; `more`: in the thread of what was said last."""

    who: str
    where: str
    text: str
    shown: str
    more: bool = False


@dataclass(frozen=True, slots=True)
class Pressed:
    """Someone presses a button of the last reply, and then sees this."""

    who: str
    button: str
    shown: str


Talk = tuple[Said | Pressed, ...]
ADD = '@bot add title "Parking": The parking permit costs 40 euros.'

TALKS: Final[dict[str, Talk]] = {
    "a question": (Said("member", "general", "@bot how long do refunds take?", r"14 days.*Sources.*Refund policy"),),
    "the name at the end": (Said("member", "general", "How long do refunds take, @bot", r"14 days"),),
    "a hidden channel's document, there": (Said("admin", "people", "@bot when are salaries paid?", r"25th"),),
    "and everyone's": (Said("admin", "people", "@bot how long do refunds take?", r"14 days"),),
    "but not aloud elsewhere": (Said("admin", "general", "@bot when are salaries paid?", r"don't know"),),
    "directly to who may see it": (Said("admin", "", "when are salaries paid?", r"25th"),),
    "directly to who may not": (Said("member", "", "when are salaries paid?", r"don't know"),),
    "only the name": (Said("admin", "general", "@bot", r"Ask me anything.*settings"),),
    "help": (Said("member", "general", "@bot help", r"Ask me anything"),),
    "what nothing answers": (Said("admin", "general", "@bot who won the cup in 1998?", r"don't know"),),
    "in Spanish": (
        Said("admin", "general", "@bot ¿cuánto tardan los reembolsos del campeonato mundial?", r"No lo sé"),
    ),
    "a command cut short": (Said("admin", "general", "@bot remove", r"Say which document to remove"),),
    "a command of others": (Said("member", "general", "@bot add: a rumour", r"Only admins may use add"),),
    "a follow-up": (
        Said("member", "general", "@bot how long do refunds take?", r"14 days"),
        Said("member", "general", "@bot and after the goods arrive?", r"14 days", more=True),
    ),
    "a document's life": (
        Said("member", "general", "@bot what does the parking permit cost?", r"don't know"),
        Said("admin", "general", ADD, r"Learned Parking"),
        Said("member", "general", "@bot what does the parking permit cost?", r"40 euros"),
        Said("member", "general", "@bot list docs", r"Parking"),
        Said("admin", "general", '@bot remove "Parking"', r"Shall I"),
        Pressed("admin", "no", r"Nothing was changed"),
        Said("admin", "general", '@bot remove "Parking"', r"Shall I"),
        Pressed("member", "yes", r"Only the person who asked"),
        Pressed("admin", "yes", r"out of every answer"),
        Said("member", "general", "@bot what does the parking permit cost?", r"don't know"),
    ),
    "a verdict": (
        Said("member", "general", "@bot how long do refunds take?", r"14 days"),
        Pressed("member", "helpful", r"Thank you"),
    ),
    "a human": (
        Said("member", "general", "@bot who won the cup in 1998?", r"don't know"),
        Pressed("member", "human", r"would like a human's answer"),
        Pressed("admin", "human", r"asked already"),
    ),
    "a channel's language": (
        Said("admin", "general", "@bot settings language es", r"language`?: es"),
        Said("member", "general", "@bot how long do refunds take?", r"Fuentes"),
        Said("admin", "general", "@bot settings language auto", r"language`?: auto"),
    ),
    "being forgotten": (
        Said("member", "", "how long do refunds take?", r"14 days"),
        Said("member", "", "forget me", r"Shall I"),
        Pressed("member", "yes", r"Forgotten:"),
    ),
}


class Stage(Protocol):
    """A platform on which a talk is played."""

    async def say(self, said: Said, last: Any) -> Any:
        """Say it, wait for the one reply that shows what it should, and return that."""
        ...

    async def press(self, pressed: Pressed, reply: Any) -> None:
        """Press a button of a reply, and wait until what it should show is seen."""
        ...


async def play(talk: Talk, stage: Stage) -> None:
    """Play a talk from its beginning to its end."""
    last: Any = None
    for step in talk:
        if isinstance(step, Said):
            last = await stage.say(step, last)
        else:
            await stage.press(step, last)


class OnSlack:
    """Slack, where a reply stands in the thread of its question."""

    WHO: Final = {"admin": "ana", "member": "ben"}
    BUTTONS: Final = {
        "helpful": "vocero_feedback:positive",
        "human": "vocero_human",
        "yes": "vocero_confirm",
        "no": "vocero_cancel",
    }

    def __init__(self, bot: slack.Joined) -> None:
        self._slack = bot.slack

    async def say(self, said: Said, last: Any) -> Any:
        text, user = said.text.replace("@bot", "@vocero"), self.WHO[said.who]
        thread = last.thread_ts if said.more else ""
        if said.where:
            asked = await self._slack.say(text, user=user, channel=said.where, thread=thread)
        else:
            asked = await self._slack.dm(text, user=user)
        reply = await self._slack.reply(asked, seconds=WAIT)
        await until(lambda: re.search(said.shown, slacks(reply), re.DOTALL), lambda: slacks(reply))
        later = [m for m in self._slack.world.thread(asked.channel, thread or asked.ts) if m.ts > asked.ts]
        assert later == [reply]
        return reply

    async def press(self, pressed: Pressed, reply: Any) -> None:
        before = self._seen(pressed.shown)
        await self._slack.press(reply, self.BUTTONS[pressed.button], user=self.WHO[pressed.who])
        await until(lambda: self._seen(pressed.shown) > before, lambda: self._slack.shown(self.WHO[pressed.who])[-3:])

    def _seen(self, shown: str) -> int:
        return sum(bool(re.search(shown, slacks(m))) for m in self._slack.world.messages.values())


class OnDiscord:
    """Discord, where a mention opens a thread and the reply stands there."""

    WHO: Final = {"admin": "mod", "member": "ben"}
    BUTTONS: Final = {"helpful": "Helpful", "human": "Ask a human", "yes": "Yes, do it", "no": "No"}

    def __init__(self, bot: discord.Joined) -> None:
        self._world, self._people = bot.discord.world, bot.people

    async def say(self, said: Said, last: Any) -> Any:
        user = self.WHO[said.who]
        if said.more:
            thread = self._world.by_id(last["channel_id"])
            asked = await self._people.say(user, said.text, channel=thread)
        elif said.where:
            asked = await self._people.say(user, said.text, channel=said.where)
            key = f"thread:{asked['id']}"
            await until(lambda: key in self._world.channels, lambda: "no thread was opened")
            thread = self._world.channels[key]
        else:
            asked = await self._people.dm(user, said.text)
            thread = self._world.by_id(asked["channel_id"])

        def later() -> list[str]:
            return [discords.visible(m) for m in self._people.messages(thread) if int(m["id"]) > int(asked["id"])]

        await until(lambda: any(re.search(said.shown, text, re.DOTALL) for text in later()), later)
        assert len(later()) == 1
        return self._people.messages(thread)[-1]

    async def press(self, pressed: Pressed, reply: Any) -> None:
        before = self._seen(pressed.shown)
        await self._people.click(self.WHO[pressed.who], reply, self.BUTTONS[pressed.button])
        await until(lambda: self._seen(pressed.shown) > before, lambda: "nothing of it was shown")

    def _seen(self, shown: str) -> int:
        everything = [m for channel in self._world.messages.values() for m in channel.values()]
        return sum(bool(re.search(shown, discords.visible(m))) for m in everything)


async def until(true: Callable[[], Any], shown: Callable[[], Any]) -> None:
    """Wait until something is true; else say what is shown instead."""
    try:
        async with asyncio.timeout(WAIT):
            while not true():  # noqa: ASYNC110 - anything may make it true
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"shown instead: {shown()!r}") from None
