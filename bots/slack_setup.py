"""The doctor's rows about Slack: the tokens, the scopes, and the clock that its signatures are checked by."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any, Final

import aiohttp

from adapters.slack.errors import SlackRefused
from adapters.slack.manifest import missing
from adapters.slack.outbox import Outbox
from adapters.slack.team import Team
from bots.slack import check, open_team, to_client
from core.errors import BotError, SetupError, UnavailableError
from infra.settings import Settings

SKEW: Final = 30.0  # seconds; Slack's signatures are void after five minutes


@asynccontextmanager
async def _asked(settings: Settings) -> AsyncIterator[tuple[Team, SimpleNamespace]]:
    """Yield the team of the bot token, and what Slack's clock said at `told.at`. SetupError."""
    check(settings)
    told = SimpleNamespace(at=0.0)

    async def ended(_: Any, __: Any, params: aiohttp.TraceRequestEndParams) -> None:
        if date := params.response.headers.get("Date"):
            told.at = parsedate_to_datetime(date).timestamp()

    config = aiohttp.TraceConfig()
    config.on_request_end.append(ended)
    async with aiohttp.ClientSession(trace_configs=[config]) as session:
        yield await open_team(settings, session, lambda _: None), told


async def token_health(settings: Settings) -> str:
    """Return a sentence about the bot token. SetupError with the remedy."""
    async with _asked(settings) as (team, _):
        return f"the token is @{team.me.name}'s in {team.me.url or team.me.team}"


async def scope_health(settings: Settings) -> str:
    """Return a sentence about the scopes. UnavailableError names what is lacking."""
    async with _asked(settings) as (team, _):
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
    token = settings.slack_app_token.get_secret_value() if settings.slack_app_token else ""
    async with aiohttp.ClientSession() as session:
        try:
            await Outbox(to_client(settings, session, token)).call("apps.connections.open")
        except SlackRefused as error:
            raise SetupError(
                f"SLACK_APP_TOKEN is not accepted ({error.code}): make one under Basic Information, App-Level Tokens, "
                "with the scope connections:write."
            ) from error
        except BotError as error:
            raise SetupError(f"Slack cannot be reached at {settings.slack_api_url}: check the network.") from error
    return "Socket Mode may be used"


async def clock_health(settings: Settings, now: Callable[[], float] = time.time) -> str:
    """Return a sentence about this machine's clock. UnavailableError when it is off by more than half a minute."""
    async with _asked(settings) as (_, told):
        late = now() - told.at
    if told.at and abs(late) > SKEW:
        raise UnavailableError(
            f"this machine's clock is {abs(late):.0f} s {'ahead' if late > 0 else 'behind'}: switch time "
            "synchronisation (NTP) on; at 300 s Slack's signed requests are refused."
        )
    return "this machine's clock agrees with Slack's"
