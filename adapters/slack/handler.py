"""What a delivery is and who deals with it. Never silence, never two: each end was said, or it was not for us."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from adapters.slack.actions import Actions
from adapters.slack.answering import Answering, Reply
from adapters.slack.commanding import Commanding
from adapters.slack.desktop import Desktop
from adapters.slack.errors import NoPlace, NoToken
from adapters.slack.filled import Filling
from adapters.slack.heard import Heard, Way, to_heard, to_plain
from adapters.slack.notices import Notices
from adapters.slack.outbox import attempt
from adapters.slack.people import audience_of
from adapters.slack.render import escape, to_reply
from adapters.slack.showing import Showing
from adapters.slack.team import Desk, Team, Teams
from adapters.slack.telling import tell
from adapters.slack.whisper import Whisper
from core.commands import EXAMPLES, Command, Help, parse, to_help
from core.errors import BotError, RefusedError, UnavailableError
from core.inbox import Arrival
from core.orders import NotADocument
from core.phrases import phrase
from core.reception import Held, LeaseLost
from core.rooms import KEYS, Settings
from core.words import language

Accept = Callable[[Arrival], Awaitable[bool]]
log = structlog.get_logger()


class SlackHandler:
    """The port `Handler` for Slack."""

    def __init__(self, desk: Desk, teams: Teams) -> None:
        self._desk, self._teams = desk, teams
        self._answering, self._commanding = Answering(desk), Commanding(desk)
        self._filling = Filling(desk, self._answering)
        self._notices = Notices(desk, self._answering, self._commanding)
        self._desktop = Desktop(desk, self._commanding, self._notices)
        self._actions = Actions(desk, self._answering, self._commanding, self._desktop)

    async def handle(self, held: Held) -> str:
        """Do the work; `ignored` when it was not for us."""
        payload = held.payload
        kind = str(payload.get("kind"))
        try:
            team = await self._team(held.work.arrival.workspace)
        except RefusedError:
            return "ignored"  # the app was removed from there since: nobody can be told
        try:
            if kind == "said":
                return await self._said(held, to_heard(payload, team.me.team), team)
            if kind == "command":
                return await self._reply(held, _from_command(payload, team), team)
            if kind == "shortcut":
                return await self._shortcut(held, payload, team)
            if kind == "action":
                return await self._actions.act(held, payload, team)
            if kind == "notice":
                return await tell(self._desk, held, team)
            if kind == "view":
                return await self._desktop.take(held, payload, team)
            if kind == "filled":
                return await self._filling.tell(held, payload, team)
            return await self._notices.take(kind, payload, team)
        except (NoPlace, NoToken) as error:
            log.warning("slack_unsaid", kind=kind, code=error.code)
            await self._aside(held, error)
            return "done"

    def taking_back(self, accept: Accept) -> Accept:
        """Return `accept` with what cannot wait in line: an answer to a message that was taken back ends at once."""

        async def sooner(arrival: Arrival) -> bool:
            if arrival.payload.get("kind") == "deleted":
                self._answering.stop(f"{arrival.workspace}/{arrival.payload['channel']}/{arrival.payload['ts']}")
            return await accept(arrival)

        return sooner

    async def _team(self, workspace: str) -> Team:
        """Return a team that knows of its people what any process of ours has heard. RefusedError, KnowledgeDown."""
        team = await self._teams(workspace.removeprefix("slack/"))
        if stale := await self._desk.bulletin.read(workspace):
            team.people.forget(*stale)
        return team

    async def give_up(self, held: Held) -> None:
        """Say where the question stood that it could not be done."""
        payload = held.payload
        if payload.get("kind") not in ("said", "command", "action", "shortcut"):
            return
        team = await self._teams(held.work.arrival.workspace.removeprefix("slack/"))
        tongue = language(str(payload.get("text") or ""))
        heard = to_heard(payload, team.me.team) if payload["kind"] == "said" else None
        if heard and heard.way is Way.FOLLOW:
            return
        reply = self._showing(held, heard, team, tongue) if heard else self._whisper(held, payload)
        await reply.begin("working")
        if not reply.finished:
            await reply.end(to_reply(phrase("gave_up", tongue)))

    async def _said(self, held: Held, heard: Heard, team: Team) -> str:
        settings = await self._desk.rooms.settings(heard.workspace, heard.room)
        if heard.way is Way.FOLLOW and not await self._joined(heard, settings):
            return "ignored"
        if not await held.claim(heard.message):
            return "ignored"
        return await self._reply(held, heard, team, settings)

    async def _joined(self, heard: Heard, settings: Settings) -> bool:
        """Whether a message without our name continues a conversation with us, and is not said to someone else."""
        if settings.mentions or "<@" in heard.text or heard.root == heard.ts:
            return False
        return await self._desk.exchanges.joined(heard.workspace, heard.conversation)

    async def _reply(self, held: Held, heard: Heard, team: Team, settings: Settings | None = None) -> str:
        if settings is None:
            settings = await self._desk.rooms.settings(heard.workspace, heard.room)
        tongue = settings.language or language(to_plain(heard.text))
        aside = heard.way in (Way.COMMAND, Way.SHORTCUT)
        reply: Reply = (
            Whisper(self._desk.session, held, heard.response_url)
            if aside
            else Showing(team.outbox, held, heard, tongue=tongue, thread=settings.threads)
        )
        try:
            return await self._answer(held, heard, team, settings, tongue, reply)
        except (UnavailableError, LeaseLost, NoPlace, NoToken):
            raise  # tried again, someone else's, or nowhere to say it
        except BotError as error:
            if heard.way is Way.FOLLOW and isinstance(error, RefusedError):
                return "ignored"
            await reply.begin("working")
            if not reply.finished:
                await reply.end(to_reply(str(error), EXAMPLES))
            return "done"

    async def _answer(self, held: Held, heard: Heard, team: Team, settings: Settings, tongue: str, reply: Reply) -> str:
        names = ", ".join(str(file.get("name") or file.get("id")) for file in heard.files)
        if not heard.text.strip() and names:
            await reply.end(to_reply(phrase("only_file", tongue, names=names)))
            return "done"
        wish = parse(heard.text, files=len(heard.files), keys=KEYS)
        audience = await audience_of(team.people, heard, tongue)
        if isinstance(wish, Help):
            said = to_help(wish.verb, admin=await self._commanding.admin(heard, team))
            await reply.end(to_reply(said, EXAMPLES))
            return "done"
        hint = ""
        if isinstance(wish, Command):
            try:
                await self._commanding.run(heard, wish, team=team, audience=audience, tongue=tongue, reply=reply)
            except NotADocument:
                text = wish.said
            else:
                return "done"
        else:
            text, hint = wish.text, wish.hint
        notes = (phrase("unread", tongue, names=names),) if names else ()
        return await self._answering.ask(
            held,
            heard,
            to_plain(text),
            team=team,
            audience=audience,
            settings=settings,
            tongue=tongue,
            reply=reply,
            notes=(*notes, hint) if hint else notes,
        )

    async def _shortcut(self, held: Held, payload: Mapping[str, Any], team: Team) -> str:
        """`Ask about this` and `Add to knowledge`: a message's text as a question or a document, seen by one."""
        message = payload["message"]
        text = to_plain(str(message.get("text") or ""))
        files = tuple(message.get("files") or ())
        if payload.get("callback") == "vocero_add":
            text = "add" if files else f"add:\n{text}"
        heard = Heard(
            team=team.me.team,
            channel=payload["channel"],
            user=payload["user"],
            user_team=payload.get("user_team") or "",
            text=text,
            way=Way.SHORTCUT,
            root=message.get("thread_ts") or message.get("ts") or "",
            files=files,
            response_url=payload["response_url"],
        )
        return await self._reply(held, heard, team)

    async def _aside(self, held: Held, error: NoPlace | NoToken) -> None:
        """Tell the asker alone what could not be said where they asked."""
        payload = held.payload
        if isinstance(error, NoToken) or held.placeholder:
            return
        team = await self._teams(held.work.arrival.workspace.removeprefix("slack/"))
        tongue = language(to_plain(str(payload.get("text") or "")))
        if payload.get("kind") == "said":
            heard = to_heard(payload, team.me.team)
            if heard.way in (Way.FOLLOW, Way.DIRECT):
                return
            user = heard.user
            said = phrase("no_place", tongue, channel=f"<#{heard.channel}>", reason=escape(error.code))
        elif payload.get("kind") in ("command", "shortcut"):
            user = str(payload.get("user_id") or payload.get("user"))
            said = phrase("too_slow", tongue, command=escape(str(payload.get("text") or "")[:300]))
        else:
            return

        async def tell() -> None:
            opened = await team.outbox.call("conversations.open", users=user)
            await team.outbox.call("chat.postMessage", channel=opened["channel"]["id"], text=said)

        await attempt(tell(), what="aside")

    def _showing(self, held: Held, heard: Heard, team: Team, tongue: str) -> Reply:
        return Showing(team.outbox, held, heard, tongue=tongue)

    def _whisper(self, held: Held, payload: Mapping[str, Any]) -> Reply:
        return Whisper(self._desk.session, held, str(payload.get("response_url")))


def _from_command(payload: Mapping[str, Any], team: Team) -> Heard:
    return Heard(
        team=team.me.team,
        channel=payload["channel_id"],
        user=payload["user_id"],
        text=str(payload.get("text") or "").strip(),
        way=Way.COMMAND,
        response_url=payload["response_url"],
    )
