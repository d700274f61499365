"""`vocero run slack`: from the token's check to the last handed-over question."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.web import RouteDef
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.app import to_app
from adapters.slack.errors import SlackRefused
from adapters.slack.events import Me
from adapters.slack.handler import SlackHandler
from adapters.slack.install import Installer, Roster
from adapters.slack.manifest import missing
from adapters.slack.outbox import Outbox
from adapters.slack.people import People
from adapters.slack.sockets import Sockets
from adapters.slack.team import Desk, Team
from adapters.slack.web import Web
from bots.oversight import Oversight, blind, overseen
from bots.watching import troubles
from core.errors import BotError, RefusedError, SetupError, UnavailableError
from core.gaps import BEAT as LOOK
from core.gaps import Gaps
from core.inbox import BEAT
from core.orders import Orders
from core.reception import DEADLINES, Deadlines, Reception
from infra.logs import configure
from infra.sealing import Sealer
from infra.settings import Settings

if TYPE_CHECKING:
    from bots.wiring import Vocero

TIMEOUT: Final = 10  # seconds for one call of the Web API
Say = Callable[[str], None]


def serve(settings: Settings) -> None:
    """Answer in Slack until Ctrl-C or SIGTERM; then finish or hand over what is in hand. SetupError when it cannot."""
    check(settings)
    configure(settings.log_format)
    with suppress(asyncio.CancelledError):
        asyncio.run(_serve(settings))


def check(settings: Settings) -> None:
    """Raise SetupError for what is missing, before anything is started."""
    http = settings.slack_mode == "http"
    if settings.slack_oauth:
        if not http:
            raise SetupError("VOCERO_SLACK_OAUTH needs a public address: set VOCERO_SLACK_MODE=http.")
        if not settings.slack_client_id or settings.slack_client_secret is None:
            raise SetupError("VOCERO_SLACK_OAUTH needs SLACK_CLIENT_ID and SLACK_CLIENT_SECRET: see docs/slack.md.")
        Sealer([key.get_secret_value() for key in settings.secret_keys])
    elif settings.slack_bot_token is None:
        raise SetupError("SLACK_BOT_TOKEN is not set: docs/slack.md says where it comes from (it begins with xoxb-).")
    if not http and settings.slack_app_token is None:
        raise SetupError("SLACK_APP_TOKEN is not set: Socket Mode needs it (xapp-), or set VOCERO_SLACK_MODE=http.")
    if http and settings.slack_signing_secret is None:
        raise SetupError("SLACK_SIGNING_SECRET is not set: without it anyone could send events; see docs/slack.md.")


def _say(sentence: str) -> None:
    print(sentence, flush=True)


async def _serve(settings: Settings, say: Say = _say) -> None:
    from bots.wiring import open_vocero

    starting = asyncio.current_task()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # a start may take long: it is broken off
        asyncio.get_running_loop().add_signal_handler(number, starting.cancel if starting else stop.set)
    async with AsyncExitStack() as stack:
        oversight = await stack.enter_async_context(overseen(settings, "slack", say=say))
        calls = [oversight.calls("slack", settings.slack_api_url)]
        session = await stack.enter_async_context(aiohttp.ClientSession(trace_configs=calls))
        # a wrong token is said before anything is started
        team = None if settings.slack_oauth else await open_team(settings, session, say)
        await check_sockets(settings, session)
        vocero = await stack.enter_async_context(open_vocero(settings, say=say, telemetry=oversight.telemetry))
        await stack.enter_async_context(vocero.nightly())
        where = await open_slack(stack, vocero, settings, session, team, oversight=oversight)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        for note in vocero.notes:
            say(note)
        who = f"@{team.me.name} answers in {team.me.url or team.me.team}" if team else "answers in every workspace"
        say(f"Slack: {who} ({where}; Ctrl-C ends it).")
        await stop.wait()
        oversight.close()
        say("Slack: finishing what is in hand.")


async def open_team(settings: Settings, session: aiohttp.ClientSession, say: Say) -> Team:
    """Return the workspace whose token was given. SetupError when Slack does not accept it."""
    token = _secret(settings.slack_bot_token)
    outbox = Outbox(to_client(settings, session, token))
    try:
        response = await outbox.call("auth.test")
    except SlackRefused as error:
        raise SetupError(
            f"SLACK_BOT_TOKEN is not accepted ({error.code}): copy it again, or reinstall the app."
        ) from error
    except BotError as error:
        raise SetupError(f"Slack cannot be reached at {settings.slack_api_url}: check the network.") from error
    org = str(response.get("enterprise_id") or "") if response.get("is_enterprise_install") else ""
    me = Me(
        team=org or str(response.get("team_id")),
        org=org,
        user=str(response["user_id"]),
        bot=str(response.get("bot_id") or ""),
        url=str(response.get("url") or ""),
        name=str(response.get("user") or "vocero"),
    )
    if lacking := missing(outbox.scopes):
        say(f"The Slack app lacks {', '.join(lacking)}: install it again from `vocero slack manifest`.")
    return Team(me=me, token=token, outbox=outbox, people=People(outbox, me.team, org=org))


async def check_sockets(settings: Settings, session: aiohttp.ClientSession) -> None:
    """Raise SetupError when Slack does not accept the app-level token: the library would try again for ever."""
    if settings.slack_mode == "http":
        return
    try:
        await Outbox(to_client(settings, session, _secret(settings.slack_app_token))).call("apps.connections.open")
    except SlackRefused as error:
        raise SetupError(
            f"SLACK_APP_TOKEN is not accepted ({error.code}): make one under Basic Information, App-Level Tokens, "
            "with the scope connections:write."
        ) from error
    except BotError as error:
        raise SetupError(f"Slack cannot be reached at {settings.slack_api_url}: check the network.") from error


def to_client(settings: Settings, session: aiohttp.ClientSession, token: str | None) -> AsyncWebClient:
    """Return a client on the shared session; its repetitions are the outbox's business."""
    return AsyncWebClient(
        token=token, base_url=settings.slack_api_url, timeout=TIMEOUT, session=session, retry_handlers=[]
    )


