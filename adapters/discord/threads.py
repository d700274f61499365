"""The thread that a mention opens in a channel, where the conversation goes on."""

from dataclasses import replace
from typing import Final

from adapters.discord.audience import Kind
from adapters.discord.errors import NO_MESSAGE, THREAD_EXISTS, DiscordDown, DiscordRefused, translated
from adapters.discord.question import Heard, Way, to_plain
from adapters.discord.replies import Posting
from core.rooms import Settings

NAME: Final = 90  # characters of a thread's name


async def opened_by(heard: Heard, settings: Settings, posting: Posting) -> Heard | None:
    """Return the place in the thread that a mention opens; None where none is to be. NoPlace: it is gone."""
    if not settings.threads or heard.way is not Way.MENTION or heard.place.kind is not Kind.TEXT:
        return None
    name = " ".join(to_plain(heard.text).split())[:NAME].strip() or "…"
    start = posting.client.http.start_thread_with_message  # a message's own method wants a server that it has met
    try:
        with translated():
            where = int(heard.place.channel), int(heard.message)
            await start(*where, name=name, auto_archive_duration=1440)
    except DiscordRefused as error:
        if error.code == NO_MESSAGE:
            raise
        if error.code != THREAD_EXISTS:
            return None
    except DiscordDown:
        return None
    place = replace(heard.place, channel=heard.message, parent=heard.place.channel, kind=Kind.THREAD)
    return replace(heard, place=place)
