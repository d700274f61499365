"""Installs into many workspaces: Slack's OAuth with a one-time state bound to the browser, tokens for safe keeping."""

import hmac
import secrets
import time
from collections.abc import Callable
from html import escape
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import structlog
from aiohttp import web

from adapters.slack.errors import SlackRefused
from adapters.slack.events import Me
from adapters.slack.manifest import to_manifest
from adapters.slack.outbox import Outbox
from adapters.slack.people import People
from adapters.slack.team import Team
from core.errors import BotError, RefusedError

COOKIE: Final = "vocero_install"
STATE: Final = 600  # seconds
FRESH: Final = 60.0  # seconds that an installation is believed to stand; an uninstall elsewhere is seen after that
AUTHORIZE: Final = "https://slack.com/oauth/v2/authorize"
log = structlog.get_logger()


class Installs(Protocol):
    """Keeps installations."""

    async def keep(self, workspace: str, secret: dict[str, Any], *, org: str = "") -> None:
        """Store a workspace's secret."""
        ...

    async def members(self, org: str) -> list[str]:
        """Return the workspaces that an organisation's install let in."""
        ...

    async def find(self, workspace: str) -> dict[str, Any] | None:
        """Return a workspace's secret, None when it is not installed."""
        ...

    async def remove(self, workspace: str) -> bool:
        """Delete a workspace's secret."""
        ...

    async def purge(self, workspace: str) -> None:
        """Delete all of a workspace."""
        ...

    async def begin(self, state: str) -> None:
        """Remember a state."""
        ...

    async def end(self, state: str) -> bool:
        """Use a state up."""
        ...


class Roster:
    """The teams that installed the app. `open_outbox` makes a way out for a token."""

    def __init__(self, installs: Installs, open_outbox: Callable[[str], Outbox]) -> None:
        self._installs, self._open = installs, open_outbox
        self._teams: dict[str, tuple[float, Team]] = {}
        self._leaving: set[str] = set()
        self._changes = 0

    async def team(self, name: str, org: str = "") -> Team:
        """Return a team; one that its organisation let in becomes a tenant of its own. RefusedError otherwise."""
        if name in self._leaving or org in self._leaving:
            raise RefusedError(f"The app is being removed from {name}.")
        when, team = self._teams.get(name, (0.0, None))
        if team is not None and time.monotonic() - when < FRESH:
            return team
        changes = self._changes
        kept, org = await self._granted(name, org)
        if team is None or team.token != kept["token"]:
            outbox = self._open(kept["token"])
            me = Me(team=name, user=kept["user"], bot=kept["bot"], url=kept["url"], name=kept["name"], org=org)
            team = Team(me=me, token=kept["token"], outbox=outbox, people=People(outbox, name, org=org))
        if changes == self._changes:  # else what was read may be of before an uninstall
            self._teams[name] = (time.monotonic(), team)
        return team

    async def _granted(self, name: str, org: str) -> tuple[dict[str, Any], str]:
        """Return what was granted for a team, and the organisation that holds the grant, if one does."""
        kept = await self._installs.find(f"slack/{name}")
        if kept is None and org and org != name and await self._installs.find(f"slack/{org}"):
            kept = {"in": org}
            await self._installs.keep(f"slack/{name}", kept, org=org)
        if kept is None:
            self._drop(name)
            raise RefusedError(f"The app is not installed in {name}.")
        if "in" not in kept:
            return kept, name if kept.get("org") else ""
        whole = await self._installs.find(f"slack/{kept['in']}")
        if whole is None:
            self._drop(name)
            raise RefusedError(f"The app is not installed in {name} any more.")
        return whole, str(kept["in"])

    async def admit(self, granted: dict[str, Any]) -> str:
        """Keep what Slack granted to a team or an organisation; return its name. BotError."""
        whole = bool(granted.get("is_enterprise_install"))
        where = granted["enterprise"] if whole else granted["team"]
        token, name = str(granted["access_token"]), str(where["id"])
        about = await self._open(token).call("auth.test")
        kept = {
            "token": token,
            "user": str(about["user_id"]),
            "bot": str(about.get("bot_id") or ""),
            "url": str(about.get("url") or ""),
            "name": str(about.get("user") or "vocero"),
            **({"org": True} if whole else {}),
        }
        await self._installs.keep(f"slack/{name}", kept)
        self._drop(name)
        return str(where.get("name") or name)

    async def revoked(self, name: str) -> None:
        """Drop a token that Slack no longer accepts."""
        await self._installs.remove(f"slack/{name}")
        for one in (name, *(member.removeprefix("slack/") for member in await self._installs.members(name))):
            self._drop(one)

    async def gone(self, name: str, here: str = "") -> None:
        """Delete all of a team that removed the app, or of an organisation with its teams.

        From here on nothing of it is taken, else it would live again. `here`: the team whose event said so, the last of
        the teams: with it goes the work that would be tried again.
        """
        members = [member.removeprefix("slack/") for member in await self._installs.members(name)]
        members.sort(key=here.__eq__)
        for one in (*members, name):
            self._drop(one)
            self._leaving.add(one)
        try:
            for one in (*members, name):
                await self._installs.purge(f"slack/{one}")
                log.info("workspace_purged", workspace=f"slack/{one}")
        finally:
            self._leaving -= {*members, name}

    def _drop(self, name: str) -> None:
        self._teams.pop(name, None)
        self._changes += 1


