"""What a delivery is and who deals with it. Never silence, never two: each end was said, or it was not for us."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import discord
import structlog

from adapters.discord.answering import Answering
from adapters.discord.audience import to_audience
from adapters.discord.clicks import Clicks
from adapters.discord.commanding import Commanding, to_command
from adapters.discord.desk import Desk
from adapters.discord.errors import (
    NO_CHANNEL,
    DiscordRefused,
    NoPlace,
    translated,
)
from adapters.discord.filled import Filling
from adapters.discord.hooks import part_all
from adapters.discord.question import Heard, Way, to_heard, to_language, to_plain
from adapters.discord.render import Card, to_reply
from adapters.discord.replies import ChannelReply, InteractionReply, Posting, Reply
from adapters.discord.telling import tell
from adapters.discord.threads import opened_by
from core.commands import EXAMPLES, Command, Help, parse, to_help
from core.errors import BotError, RefusedError, UnavailableError
from core.gaps import KIND as FILLED
from core.inbox import Work
from core.orders import NotADocument
from core.phrases import phrase
from core.reception import Held, LeaseLost
from core.rooms import KEYS, Settings
from core.words import language

CALM: Final = 2.5  # seconds that work makes way for acknowledgements
log = structlog.get_logger()


class DiscordHandler:
    """The port `Handler` for Discord. `client` waits for one that can write; `gates`: acknowledgements under way."""

    def __init__(
        self,
        desk: Desk,
        client: Callable[[], Awaitable[discord.Client]],
        gates: Callable[[], Mapping[str, asyncio.Future[None]]] = dict,
    ) -> None:
        self._desk, self._client, self._gates = desk, client, gates
        self._answering, self._commanding, self._clicks = Answering(desk), Commanding(desk, client), Clicks(desk)
        self._filling = Filling(desk, self._answering)

    async def handle(self, held: Held) -> str:
        """Do the work; `ignored` when it was not for us."""
        posting = Posting(await self._client(), plain=self._desk.plain)
        if held.payload["kind"] == FILLED:
            return await self._filling.tell(held, posting)
        heard = to_heard(held.payload)
        try:
            if held.payload["kind"] == "said":
                return await self._said(held, heard, posting)
            if held.payload["kind"] == "notice":
                return await tell(self._desk, held, posting)
            return await self._interaction(held, heard, posting)
        except (NoPlace, DiscordRefused) as error:
            log.warning("discord_unsaid", kind=held.payload["kind"], code=error.code)
            if held.payload["kind"] == "said" and heard.way is not Way.FOLLOW:
                await self._aside(heard, posting, gone=error.code == NO_CHANNEL)
            return "done"

    async def give_up(self, held: Held) -> None:
        """Say where the question stood that it could not be done."""
        if held.payload["kind"] == FILLED:
            return  # nobody waits for it
        heard, posting = to_heard(held.payload), Posting(await self._client(), plain=self._desk.plain)
        if heard.way is Way.FOLLOW or (held.payload["kind"] != "said" and "token" not in held.payload):
            return
        settings = await self._desk.rooms.settings(heard.workspace, heard.room)
        reply: Reply
        if held.payload["kind"] == "said":
            opened = None if held.payload.get("hidden") else await opened_by(heard, settings, posting)
            reply = ChannelReply(posting, held, opened or heard, reply_to="" if opened else heard.message)
        else:
            reply = InteractionReply(posting, held, heard)
        await reply.begin()
        await reply.end(to_reply(phrase("gave_up", self._tongue(heard, settings)), plain=self._desk.plain))

    async def _said(self, held: Held, heard: Heard, posting: Posting) -> str:
        settings = await self._desk.rooms.settings(heard.workspace, heard.room)
        if heard.way is Way.FOLLOW and not await self._joined(heard, settings):
            return "ignored"
        if not await held.claim(heard.key):
            return "ignored"
        hidden = bool(held.payload.get("hidden"))
        try:
            opened = None if hidden else await opened_by(heard, settings, posting)
        except NoPlace:
            return "ignored"  # the question was taken back
        reply = ChannelReply(posting, held, opened or heard, reply_to="" if opened else heard.message)

        async def step(tongue: str) -> str:
            button = phrase("follow_up", tongue)
            if hidden:
                await reply.end(to_reply(phrase("unreadable", tongue, button=button), plain=self._desk.plain))
                return "done"
            unnamed = opened is not None and not self._desk.content
            notes = (phrase("go_on", tongue, button=button),) if unnamed else ()
            return await self._message(held, opened or heard, settings, tongue, reply, notes)

        return await self._guarded(opened or heard, reply, settings, step)

    async def _joined(self, heard: Heard, settings: Settings) -> bool:
        """Whether a message without our name continues a conversation with us, and is not said to someone else."""
        if settings.mentions or "<@" in heard.text or not heard.text.strip():
            return False
        return await self._desk.exchanges.joined(heard.workspace, heard.conversation)

    async def _message(
        self, held: Held, heard: Heard, settings: Settings, tongue: str, reply: Reply, notes: tuple[str, ...] = ()
    ) -> str:
        names = ", ".join(str(file["name"]) for file in heard.files)
        if not heard.text.strip() and names:
            await reply.end(to_reply(phrase("only_file", tongue, names=names), plain=self._desk.plain))
            return "done"
        audience, hint = to_audience(heard.place, heard.person), ""
        wish = parse(heard.text, files=len(heard.files), keys=KEYS)
        if isinstance(wish, Help):
            said = to_help(wish.verb, admin=await self._commanding.admin(heard))
            await reply.end(to_reply(said, EXAMPLES, plain=self._desk.plain))
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
        unread = (phrase("unread", tongue, names=names),) if names else ()
        notes = tuple(note for note in (*unread, hint, *notes) if note)
        return await self._answering.ask(
            heard,
            to_plain(text),
            audience=audience,
            settings=settings,
            tongue=tongue,
            reply=reply,
            again=held.again,
            notes=notes,
        )

    async def _interaction(self, held: Held, heard: Heard, posting: Posting) -> str:
        kind = str(held.payload["kind"])
        await self._acknowledged(heard)
        if kind == "verdict" and not held.payload["good"]:
            await self._desk.exchanges.judge(heard.workspace, held.payload["name"], heard.asker, good=False)
            return "done"  # the form was the reply
        reply = InteractionReply(posting, held, heard)
        if reply.finished:
            return "done"
        settings = await self._desk.rooms.settings(heard.workspace, heard.room)
        try:
            return await self._guarded(
                heard, reply, settings, lambda tongue: self._step(kind, held, heard, settings, tongue, reply, posting)
            )
        except asyncio.CancelledError:
            await reply.part()
            raise

    async def parting(self, works: Sequence[Work]) -> None:
        """Tell those whose work was not even begun that their answer comes when the bot is back."""
        await part_all(works, await self._client(), plain=self._desk.plain)

    async def _acknowledged(self, heard: Heard) -> None:
        """Wait until this is acknowledged, and a moment for others that are about to be: theirs is short."""
        gates = self._gates()
        if gate := gates.get(heard.message):
            await asyncio.shield(gate)
        if others := [asyncio.ensure_future(other) for other in gates.values()]:
            await asyncio.wait(others, timeout=CALM)

    async def _step(
        self, kind: str, held: Held, heard: Heard, settings: Settings, tongue: str, reply: Reply, posting: Posting
    ) -> str:
        payload = held.payload
        audience = to_audience(heard.place, heard.person, alone=heard.private)
        if kind == "ask":
            said = settings.language or language(heard.text)
            return await self._answering.ask(
                heard,
                to_plain(heard.text),
                audience=audience,
                settings=settings,
                tongue=said,
                reply=reply,
                again=held.again,
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
            await self._clicks.verdict(held, heard, tongue=tongue, reply=reply)
        elif kind == "sources":
            await self._clicks.sources(held, heard, audience=audience, tongue=tongue, reply=reply)
        elif kind == "human":
            await self._clicks.human(held, heard, tongue=tongue, reply=reply, posting=posting)
        return "done"

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
            await reply.end(to_reply(str(error), EXAMPLES, plain=self._desk.plain))
            return "done"

    def _tongue(self, heard: Heard, settings: Settings) -> str:
        if settings.language:
            return settings.language
        return to_language(heard.locale) if heard.way is Way.COMMAND else language(to_plain(heard.text))

    async def _aside(self, heard: Heard, posting: Posting, *, gone: bool) -> None:
        """Tell the asker alone that nothing can be said where they asked; `gone`: the channel is no more."""
        tongue, channel = language(to_plain(heard.text)), f"<#{heard.place.channel}>"
        said = phrase("channel_gone", tongue) if gone else phrase("cannot_write", tongue, channel=channel)
        try:
            await posting.direct(heard.person.user, [Card(text=said)], f"{heard.message}a")
        except BotError as error:
            log.info("aside_unsaid", error=type(error).__name__)

    async def deleted(self, guild: str, channel: str, message: str) -> None:
        """Take back the answer to a message that was taken back, and what the conversation's memory holds of it."""
        workspace = f"discord/{guild}"
        for place in (channel, message):  # answered in its channel, or in the thread it opened
            await self._answering.stop(f"{workspace}/{place}/{message}")
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
