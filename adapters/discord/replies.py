"""Shows one reply, once, whoever finishes the work: as an interaction's own message, or as messages in a channel.

What stands already is noted in the inbox. An interaction's message is edited, which may be repeated; a message in a
channel carries a nonce made from the question's id, so that Discord itself hands a repeated one back.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import discord

from adapters.discord.editor import Editor
from adapters.discord.errors import DiscordRefused, Expired, NoPlace, translated
from adapters.discord.hooks import ORIGINAL, part, to_hook
from adapters.discord.question import Heard, to_language
from adapters.discord.render import Card
from adapters.discord.views import to_message
from core.errors import BotError
from core.phrases import phrase
from core.reception import Held

LATE: Final = 14 * 60.0  # seconds after which an interaction's reply becomes a message; its token dies at fifteen
EPOCH: Final = 1_420_070_400.0  # Discord's


class Reply(Protocol):
    """Where a reply appears."""

    finished: bool

    @property
    def posts(self) -> tuple[str, ...]:
        """Where it stands: `CHANNEL/MESSAGE` each."""
        ...

    async def begin(self) -> None:
        """Say that something is happening, and find what a predecessor showed."""
        ...

    async def hold_place(self, card: Card) -> None:
        """Show what the reply will replace, when its time has come."""
        ...

    async def end(self, cards: Sequence[Card]) -> None:
        """Show the reply. DiscordDown, DiscordRefused."""
        ...

    async def aside(self, cards: Sequence[Card]) -> None:
        """Show the reply to the asker alone."""
        ...


class Posting:
    """Messages in one channel, each with its nonce."""

    def __init__(self, client: discord.Client, *, plain: bool) -> None:
        self.client, self.plain = client, plain

    def where(self, channel: str, guild: str = "") -> discord.PartialMessageable:
        """Return a channel to write to."""
        return self.client.get_partial_messageable(int(channel), guild_id=int(guild) if guild.isdigit() else None)

    async def post(self, channel: str, card: Card, nonce: str, *, reply_to: str = "") -> str:
        """Post a card and return its id. DiscordDown, DiscordRefused."""
        given: dict[str, Any] = to_message(card, plain=self.plain)
        if reply_to:
            given["reference"] = discord.MessageReference(
                message_id=int(reply_to), channel_id=int(channel), fail_if_not_exists=False
            )
            given["mention_author"] = False
        if given["view"] is None:
            del given["view"]
        with translated():
            return str((await self.where(channel).send(nonce=nonce[:25], **given)).id)

    async def edit(self, channel: str, message: str, card: Card) -> None:
        """Replace a card. DiscordDown, DiscordRefused."""
        with translated():
            await self.where(channel).get_partial_message(int(message)).edit(**to_message(card, plain=self.plain))

    async def direct(self, user: str, cards: Sequence[Card], nonce: str) -> None:
        """Tell one person. DiscordDown, DiscordRefused."""
        with translated():
            channel = await self.client.create_dm(discord.Object(int(user)))
        for n, card in enumerate(cards):
            await self.post(str(channel.id), card, f"{nonce}d{n}")


class InteractionReply:
    """The reply to a command, a button or a form: the deferred message, then follow-ups."""

    def __init__(self, posting: Posting, held: Held, heard: Heard) -> None:
        self._posting, self._held, self._heard = posting, held, heard
        self._hook = to_hook(held.payload, posting.client)
        self._editor = Editor[Card](self._edit)
        self.finished = held.again and held.placeholder == "end"
        self._ending = False

    @property
    def posts(self) -> tuple[str, ...]:
        """Nowhere that could be changed later, for the token dies."""
        return ()

    async def begin(self) -> None:
        """Nothing to do: Discord shows that the bot thinks."""

    async def hold_place(self, card: Card) -> None:
        """Show a stage, or the sentences so far."""
        if not self._late():
            self._editor.show(card)

    async def end(self, cards: Sequence[Card]) -> None:
        """Fill the deferred message; what does not fit follows."""
        await self._held.own()
        self._ending = True
        done = int(self._held.placeholder) if self._held.placeholder.isdigit() else 0
        try:
            if self._late():
                raise Expired("The interaction is too old.")
            if not done:
                await self._editor.finish(cards[0])
            for n, card in enumerate(cards[1:], 1):
                if n > done:
                    await self._follow_up(card)
                    await self._held.note(str(n))
        except (Expired, NoPlace):
            await self._editor.stop()
            await self._say_late(cards)
        await self._held.note("end")

    async def aside(self, cards: Sequence[Card]) -> None:
        """Take the public placeholder back and whisper."""
        if self._heard.private or self._late():
            await self.end(cards)
            return
        await self._held.own()
        self._ending = True
        await self._editor.stop()
        with translated():
            await self._hook.delete_message(ORIGINAL)
        for card in cards:
            await self._follow_up(card, private=True)
        await self._held.note("end")

    async def part(self) -> None:
        """Say that the answer comes when the bot is back; right before another process may have the work."""
        if self._ending or self._held.placeholder:
            return
        try:
            await self._held.own()  # it may be that another process has it already
        except BotError:
            return
        await self._editor.stop()
        await part(self._hook, self._heard, plain=self._posting.plain)

    async def _edit(self, card: Card) -> None:
        with translated():
            await self._hook.edit_message(ORIGINAL, **to_message(card, plain=self._posting.plain))

    async def _follow_up(self, card: Card, *, private: bool = False) -> None:
        given = to_message(card, plain=self._posting.plain)
        if given["view"] is None:
            del given["view"]
        with translated():
            await self._hook.send(ephemeral=private or self._heard.private, wait=True, **given)

    def _late(self) -> bool:
        return time.time() - (int(self._heard.message) >> 22) / 1000 - EPOCH > LATE

    async def _say_late(self, cards: Sequence[Card]) -> None:
        """Say it without the interaction: to the channel; what is private, or cannot be said there, to the asker."""
        heard = self._heard
        if not heard.private:
            try:
                for n, card in enumerate(cards):
                    await self._posting.post(heard.place.channel, card, f"{heard.message}-{n}")
            except NoPlace:
                head = f"-# {phrase('answered_elsewhere', to_language(heard.locale))}"
                cards = [replace(cards[0], head=head), *cards[1:]]
            else:
                return
        await self._posting.direct(heard.person.user, cards, heard.message)


class ChannelReply:
    """The reply to a message: in its channel, its thread, or the thread it opens."""

    def __init__(self, posting: Posting, held: Held, heard: Heard, *, reply_to: str = "") -> None:
        self._posting, self._held, self._heard, self._reply_to = posting, held, heard, reply_to
        self._parts: dict[int, str] = {}
        self._editor = Editor[Card](self._show)
        self.finished = False

    @property
    def posts(self) -> tuple[str, ...]:
        """The messages, in order."""
        return tuple(f"{self._heard.place.channel}/{id_}" for _, id_ in sorted(self._parts.items()))

    async def begin(self) -> None:
        """Show that the bot types, or take over what a predecessor posted."""
        if self._held.placeholder:
            self._parts[0] = self._held.placeholder.rpartition("/")[2]
            return
        try:
            with translated():
                await self._posting.where(self._heard.place.channel).typing()
        except BotError:
            return  # only a sign; what cannot be written is said at the end

    async def hold_place(self, card: Card) -> None:
        """Show a stage, or the sentences so far."""
        self._editor.show(card)

    async def end(self, cards: Sequence[Card]) -> None:
        """Post the reply, or complete what stands there."""
        await self._held.own()
        await self._editor.finish(cards[0])
        for n, card in enumerate(cards[1:], 1):
            self._parts[n] = await self._posting.post(self._heard.place.channel, card, self._nonce(n))

    async def aside(self, cards: Sequence[Card]) -> None:
        """Tell the asker by direct message; who does not take any reads it here."""
        await self._held.own()
        await self._editor.stop()
        try:
            await self._posting.direct(self._heard.person.user, cards, self._heard.message)
        except DiscordRefused:
            await self.end(cards)
            return
        if 0 in self._parts:
            with translated():
                where = self._posting.where(self._heard.place.channel)
                await where.get_partial_message(int(self._parts.pop(0))).delete()

    async def _show(self, card: Card) -> None:
        channel = self._heard.place.channel
        fresh = 0 not in self._parts
        if fresh:
            await self._held.own()
            self._parts[0] = await self._posting.post(channel, card, self._nonce(0), reply_to=self._reply_to)
            await self._held.note(f"{channel}/{self._parts[0]}")
        if not fresh or self._held.again:  # the nonce may have handed back what a predecessor posted
            await self._posting.edit(channel, self._parts[0], card)

    def _nonce(self, n: int) -> str:
        return f"{self._heard.message}-{n}"
