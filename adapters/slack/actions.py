"""Buttons: a verdict, a human's help, an answer for everyone, a confirmation."""

from collections.abc import Mapping
from typing import Any

from adapters.slack.answering import Answering, Reply
from adapters.slack.commanding import Commanding, root_of
from adapters.slack.desktop import Desktop
from adapters.slack.heard import Heard, Way
from adapters.slack.modals import to_why
from adapters.slack.outbox import attempt
from adapters.slack.people import audience_of
from adapters.slack.render import Post, escape, section, to_reply
from adapters.slack.showing import Showing
from adapters.slack.team import Desk, Team
from adapters.slack.whisper import Whisper
from core.errors import BotError, RefusedError, UnavailableError
from core.phrases import phrase
from core.reception import Held, LeaseLost
from core.words import language


class Actions:
    """What each button does; one that this version does not know does nothing."""

    def __init__(self, desk: Desk, answering: Answering, commanding: Commanding, desktop: Desktop) -> None:
        self._desk, self._answering, self._commanding = desk, answering, commanding
        self._desktop = desktop

    async def act(self, held: Held, payload: Mapping[str, Any], team: Team) -> str:
        """Do what the pressed button means; the refusal of one is whispered."""
        pressed = payload["actions"][0] if payload.get("actions") else {}
        value = str(pressed.get("value") or "")
        steps = {
            "vocero_feedback": self._feedback,
            "vocero_human": self._human,
            "vocero_share": self._share,
            "vocero_confirm": self._confirm,
            "vocero_cancel": self._cancel,
        }
        step = steps.get(str(pressed.get("action_id")))
        if step is None:
            return await self._desktop.press(held, payload, team, pressed)
        settings = await self._desk.rooms.settings(
            f"slack/{team.me.team}", f"slack/{team.me.team}/{payload['channel']}"
        )
        tongue = settings.language or language(value if pressed.get("action_id") == "vocero_share" else "")
        try:
            await step(held, payload, team, value, tongue)
        except (UnavailableError, LeaseLost):
            raise
        except BotError as error:
            whisper = Whisper(self._desk.session, held, payload["response_url"])
            if not whisper.finished:
                await whisper.end(to_reply(str(error)))
        return "done"

    async def _feedback(self, held: Held, payload: Mapping[str, Any], team: Team, value: str, tongue: str) -> None:
        who = f"slack/{team.me.team}/{payload['user']}"
        good, exchange = value.startswith("+"), value[1:]
        if not await self._desk.exchanges.judge(f"slack/{team.me.team}", exchange, who, good=good):
            return
        if not good:  # the verdict stands, whether they say why or not; Slack opens a dialog for three seconds only
            opened = team.outbox.call("views.open", trigger_id=payload.get("trigger"), view=to_why(exchange, tongue))
            await attempt(opened, what="why")
        await self._whisper(held, payload, phrase("thanks", tongue))

    async def _human(self, held: Held, payload: Mapping[str, Any], team: Team, value: str, tongue: str) -> None:
        workspace = f"slack/{team.me.team}"
        found = await self._desk.exchanges.find(workspace, name=value)
        if found is None or not self._desk.human:
            raise RefusedError(phrase("too_late", tongue))
        if not await self._desk.exchanges.escalate(workspace, value) and not held.again:
            await self._whisper(held, payload, phrase("called_before", tongue))
            return
        message = payload["message"]
        heard = self._heard(payload, team, root=message.get("thread_ts") or message.get("ts") or "")
        asker = f"<@{found.person.rpartition('/')[2]}>"
        said = phrase("called", tongue, who=_call(self._desk.human), asker=asker)
        showing = Showing(team.outbox, held, heard, tongue=tongue)
        await showing.begin("working")
        if not showing.finished:
            await showing.end([Post(text=said, blocks=(section(said),))])

    async def _share(self, held: Held, payload: Mapping[str, Any], team: Team, value: str, tongue: str) -> None:
        """Ask again, aloud: with what everyone in the channel may see. The private text is not even known here."""
        heard = self._heard(payload, team, root="")
        audience = await audience_of(team.people, heard, tongue, aloud=True)
        settings = await self._desk.rooms.settings(heard.workspace, heard.room)
        reply = Showing(team.outbox, held, heard, tongue=tongue)
        await self._answering.ask(
            held,
            heard,
            value,
            team=team,
            audience=audience,
            settings=settings,
            tongue=tongue,
            reply=reply,
            above=phrase("shared_by", tongue, who=f"<@{heard.user}>", question=escape(value[:300])),
        )

    async def _confirm(self, held: Held, payload: Mapping[str, Any], team: Team, value: str, tongue: str) -> None:
        aside = bool(payload.get("ephemeral"))
        heard = self._heard(payload, team, root=root_of(value), way=Way.COMMAND if aside else Way.MENTION)
        audience = await audience_of(team.people, heard, tongue)
        reply: Reply = (
            Whisper(self._desk.session, held, heard.response_url)
            if aside
            else Showing(team.outbox, held, heard, tongue=tongue)
        )
        await self._commanding.confirmed(heard, value, team=team, audience=audience, tongue=tongue, reply=reply)
        if not aside:
            await self._retire(payload, team)

    async def _cancel(self, held: Held, payload: Mapping[str, Any], team: Team, _: str, tongue: str) -> None:
        if not payload.get("ephemeral"):
            await self._retire(payload, team)
        await self._whisper(held, payload, phrase("cancelled", tongue))

    async def _retire(self, payload: Mapping[str, Any], team: Team) -> None:
        """Take the buttons off a question that was answered."""
        message = payload["message"]
        said = str(message.get("text") or "…")
        body = {"channel": payload["channel"], "ts": message.get("ts"), "text": said, "blocks": [section(said)]}
        await attempt(team.outbox.call("chat.update", **body), what="retire")

    async def _whisper(self, held: Held, payload: Mapping[str, Any], said: str) -> None:
        whisper = Whisper(self._desk.session, held, payload["response_url"])
        if not whisper.finished:
            await whisper.end(to_reply(said))

    def _heard(self, payload: Mapping[str, Any], team: Team, *, root: str, way: Way = Way.MENTION) -> Heard:
        return Heard(
            team=team.me.team,
            channel=payload["channel"],
            user=payload["user"],
            user_team=payload.get("user_team") or "",
            text="",
            way=way,
            root=root,
            response_url=payload.get("response_url") or "",
        )


def _call(human: str) -> str:
    """Return the mention of the group or person to call: `S…`, `U…`, with or without their origin."""
    name = human.rpartition("/")[2]
    return f"<!subteam^{name}>" if name.startswith("S") else f"<@{name}>"
