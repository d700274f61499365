"""Tells an asker that a later document answers their question: in its thread, once, for whoever reads there now."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from adapters.slack.answering import Answering
from adapters.slack.heard import Heard, Way
from adapters.slack.outbox import attempt
from adapters.slack.people import audience_of
from adapters.slack.render import escape
from adapters.slack.showing import Showing
from adapters.slack.team import Desk, Team
from core.errors import RefusedError
from core.messages import Outcome
from core.phrases import phrase
from core.reception import Held
from core.words import language

LOOKED: Final = 50  # of a person's exchanges, to find the question's own


class Filling:
    """Takes works of the kind `filled`."""

    def __init__(self, desk: Desk, answering: Answering) -> None:
        self._desk, self._answering = desk, answering

    async def tell(self, held: Held, payload: Mapping[str, Any], team: Team) -> str:
        """Answer the gap; `ignored` when it is none any more, or who reads there now may not see what fills it."""
        gap, text = int(payload["gap"]), str(payload["question"])
        workspace = f"slack/{team.me.team}"
        if not await self._desk.lessons.open(workspace, gap):
            return "ignored"
        heard = await _place(payload, team)
        settings = await self._desk.rooms.settings(workspace, heard.room)
        tongue = settings.language or language(text)
        try:
            audience = await audience_of(team.people, heard, tongue)
        except RefusedError:
            return "ignored"  # they left, or became a guest
        asked = settings.to_question(text, workspace=workspace, audience=audience, user=heard.asker)
        answer = await self._desk.bot.would(asked)
        if answer is None or not await held.claim(f"gap/{gap}"):
            return "ignored"
        when = datetime.fromisoformat(str(payload["asked"]))
        above = phrase("filled", tongue, who=f"<@{heard.user}>", when=when, question=escape(text[:300]))
        end = await self._answering.ask(
            held,
            heard,
            text,
            team=team,
            audience=audience,
            settings=replace(settings, stream="off"),
            tongue=tongue,
            reply=Showing(team.outbox, held, heard, tongue=tongue, thread=settings.threads),
            above=above,
        )
        if end == "done":
            document = answer.citations[0].document if answer.citations else "-"
            await self._desk.lessons.fill(workspace, gap, document)
            await attempt(self._join(held, heard, when), what="join")
        return end

    async def _join(self, held: Held, heard: Heard, when: datetime) -> None:
        """Let the answer belong to the question, too: who deletes that one takes both answers back."""
        workspace, exchanges = heard.workspace, self._desk.exchanges
        told = await exchanges.find(workspace, message=f"{heard.room}/{held.work.arrival.event_key}")
        before = [
            asked
            for asked in await exchanges.recent(workspace, heard.asker, LOOKED)
            if asked.conversation == heard.conversation and asked.outcome == Outcome.ABSTAINED and asked.created
        ]
        if told and before:
            asked = min(before, key=lambda x: abs(((x.created or when) - when).total_seconds()))
            await exchanges.show(workspace, replace(asked, posts=(*asked.posts, *told.posts)))


async def _place(payload: Mapping[str, Any], team: Team) -> Heard:
    """Return where to tell it: in the thread, in the direct conversation, or there for what only the asker had seen."""
    _, _, channel, *root = str(payload["conversation"]).split("/")
    user = str(payload["person"]).rpartition("/")[2]
    thread = root[0] if root else ""
    if thread.startswith(("U", "W")):
        opened = await team.outbox.call("conversations.open", users=user)
        channel, thread = str(opened["channel"]["id"]), ""
    way = Way.DIRECT if channel.startswith("D") else Way.MENTION
    return Heard(team=team.me.team, channel=channel, user=user, text="", way=way, root=thread)
