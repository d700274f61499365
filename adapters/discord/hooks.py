"""The webhook behind an interaction, and the last word of a process that goes before its answer is there."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import discord
import structlog

from adapters.discord.errors import translated
from adapters.discord.question import Heard, to_heard, to_language
from adapters.discord.render import Card
from adapters.discord.views import to_message
from core.errors import BotError
from core.inbox import Work
from core.phrases import phrase

ORIGINAL: Final[Any] = "@original"  # Discord's name for an interaction's own reply, in place of its id
GREY: Final = 0x99AAB5
PARTING: Final = 3.0  # seconds that a word of parting may take
log = structlog.get_logger()


def to_hook(payload: Mapping[str, Any], client: discord.Client) -> discord.Webhook:
    """Return the webhook of an interaction."""
    hook = discord.Webhook.partial(int(payload["app"]), str(payload["token"]), client=client)
    hook.type = discord.WebhookType.application  # only such a webhook may whisper
    return hook


async def part(hook: discord.Webhook, heard: Heard, *, plain: bool) -> None:
    """Let an interaction say that the answer comes when the bot is back; silently nothing when it cannot."""
    card = Card(text=phrase("back_soon", to_language(heard.locale)), colour=GREY)
    try:
        with translated():
            async with asyncio.timeout(PARTING):
                await hook.edit_message(ORIGINAL, **to_message(card, plain=plain))
    except BotError as error:
        log.info("parting_unsaid", error=type(error).__name__)


async def part_all(works: Sequence[Work], client: discord.Client, *, plain: bool) -> None:
    """Say so to all whose work was not even begun; nothing of it can stand there yet."""
    told = [work.arrival.payload for work in works if work.arrival.payload.get("token") and not work.placeholder]
    await asyncio.gather(*(part(to_hook(payload, client), to_heard(payload), plain=plain) for payload in told))
