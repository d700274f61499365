"""Takes interactions and messages in: acknowledged within three seconds, then durable, then worked on."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import discord
import structlog

from adapters.discord.audience import Kind
from adapters.discord.errors import ACKNOWLEDGED, translated
from adapters.discord.facts import Servers, to_files, to_label, to_person, to_place
from adapters.discord.question import Heard, Way, to_language, to_payload, without_name
from core.errors import BotError, KnowledgeDown, RefusedError
from core.inbox import Arrival
from core.phrases import phrase
from core.words import language

FIRST: Final = 0.8  # seconds that the database has before an interaction is acknowledged without it, when it is alone
CROWD: Final = 8  # of so many at once each has half of that: their acknowledgements take time, too
WORTH: Final = 3.0  # seconds in which Discord takes an acknowledgement
Interaction = discord.Interaction[Any]
log = structlog.get_logger()


class Intake:
    """`accept` makes an arrival durable and begins it; `leave` only makes it durable, for the next process."""

    def __init__(
        self,
        accept: Callable[[Arrival], Awaitable[bool]],
        *,
        leave: Callable[[Arrival], Awaitable[None]],
        closing: Callable[[], bool],
        content: bool = False,
    ) -> None:
        self._accept, self._leave, self._closing, self._content = accept, leave, closing, content
        self._servers = Servers()
        self.gates: dict[str, asyncio.Future[None]] = {}  # of interactions whose acknowledgement is on its way

    async def take(
        self,
        interaction: Interaction,
        kind: str,
        *,
        private: bool = True,
        update: bool = False,
        text: str = "",
        files: Iterable[Mapping[str, Any]] = (),
        **more: Any,
    ) -> None:
        """Accept an interaction and acknowledge it. `update`: the message that was clicked becomes the reply.

        Accepting has a start of `FIRST`: who dies between the two leaves no one before a bot that thinks for ever, and
        yet no slow database lets the three seconds pass. What cannot be accepted is said.
        """
        tongue, id_ = to_language(interaction.locale.value), str(interaction.id)
        if self._closing():
            await self.say(interaction, phrase("restarting", tongue))
            return
        gate = self.gates[id_] = asyncio.get_running_loop().create_future()
        app = str(interaction.application_id)
        told = {"app": app, "token": interaction.token, **more}
        accepting = asyncio.create_task(self._take_in(interaction, kind, told, private=private, text=text, files=files))
        try:
            await asyncio.wait((accepting,), timeout=FIRST / (1 + len(self.gates) / CROWD))
            if not _elsewhere(accepting):
                await self._acknowledge(interaction, private=private, update=update)
        except BotError as error:
            log.warning("interaction_not_acknowledged", error=type(error).__name__)
        finally:
            del self.gates[id_]
            gate.set_result(None)
        try:
            await accepting
        except BotError as error:
            said = phrase("down", tongue) if isinstance(error, KnowledgeDown) else str(error)
            await self._whisper(interaction, said, update=update)

    async def _take_in(
        self,
        interaction: Interaction,
        kind: str,
        told: Mapping[str, Any],
        *,
        private: bool,
        text: str,
        files: Iterable[Mapping[str, Any]],
    ) -> bool:
        """Make it durable and begin it; False when another process has it. RefusedError, KnowledgeDown."""
        heard = await self.heard(interaction, private=private, text=text, files=files)
        return await self._accept(self._arrival(heard, f"i/{interaction.id}", to_payload(heard, kind, **told)))

    async def accept_after(self, interaction: Interaction, kind: str, **more: Any) -> None:
        """Accept what was answered with a form already, such as a verdict; nothing more is shown for it."""
        try:
            heard = await self.heard(interaction, private=True)
            await self._accept(self._arrival(heard, f"i/{interaction.id}", to_payload(heard, kind, **more)))
        except BotError as error:
            log.warning("click_lost", error=type(error).__name__)

    async def say(self, interaction: Interaction, said: str) -> None:
        """Answer at once, to one reader. DiscordDown, DiscordRefused."""
        with translated():
            try:
                await interaction.response.send_message(said, ephemeral=True)
            except discord.HTTPException as error:
                if error.code != ACKNOWLEDGED:
                    raise

    async def _acknowledge(self, interaction: Interaction, *, private: bool, update: bool) -> None:
        """Tell Discord that an answer will come; another process may have done so. Expired, DiscordDown."""
        with translated():
            try:
                async with asyncio.timeout(WORTH):  # discord.py would try for half a minute, and the answer wait
                    await interaction.response.defer(thinking=not update, ephemeral=private)
            except discord.HTTPException as error:
                if error.code != ACKNOWLEDGED:
                    raise

    async def _whisper(self, interaction: Interaction, said: str, *, update: bool) -> None:
        try:
            with translated():
                if update:
                    await interaction.followup.send(said, ephemeral=True)
                else:
                    await interaction.edit_original_response(content=said)
        except BotError as error:
            log.warning("refusal_unsaid", error=type(error).__name__)

    async def heard(
        self, interaction: Interaction, *, private: bool, text: str = "", files: Iterable[Mapping[str, Any]] = ()
    ) -> Heard:
        """Return who asks where. RefusedError when it is no server's business, or that of several."""
        place = to_place(interaction.channel, interaction.guild)
        if interaction.guild is None:
            member = await self._one_server(interaction.user, interaction.client, to_language(interaction.locale.value))
            place, person = replace(place, guild=str(member.guild.id)), to_person(member, alone=True)
        else:
            manages = interaction.permissions.manage_guild
            person = to_person(interaction.user, alone=private, manages=manages)
        return Heard(
            place=place,
            person=person,
            way=Way.COMMAND,
            message=str(interaction.id),
            text=text,
            locale=interaction.locale.value,
            private=private,
            label=to_label(interaction.channel),
            files=tuple(files),
        )

    async def _one_server(self, user: discord.abc.User, client: discord.Client, tongue: str) -> discord.Member:
        """Return the person in the one server they share with the bot: whose documents else would be meant."""
        with translated():
            found = await self._servers.of(user, client.guilds)
        if len(found) == 1:
            return found[0]
        if not found:
            raise RefusedError(phrase("no_server", tongue))
        names = ", ".join(discord.utils.escape_markdown(member.guild.name) for member in found[:5])
        raise RefusedError(phrase("which_server", tongue, names=names))

    async def message(self, client: discord.Client, message: discord.Message) -> None:
        """Accept a message that may be for us. Nothing is said before it is durable."""
        if message.author.bot or message.webhook_id or client.user is None:
            return
        if message.type not in (discord.MessageType.default, discord.MessageType.reply):
            return
        mentioned = any(user.id == client.user.id for user in message.mentions)
        way = Way.DIRECT if message.guild is None else Way.MENTION if mentioned else Way.FOLLOW
        if way is Way.FOLLOW and not (self._content and isinstance(message.channel, discord.Thread)):
            return
        heard = await self._said(client, message, way)
        if heard is None:
            return
        # a reply to a command's answer: Discord tells that we are meant, and not what was written
        hidden = way is Way.MENTION and not message.content and not message.attachments and not self._content
        arrival = self._arrival(heard, f"m/{message.id}", to_payload(heard, "said", hidden=hidden))
        await (self._leave(arrival) if self._closing() else self._accept(arrival))

    async def _said(self, client: discord.Client, message: discord.Message, way: Way) -> Heard | None:
        channel: Any = message.channel
        if isinstance(channel, discord.PartialMessageable) and message.guild is not None:
            channel = await client.fetch_channel(channel.id)  # an archived thread is not in the cache
        place, author = to_place(channel, message.guild), message.author
        if way is Way.DIRECT:
            try:
                author = await self._one_server(author, client, language(message.content))
            except RefusedError as error:
                await message.channel.send(str(error))
                return None
            place = replace(place, guild=str(author.guild.id))
        text = without_name(message.content, client.user.id if client.user else 0)
        if place.kind is Kind.POST and message.id == channel.id:
            text = f"{channel.name}\n{text}"  # the question is a post's title as much as its text
        return Heard(
            place=place,
            person=to_person(author, alone=way is Way.DIRECT),
            way=way,
            message=str(message.id),
            text=text,
            label=to_label(channel),
            files=to_files(message.attachments),
        )

    def _arrival(self, heard: Heard, key: str, payload: dict[str, Any]) -> Arrival:
        return Arrival(workspace=heard.workspace, event_key=key, conversation=heard.conversation, payload=payload)


def _elsewhere(accepting: "asyncio.Task[bool]") -> bool:
    """Whether it is known that another process acknowledges and answers, or did."""
    return accepting.done() and accepting.exception() is None and not accepting.result()
