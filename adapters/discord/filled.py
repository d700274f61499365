"""Tells an asker that a later document answers their question: directly, once, with what they may see now."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import discord
import structlog

from adapters.discord.answering import Answering
from adapters.discord.audience import Kind, Place, to_audience
from adapters.discord.desk import Desk
from adapters.discord.errors import DiscordRefused, NoPlace, translated
from adapters.discord.facts import to_person
from adapters.discord.question import Heard, Way
from adapters.discord.replies import ChannelReply, Posting
from core.phrases import phrase
from core.reception import Held
from core.words import language

log = structlog.get_logger()


class Filling:
    """Takes works of the kind `filled`."""

    def __init__(self, desk: Desk, answering: Answering) -> None:
        self._desk, self._answering = desk, answering

    async def tell(self, held: Held, posting: Posting) -> str:
        """Answer the gap; `ignored` when it is none any more, or the asker has left or may not see what fills it."""
        payload, workspace = held.payload, held.work.arrival.workspace
        gap, text = int(payload["gap"]), str(payload["question"])
        if not await self._desk.lessons.open(workspace, gap):
            return "ignored"
        try:
            heard, name = await _asker(payload, workspace, posting)
        except DiscordRefused:
            return "ignored"  # they left the server, or take no direct messages
        audience = to_audience(heard.place, heard.person, alone=True)
        # the settings of the room where it was asked hold for its answer, too
        settings = await self._desk.rooms.settings(workspace, "/".join(str(payload["conversation"]).split("/")[:3]))
        asked = settings.to_question(text, workspace=workspace, audience=audience, user=heard.asker)
        answer = await self._desk.bot.would(asked)
        if answer is None or not await held.claim(f"gap/{gap}"):
            return "ignored"
        tongue, when = settings.language or language(text), datetime.fromisoformat(str(payload["asked"]))
        above = phrase("filled", tongue, who=name, when=when, question=text[:300])
        try:
            end = await self._answering.ask(
                heard,
                text,
                audience=audience,
                settings=replace(settings, stream="off", quiet=False),
                tongue=tongue,
                reply=ChannelReply(posting, held, heard),
                above=above,
            )
        except NoPlace as error:
            log.info("gap_untold", code=error.code)
            end = "done"
        if end == "done":
            await self._desk.lessons.fill(workspace, gap, answer.citations[0].document if answer.citations else "-")
        return end


async def _asker(payload: Mapping[str, Any], workspace: str, posting: Posting) -> tuple[Heard, str]:
    """Return the asker in their direct conversation, as the member they are now, and their name. DiscordDown,
    DiscordRefused."""
    guild, user = workspace.rpartition("/")[2], str(payload["person"]).rpartition("/")[2]
    with translated():
        server = posting.client.get_guild(int(guild)) or await posting.client.fetch_guild(int(guild))
        member = await server.fetch_member(int(user))
        direct = await posting.client.create_dm(discord.Object(int(user)))
    heard = Heard(
        place=Place(guild=guild, channel=str(direct.id), kind=Kind.DIRECT),
        person=to_person(member, alone=True),
        way=Way.DIRECT,
        message=f"g{payload['gap']}",
    )
    return heard, member.display_name