async def open_slack(
    stack: AsyncExitStack,
    vocero: "Vocero",
    settings: Settings,
    session: aiohttp.ClientSession,
    team: Team | None,
    *,
    beat: float = BEAT,
    deadlines: Deadlines = DEADLINES,
    oversight: Oversight | None = None,
    look: float = LOOK,
) -> str:
    """Join the parts, open the ways in, and return what they are. Leaving closes the ways in first, then drains.

    `team` None: every team that installed the app. `beat` and `look`: seconds between two signs of life, and between
    two looks for gaps that documents have filled.
    """
    roster, routes = (None, ()) if team else _open_roster(vocero, settings, session)

    joined: dict[str, Team] = {}

    async def teams(name: str, org: str = "") -> Team:
        if roster:
            return await roster.team(name, org)
        if team is not None and name == team.me.team:
            return team
        if team is None or not team.me.org or org not in ("", team.me.org):
            raise RefusedError(f"The app is not installed in {name}.")
        if name not in joined:  # a team of the organisation that the token is for
            people = People(team.outbox, name, org=team.me.org)
            joined[name] = replace(team, me=replace(team.me, team=name), people=people)
        return joined[name]

    async def leave(name: str, kind: str, here: str) -> None:
        if roster:
            await (roster.gone(name, here) if kind == "app_uninstalled" else roster.revoked(name))

    watched = oversight or blind()
    slack = SlackHandler(replace(to_desk(vocero, settings, session), leave=leave), teams)
    handler = watched.handler(slack)
    platform = f"slack/{team.me.team}" if team and not team.me.org else "slack/"
    reception = Reception(vocero.chat.inbox, handler, platform=platform, beat=beat, deadlines=deadlines)
    await stack.enter_async_context(reception)
    gaps = Gaps(vocero.bot, vocero.chat.lessons, reception.accept, platform=platform, beat=look)
    await stack.enter_async_context(gaps)
    http = settings.slack_mode == "http"
    app = to_app(
        teams=teams,
        accept=slack.taking_back(reception.accept),
        client=to_client(settings, session, None),
        signing_secret=_secret(settings.slack_signing_secret) if http else "",
    )
    if http:
        ready = lambda: not reception.closing  # noqa: E731 - one word of state
        web = await stack.enter_async_context(Web(app, settings.http_bind, ready=ready, routes=routes))
        watched.open(vocero)
        return f"events at port {web.port}"
    token = _secret(settings.slack_app_token)
    sockets = await stack.enter_async_context(Sockets(app, token, sockets=settings.slack_sockets))
    watched.open(vocero, lambda: _connected(sockets))
    return f"{await sockets.connected()} sockets"


async def _connected(sockets: Sockets) -> str:
    if not (n := await sockets.connected()):
        raise UnavailableError("no socket to Slack is open: it is being connected again; check the network.")
    return f"{n} sockets"


def _open_roster(
    vocero: "Vocero", settings: Settings, session: aiohttp.ClientSession
) -> tuple[Roster, tuple[RouteDef, ...]]:
    """Return the teams that installed the app, and the pages where further ones do."""
    client_id = settings.slack_client_id or ""
    keys = [key.get_secret_value() for key in settings.secret_keys]
    installs = vocero.chat.installations(keys, client_id, "slack")
    roster = Roster(installs, lambda token: Outbox(to_client(settings, session, token)))
    installer = Installer(
        installs,
        roster,
        Outbox(to_client(settings, session, None)),
        client_id=client_id,
        client_secret=_secret(settings.slack_client_secret),
    )
    return roster, installer.routes()


def to_desk(vocero: "Vocero", settings: Settings, session: aiohttp.ClientSession) -> Desk:
    """Return the product as the adapter sees it."""
    parts = urlsplit(settings.slack_api_url)
    own = parts.hostname == "slack.com" or (parts.hostname or "").endswith(".slack.com")
    orders = Orders(
        bot=vocero.bot,
        librarian=vocero.librarian,
        memory=vocero.chat.memory,
        rooms=vocero.chat.rooms,
        exchanges=vocero.chat.exchanges,
        lessons=vocero.chat.lessons,
        troubles=lambda: troubles(vocero.health),
    )
    return Desk(
        bot=vocero.bot,
        librarian=vocero.librarian,
        orders=orders,
        rooms=vocero.chat.rooms,
        exchanges=vocero.chat.exchanges,
        lessons=vocero.chat.lessons,
        limits=vocero.chat.limits,
        bulletin=vocero.chat.bulletin,
        session=session,
        admins=settings.admins,
        human=settings.human_group,
        trusted=frozenset() if own else frozenset({f"{parts.scheme}://{parts.netloc}"}),
        notes=vocero.notes,
    )


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""
