"""What Slack lets us know without anyone asking: home opened, a message deleted, people moved, an answer stopped."""

from collections.abc import Mapping
from typing import Any, Final

from adapters.slack.answering import Answering
from adapters.slack.commanding import Commanding
from adapters.slack.heard import Heard, Way
from adapters.slack.home import GAPS, RECENT, to_home
from adapters.slack.manifest import PROMPTS
from adapters.slack.outbox import attempt
from adapters.slack.people import audience_of
from adapters.slack.team import Desk, Team
from core.chat import Gap
from core.documents import Document
from core.errors import RefusedError, UnknownError

_MEMBERS: Final = ("member_joined_channel", "member_left_channel", "channel_shared", "channel_unshared", "user_change")


class Notices:
    """What each notice changes."""

    def __init__(self, desk: Desk, answering: Answering, commanding: Commanding) -> None:
        self._desk, self._answering, self._commanding = desk, answering, commanding

    async def take(self, kind: str, payload: Mapping[str, Any], team: Team) -> str:
        """Do what follows from it; always done."""
        if kind == "app_home_opened":
            await self._home(payload, team)
        elif kind in _MEMBERS:
            stale = {str(payload.get("user")), str(payload.get("channel")), "guests"}
            team.people.forget(*stale)
            await self._desk.bulletin.post(f"slack/{team.me.team}", stale)  # the other processes keep facts, too
        elif kind == "agent_session_stopped":
            room = f"slack/{team.me.team}/{payload.get('channel')}"
            self._answering.stop(f"{room}/{payload.get('thread_ts') or ''}", room)
        elif kind == "deleted":
            await self._deleted(payload, team)
        elif kind in ("app_uninstalled", "tokens_revoked") and self._desk.leave:
            await self._desk.leave(str(payload.get("org") or team.me.team), kind, team.me.team)
        elif kind == "team_access_revoked" and self._desk.leave:
            for name in payload.get("team_ids") or ():
                await self._desk.leave(str(name), "app_uninstalled", team.me.team)
        return "done"

    async def _home(self, payload: Mapping[str, Any], team: Team) -> None:
        if payload.get("tab") == "messages":
            if "assistant:write" in team.outbox.scopes:  # the agent view; a thread_ts would make it fail silently
                prompts = [{"title": p, "message": p} for p in PROMPTS]
                given = {"channel_id": payload.get("channel") or "D0", "prompts": prompts}
                await attempt(team.outbox.call("assistant.threads.setSuggestedPrompts", **given), what="prompts")
            return
        await self.home(str(payload["user"]), team)

    async def home(self, user: str, team: Team) -> None:
        """Publish a person's home as things are now."""
        heard = Heard(team=team.me.team, channel="D0", user=user, text="", way=Way.DIRECT)
        tongue = await team.people.tongue(user)
        admin = await self._commanding.admin(heard, team)
        documents, gaps = await self._held(heard, team, admin=admin)
        recent = await self._desk.exchanges.recent(heard.workspace, heard.asker, RECENT)
        view = to_home(team.me, documents, recent, gaps=gaps, admin=admin, tongue=tongue)
        await team.outbox.call("views.publish", user_id=user, view=view)

    async def _held(self, heard: Heard, team: Team, *, admin: bool) -> tuple[list[Document], list[Gap]]:
        """Return the documents that a person may see, and for an admin the gaps."""
        try:
            audience = await audience_of(team.people, heard, "en")
            scopes = sorted(audience.scopes)
            gaps = await self._desk.lessons.gaps(heard.workspace, scopes, GAPS) if admin else []
            return await self._desk.librarian.documents(heard.workspace, audience), gaps
        except (RefusedError, UnknownError):
            return [], []

    async def _deleted(self, payload: Mapping[str, Any], team: Team) -> None:
        """Take back the answer to a message that was taken back, and what the conversation's memory holds of it."""
        workspace = f"slack/{team.me.team}"
        message = f"{workspace}/{payload['channel']}/{payload['ts']}"
        exchange = await self._desk.exchanges.find(workspace, message=message)
        if exchange is None:
            return
        for post in exchange.posts:
            channel, _, ts = post.partition("/")
            await attempt(team.outbox.call("chat.delete", channel=channel, ts=ts), what="delete")
        await self._desk.bot.forget("conversation", exchange.conversation, workspace=workspace, by=exchange.person)
        await self._desk.exchanges.forget(workspace, message=message)