class Installer:
    """The two pages of an install."""

    def __init__(
        self, installs: Installs, roster: Roster, outbox: Outbox, *, client_id: str, client_secret: str
    ) -> None:
        self._installs, self._roster, self._outbox = installs, roster, outbox
        self._id, self._secret = client_id, client_secret

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Return the pages."""
        return (web.get("/slack/install", self._begin), web.get("/slack/oauth_redirect", self._end))

    async def _begin(self, _: web.Request) -> web.Response:
        state = secrets.token_urlsafe(32)
        try:
            await self._installs.begin(state)
        except BotError as error:
            return _page(503, str(error))
        scopes = ",".join(to_manifest()["oauth_config"]["scopes"]["bot"])
        address = f"{AUTHORIZE}?{urlencode({'client_id': self._id, 'scope': scopes, 'state': state})}"
        response = web.Response(status=302, headers={"Location": address, "Cache-Control": "no-store"})
        response.set_cookie(COOKIE, state, max_age=STATE, httponly=True, secure=True, samesite="Lax", path="/slack")
        return response

    async def _end(self, request: web.Request) -> web.Response:
        state, cookie = request.query.get("state", ""), request.cookies.get(COOKIE, "")
        if not state or not hmac.compare_digest(state.encode(), cookie.encode()):
            return _page(400, "This install was not begun in this browser: begin again at /slack/install.")
        try:
            if not await self._installs.end(state):
                return _page(400, "This install was finished before, or took too long: begin again at /slack/install.")
            if "error" in request.query:
                return _page(400, "The install was not allowed in Slack; nothing was changed.")
            given = {"client_id": self._id, "client_secret": self._secret, "code": request.query.get("code", "")}
            name = await self._roster.admit(await self._outbox.form("oauth.v2.access", **given))
        except SlackRefused as error:
            return _page(400, f"Slack did not finish the install ({error.code}): begin again at /slack/install.")
        except (BotError, KeyError) as error:
            log.warning("install_failed", error=type(error).__name__)
            return _page(503, "The install could not be finished: try again in a moment.")
        response = _page(200, f"Vocero is installed in {name}. In Slack, say: /invite @vocero")
        response.del_cookie(COOKIE, path="/slack")
        return response


def _page(status: int, said: str) -> web.Response:
    body = f"<!doctype html><meta charset=utf-8><title>Vocero</title><p>{escape(said)}</p>"
    headers = {"Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store"}
    return web.Response(status=status, text=body, content_type="text/html", headers=headers)
