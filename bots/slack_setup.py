"""The doctor's rows about Slack: the tokens, the scopes, and the clock that its signatures are checked by."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from adapters.slack.manifest import missing
from adapters.slack.team import Team
from bots import clock
from bots.slack import check, check_sockets, open_team
from core.errors import UnavailableError
from infra.settings import Settings


@asynccontextmanager
async def _asked(settings: Settings) -> AsyncIterator[Team]:
    """Yield the team of the bot token. SetupError."""
    check(settings)
    async with aiohttp.ClientSession() as session:
        yield await open_team(settings, session, lambda _: None)


async def token_health(settings: Settings) -> str:
    """Return a sentence about the bot token, or the set-up for many workspaces. SetupError with the remedy."""
    if settings.slack_oauth:
        check(settings)
        return "every workspace that installs the app is answered; its tokens can be sealed"
    async with _asked(settings) as team:
        return f"the token is @{team.me.name}'s in {team.me.url or team.me.team}"


async def scope_health(settings: Settings) -> str:
    """Return a sentence about the scopes. UnavailableError names what is lacking."""
    async with _asked(settings) as team:
        if lacking := missing(team.outbox.scopes):
            raise UnavailableError(
                f"the app lacks {', '.join(lacking)}: add them under OAuth & Permissions (or renew the manifest by "
                "`vocero slack manifest`), then reinstall the app."
            )
        return "all that the features need"


async def socket_health(settings: Settings) -> str:
    """Return a sentence about the app-level token. SetupError with the remedy."""
    if settings.slack_mode == "http":
        return "events come by HTTP, signed"
    async with aiohttp.ClientSession() as session:
        await check_sockets(settings, session)
    return "Socket Mode may be used"


async def clock_health(settings: Settings, now: Callable[[], float] = time.time) -> str:
    """Return a sentence about this machine's clock. UnavailableError when it is off by more than half a minute."""
    why = "at 300 s Slack's signed requests are refused."
    return await clock.clock_health(f"{settings.slack_api_url}api.test", "Slack", why, now)
