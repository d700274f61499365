"""What the App Home's controls and Slack's dialogs do. Results are said in the person's direct conversation."""

from collections.abc import Mapping
from typing import Any, Final

from adapters.slack.commanding import Commanding
from adapters.slack.errors import NoPlace, SlackRefused
from adapters.slack.heard import Heard, Way
from adapters.slack.modals import ADD, SETTINGS, WHY, private, read_settings, read_why, to_add, to_settings
from adapters.slack.notices import Notices
from adapters.slack.people import audience_of
from adapters.slack.render import to_reply
from adapters.slack.showing import Showing
from adapters.slack.team import Desk, Team
from core.commands import Command, Kind, Verb
from core.errors import BotError, InputError, RefusedError, UnavailableError
from core.phrases import phrase
from core.reception import Held, LeaseLost

DOCUMENT: Final = "vocero_document"
CHANNEL: Final = "vocero_channel"
OPEN_ADD: Final = "vocero_open_add"
STALE: Final = ("expired_trigger_id", "exchanged_trigger_id")  # Slack opens a dialog for three seconds after a click
_DONE: Final = {"refresh": Verb.REFRESH, "remove": Verb.REMOVE}


class Desktop:
    """The home's controls for admins, and every dialog that was sent off."""

    def __init__(self, desk: Desk, commanding: Commanding, notices: Notices) -> None:
        self._desk, self._commanding, self._notices = desk, commanding, notices

    async def press(self, held: Held, payload: Mapping[str, Any], team: Team, pressed: Mapping[str, Any]) -> str:
        """Do what a control of the home means; `ignored` for one that is none of them."""
        steps = {OPEN_ADD: self._open_add, CHANNEL: self._open_settings, DOCUMENT: self._document}
        step = steps.get(str(pressed.get("action_id")))
        if step is None:
            return "ignored"
        return await self._guarded(held, payload, team, lambda: step(held, payload, team, pressed))

    async def take(self, held: Held, payload: Mapping[str, Any], team: Team) -> str:
        """Take what a dialog holds."""
        steps = {WHY: self._why, SETTINGS: self._settings, ADD: self._add}
        step = steps.get(str(payload.get("callback")))
        if step is None:
            return "ignored"
        return await self._guarded(held, payload, team, lambda: step(held, payload, team))

    async def _guarded(self, held: Held, payload: Mapping[str, Any], team: Team, step: Any) -> str:
        try:
            await step()
        except (UnavailableError, LeaseLost):
            raise
        except BotError as error:
            reply = await self._direct(held, payload, team)
            await reply.begin("working")
            if not reply.finished:
                await reply.end(to_reply(str(error)))
        return "done"

    async def _open_add(self, _held: Held, payload: Mapping[str, Any], team: Team, _: Mapping[str, Any]) -> None:
        await self._commanding.allowed(self._heard(payload, team), Verb.ADD, team)
        await self._open(payload, team, to_add(await _tongue(payload, team)))

    async def _open_settings(
        self, _held: Held, payload: Mapping[str, Any], team: Team, pressed: Mapping[str, Any]
    ) -> None:
        channel = str(pressed.get("value") or "")
        heard = self._heard(payload, team, channel)
        await self._commanding.allowed(heard, Verb.SETTINGS, team)
        settings, tongue = await self._desk.rooms.settings(heard.workspace, heard.room), await _tongue(payload, team)
        try:
            audience = await audience_of(team.people, heard, tongue, aloud=True)
        except NoPlace as error:
            raise RefusedError(phrase("not_there", tongue, channel=f"<#{channel}>")) from error
        held_there = await self._desk.librarian.documents(heard.workspace, audience)
        there = sorted({document.collection for document in held_there})
        await self._open(payload, team, to_settings(channel, settings, there, tongue))

    async def _open(self, payload: Mapping[str, Any], team: Team, view: dict[str, Any]) -> None:
        try:
            await team.outbox.call("views.open", trigger_id=str(payload.get("trigger")), view=view)
        except SlackRefused as error:
            if error.code not in STALE:
                raise
            raise RefusedError(phrase("too_late", await _tongue(payload, team))) from error

    async def _document(self, held: Held, payload: Mapping[str, Any], team: Team, pressed: Mapping[str, Any]) -> None:
        """Refresh or remove a document; Slack has asked whether they are sure."""
        what, _, document = str(pressed.get("value") or "").partition(":")
        if what not in _DONE:
            raise RefusedError(phrase("too_late", await _tongue(payload, team)))
        command = Command(verb=_DONE[what], kind=Kind.DOCUMENT, target=document)
        await self._run(held, payload, team, command)

    async def _why(self, _held: Held, payload: Mapping[str, Any], team: Team) -> None:
        exchange, why = private(payload).get("exchange", ""), read_why(payload.get("values") or {})
        workspace, person = f"slack/{team.me.team}", f"slack/{team.me.team}/{payload['user']}"
        if why:
            await self._desk.exchanges.judge(workspace, exchange, person, good=False, why=why)

    async def _settings(self, held: Held, payload: Mapping[str, Any], team: Team) -> None:
        heard = self._heard(payload, team, private(payload).get("channel", ""))
        before = await self._desk.rooms.settings(heard.workspace, heard.room)
        tongue = await _tongue(payload, team)
        audience = await audience_of(team.people, heard, tongue, aloud=True)
        said = ""
        for key, value in read_settings(payload.get("values") or {}, before).items():
            command = Command(verb=Verb.SETTINGS, key=key, value=value)
            said = await self._commanding.quietly(heard, command, team=team, audience=audience, tongue=tongue)
        if said:
            whole = await self._commanding.quietly(
                heard, Command(verb=Verb.SETTINGS), team=team, audience=audience, tongue=tongue
            )
            reply = await self._direct(held, payload, team)
            await reply.begin("working")
            if not reply.finished:
                await reply.end(to_reply(f"#{(await team.people.place(heard)).name}\n{whole}"))

    async def _add(self, held: Held, payload: Mapping[str, Any], team: Team) -> None:
        values = payload.get("values") or {}
        url, text = (str(values.get(key) or "").strip() for key in ("url", "text"))
        if not url and not text:
            raise InputError(phrase("one_source", await _tongue(payload, team)))
        channel = str(values.get("channel") or "")
        kind, target = (Kind.URL, url) if url else (Kind.TEXT, text)
        scope = f"channel:{channel}" if channel else ""
        title = str(values.get("title") or "").strip()
        await self._run(held, payload, team, Command(verb=Verb.ADD, kind=kind, target=target, title=title, scope=scope))

    async def _run(self, held: Held, payload: Mapping[str, Any], team: Team, command: Command) -> None:
        reply = await self._direct(held, payload, team)
        heard = self._heard(payload, team, reply.channel)
        tongue = await _tongue(payload, team)
        audience = await audience_of(team.people, heard, tongue)
        await self._commanding.carry_out(heard, command, team=team, audience=audience, tongue=tongue, reply=reply)
        await self._notices.home(str(payload["user"]), team)

    async def _direct(self, held: Held, payload: Mapping[str, Any], team: Team) -> Showing:
        opened = await team.outbox.call("conversations.open", users=str(payload["user"]))
        heard = self._heard(payload, team, str(opened["channel"]["id"]))
        return Showing(team.outbox, held, heard, tongue=await _tongue(payload, team))

    def _heard(self, payload: Mapping[str, Any], team: Team, channel: str = "D0") -> Heard:
        way = Way.DIRECT if channel.startswith("D") else Way.MENTION
        user_team = str(payload.get("user_team") or "")
        return Heard(
            team=team.me.team, channel=channel, user=str(payload["user"]), user_team=user_team, text="", way=way
        )


async def _tongue(payload: Mapping[str, Any], team: Team) -> str:
    """Return the language of who pressed or sent it: that of their Slack, for nothing was said yet."""
    return await team.people.tongue(str(payload["user"]))
