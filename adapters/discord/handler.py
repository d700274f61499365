"""What a delivery is and who deals with it. Never silence, never two: each end was said, or it was not for us."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import discord
import structlog

from adapters.discord.answering import Answering
from adapters.discord.audience import Kind, to_audience
from adapters.discord.commanding import Commanding, to_command
from adapters.discord.desk import Desk
from adapters.discord.errors import THREAD_EXISTS, DiscordDown, DiscordRefused, NoPlace, translated
from adapters.discord.permissions import to_call
from adapters.discord.question import Heard, Way, to_heard, to_language, to_plain
from adapters.discord.render import Card, to_reply
from adapters.discord.replies import ChannelReply, InteractionReply, Posting, Reply
from adapters.discord.telling import tell
from core.chat import KEYS, Settings
from core.commands import Command, Help, parse, to_help
from core.errors import BotError, RefusedError, UnavailableError
from core.orders import NotADocument
from core.phrases import phrase
from core.reception import Held, LeaseLost
from core.words import language

NAME = 90  # characters of a thread's name
log = structlog.get_logger()


class DiscordHandler:
    """The port `Handler` for Discord. `client` waits for one that can write; `gates`: acknowledgements under way."""

    def __init__(
        self,
        desk: Desk,
        client: Callable[[], Awaitable[discord.Client]],
        gates: Callable[[], Mapping[str, Awaitable[None]]] = dict,
    ) -> None:
        self._desk, self._client, self._gates = desk, client, gates
        self._answering, self._commanding = Answering(desk), Commanding(desk, client)

    async def handle(self, held: Held) -> str:
        """Do the work; `ignored` when it was not for us."""
        heard, posting = to_heard(held.payload), Posting(await self._client(), plain=self._desk.plain)
        try:
            if held.payload["kind"] == "said":
                return await self._said(held, heard, posting)
            if held.payload["kind"] == "notice":
                return await tell(self._desk, held, posting)
            return await self._interaction(held, heard, posting)
        except (NoPlace, DiscordRefused) as error:
            log.warning("discord_unsaid", kind=held.payload["kind"], code=error.code)
            if held.payload["kind"] == "said" and heard.way is not Way.FOLLOW:
                await self._aside(heard, posting)
            return "done"

    async def give_up(self, held: Held) -> None:
        """Say where the question stood that it could not be done."""
        heard, posting = to_heard(held.payload), Posting(await self._client(), plain=self._desk.plain)
        if heard.way is Way.FOLLOW or (held.payload["kind"] != "said" and "token" not in held.payload):
            return
        reply = self._reply(held, heard, posting)
        await reply.begin()
        await reply.end(to_reply(phrase("gave_up", self._tongue(heard, Settings()))))

    async def _said(self, held: Held, heard: Heard, posting: Posting) -> str:
        settings = await self._desk.rooms.settings(heard.workspace, heard.room)
        if heard.way is Way.FOLLOW and not await self._joined(heard, settings):
            return "ignored"
        if not await held.claim(heard.key):
            return "ignored"
        reply_to = heard.message
        if settings.threads and heard.way is Way.MENTION and heard.place.kind is Kind.TEXT:
            opened = await self._thread(heard, posting)
            reply_to = "" if opened is not heard else reply_to
            heard = opened
        reply = ChannelReply(posting, held, heard, reply_to=reply_to)
        return await self._guarded(heard, reply, settings, lambda tongue: self._message(heard, settings, tongue, reply))

    async def _joined(self, heard: Heard, settings: Settings) -> bool:
        """Whether a message without our name continues a conversation with us, and is not said to someone else."""
        if settings.mentions or "<@" in heard.text or not heard.text.strip():
            return False
        return await self._desk.exchanges.joined(heard.workspace, heard.conversation)

    async def _thread(self, heard: Heard, posting: Posting) -> Heard:
        """Return the place in the thread that the message opens; where none can be opened, the channel itself."""
        name = " ".join(to_plain(heard.text).split())[:NAME].strip() or "…"
        message = posting.where(heard.place.channel, heard.place.guild).get_partial_message(int(heard.message))
        try:
            with translated():
                await message.create_thread(name=name, auto_archive_duration=1440)
        except DiscordRefused as error:
            if error.code != THREAD_EXISTS:
                return heard
        except DiscordDown:
            return heard
        place = replace(heard.place, channel=heard.message, parent=heard.place.channel, kind=Kind.THREAD)
        return replace(heard, place=place)

    async def _message(self, heard: Heard, settings: Settings, tongue: str, reply: Reply) -> str:
        names = ", ".join(str(file["name"]) for file in heard.files)
        if not heard.text.strip() and names:
            await reply.end(to_reply(phrase("only_file", tongue, names=names), plain=self._desk.plain))
            return "done"
        audience, hint = to_audience(heard.place, heard.person), ""
        wish = parse(heard.text, files=len(heard.files), keys=KEYS)
        if isinstance(wish, Help):
            said = to_help(wish.verb, admin=await self._commanding.admin(heard))
            await reply.end(to_reply(said, plain=self._desk.plain))
            return "done"
        if isinstance(wish, Command):
            try:
                await self._commanding.run(heard, wish, audience=audience, tongue=tongue, reply=reply)
            except NotADocument:
                text = wish.said
            else:
                return "done"
        else:
            text, hint = wish.text, wish.hint
        notes = (phrase("unread", tongue, names=names),) if names else ()
        return await self._answering.ask(
            heard,
            to_plain(text),
            audience=audience,
            settings=settings,
            tongue=tongue,
            reply=reply,
            notes=(*notes, hint) if hint else notes,
        )

    async def _interaction(self, held: Held, heard: Heard, posting: Posting) -> str:
        kind = str(held.payload["kind"])
        if gate := self._gates().get(heard.message):
            await asyncio.shield(gate)
        if kind == "verdict" and not held.payload["good"]:
            await self._desk.exchanges.judge(heard.workspace, held.payload["name"], heard.asker, good=False)
            return "done"  # the form was the reply
        reply = InteractionReply(posting, held, heard)
        if reply.finished:
            return "done"
        settings = await self._desk.rooms.settings(heard.workspace, heard.room)
        return await self._guarded(
            heard, reply, settings, lambda tongue: self._step(kind, held, heard, settings, tongue, reply, posting)
        )

    async def _step(
        self, kind: str, held: Held, heard: Heard, settings: Settings, tongue: str, reply: Reply, posting: Posting
    ) -> str:
        payload = held.payload
        audience = to_audience(heard.place, heard.person, alone=heard.private)
        if kind == "ask":
            said = settings.language or language(heard.text)
            return await self._answering.ask(
                heard, to_plain(heard.text), audience=audience, settings=settings, tongue=said, reply=reply
            )
        if kind == "order":
            command = to_command(payload["command"])
            await self._commanding.run(heard, command, audience=audience, tongue=tongue, reply=reply)
        elif kind == "confirmed":
            value = str(payload["value"])
            await self._commanding.confirmed(heard, value, audience=audience, tongue=tongue, reply=reply)
        elif kind == "cancelled":
            await reply.end([Card(text=phrase("cancelled", tongue))])
        elif kind == "editors":
            await self._commanding.appoint(heard, payload, tongue=tongue, reply=reply)
        elif kind in ("verdict", "why"):
            await self._verdict(held, heard, tongue, reply)
        elif kind == "human":
            await self._human(held, heard, tongue, reply, posting)
        return "done"

    async def _verdict(self, held: Held, heard: Heard, tongue: str, reply: Reply) -> None:
        name, good = str(held.payload["name"]), held.payload["kind"] == "verdict"
        if not await self._desk.exchanges.judge(heard.workspace, name, heard.asker, good=good):
            raise RefusedError(phrase("too_late", tongue))
        if heard.text:
            await self._desk.guilds.remark(heard.workspace, name, by=heard.asker, why=heard.text)
        await reply.end([Card(text=phrase("thanks", tongue))])

    async def _human(self, held: Held, heard: Heard, tongue: str, reply: Reply, posting: Posting) -> None:
        name = str(held.payload["name"])
        found = await self._desk.exchanges.find(heard.workspace, name=name)
        who = to_call(self._desk.human, heard.place.guild)
        if found is None or not who:
            raise RefusedError(phrase("too_late", tongue))
        if not await self._desk.exchanges.escalate(heard.workspace, name) and not held.again:
            await reply.end([Card(text=phrase("called_before", tongue))])
            return
        asker = f"<@{found.person.rpartition('/')[2]}>"
        card = Card(text=phrase("called", tongue, who=who, asker=asker), pings=who)
        answered = str(held.payload.get("answered") or "")
        await posting.post(heard.place.channel, card, f"{heard.message}-h", reply_to=answered)
        await reply.end([Card(text=phrase("human_called", tongue))])

    async def _guarded(
        self, heard: Heard, reply: Reply, settings: Settings, step: Callable[[str], Awaitable[str]]
    ) -> str:
        """Take a step; what it refuses is said."""
        tongue = self._tongue(heard, settings)
        try:
            return await step(tongue)
        except (UnavailableError, LeaseLost, DiscordRefused):
            raise  # tried again, someone else's, or nowhere to say it
        except BotError as error:
            if heard.way is Way.FOLLOW and isinstance(error, RefusedError):
                return "ignored"
            await reply.begin()
            await reply.end(to_reply(str(error), plain=self._desk.plain))
            return "done"

    def _tongue(self, heard: Heard, settings: Settings) -> str:
        if settings.language:
            return settings.language
        return to_language(heard.locale) if heard.way is Way.COMMAND else language(to_plain(heard.text))

    def _reply(self, held: Held, heard: Heard, posting: Posting) -> Reply:
        if held.payload["kind"] == "said":
            return ChannelReply(posting, held, heard, reply_to=heard.message)
        return InteractionReply(posting, held, heard)

    async def _aside(self, heard: Heard, posting: Posting) -> None:
        """Tell the asker alone what could not be said where they asked."""
        said = phrase("cannot_write", language(to_plain(heard.text)), channel=f"<#{heard.place.channel}>")
        try:
            await posting.direct(heard.person.user, [Card(text=said)], f"{heard.message}a")
        except BotError as error:
            log.info("aside_unsaid", error=type(error).__name__)

    async def deleted(self, guild: str, channel: str, message: str) -> None:
        """Take back the answer to a message that was taken back, and what the conversation's memory holds of it."""
        workspace = f"discord/{guild}"
        for place in (channel, message):  # answered in its channel, or in the thread it opened
            exchange = await self._desk.exchanges.find(workspace, message=f"{workspace}/{place}/{message}")
            if exchange is None:
                continue
            posting = Posting(await self._client(), plain=self._desk.plain)
            for post in exchange.posts:
                where, _, id_ = post.partition("/")
                try:
                    with translated():
                        await posting.where(where).get_partial_message(int(id_)).delete()
                except BotError as error:
                    log.info("answer_not_deleted", error=type(error).__name__)
            await self._desk.bot.forget("conversation", exchange.conversation, workspace=workspace, by=exchange.person)
            await self._desk.exchanges.forget(workspace, message=exchange.message)
