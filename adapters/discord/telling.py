"""Tells an admin, where they gave it, how a document that took longer has ended; and reads a thread that is taught."""

import hashlib
from dataclasses import replace
from typing import Final

import structlog

from adapters.discord.audience import Kind
from adapters.discord.desk import Desk
from adapters.discord.errors import DiscordRefused, NoPlace, translated
from adapters.discord.question import Heard, Way, to_heard, to_payload, to_plain
from adapters.discord.render import to_reply
from adapters.discord.replies import ChannelReply, Posting
from core.documents import Notice, Said, Source, to_thread
from core.errors import RefusedError
from core.phrases import phrase
from core.reception import Held

MESSAGES: Final = 1_000  # of one thread, the oldest first
THREADS: Final = (Kind.THREAD, Kind.PRIVATE_THREAD, Kind.POST)
log = structlog.get_logger()


def to_notice(heard: Heard, tongue: str) -> Notice:
    """Return where the end of what was ordered is to be told, without a word of the order."""
    return Notice(
        key=hashlib.sha256(heard.key.encode()).hexdigest()[:32],
        person=heard.asker,
        conversation=heard.conversation,
        address=to_payload(replace(heard, text="", files=()), "notice"),
        tongue=tongue,
    )


async def tell(desk: Desk, held: Held, posting: Posting) -> str:
    """Show a notice where its order was given, or to the admin alone when that was aside, or cannot be written to."""
    heard, tongue = to_heard(held.payload), str(held.payload["tongue"])
    said = await desk.orders.ended(heard.workspace, held.payload["ends"], tongue)
    cards = to_reply(said.text, plain=desk.plain)
    order, told = heard.message, replace(heard, message=f"{heard.message}e")  # a nonce of its own
    if not (heard.private or heard.way is Way.COMMAND):
        reply = ChannelReply(posting, held, told, reply_to="" if heard.place.kind in THREADS else order)
        try:
            await reply.begin()
            await reply.end(cards)
        except NoPlace:
            pass
        else:
            return "done"
    try:
        await held.own()
        await posting.direct(heard.person.user, cards, told.message)
    except DiscordRefused as error:  # takes no direct messages: the list of documents says it
        log.warning("notice_unsaid", code=error.code)
    return "done"


async def read_thread(posting: Posting, heard: Heard, *, title: str, tongue: str) -> Source:
    """Return the thread that an order was given in, but for the order and what the bot said. RefusedError."""
    if heard.place.kind not in THREADS:
        raise RefusedError(phrase("no_thread", tongue))
    me, said = posting.client.user, []
    try:
        with translated():
            where = posting.where(heard.place.channel, heard.place.guild)
            async for message in where.history(limit=MESSAGES, oldest_first=True):
                text = to_plain(message.content)
                if text and message.author != me and str(message.id) != heard.message:
                    who = message.author.display_name
                    said.append(Said(who=who, text=text, when=message.created_at))
    except DiscordRefused as error:
        raise RefusedError(phrase("thread_unread", tongue)) from error
    if not said:
        raise RefusedError(phrase("thread_unread", tongue))
    return to_thread(said, conversation=f"{heard.workspace}/{heard.place.channel}", title=title)
