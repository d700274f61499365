"""Slack's stock app, with one rule of ours before everything else: accepted durably first, then acknowledged.

bolt acknowledges events before their listeners run and forgets listeners at exit. So nothing happens in listeners: the
global middleware writes the inbox row, the listeners only acknowledge, and the work is `core.reception`'s.
"""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.events import to_arrival, to_team
from adapters.slack.heard import to_plain
from adapters.slack.modals import faults
from adapters.slack.team import Teams
from core.errors import BotError, KnowledgeDown, RefusedError
from core.phrases import phrase
from core.words import language

ANY: Final = re.compile(r".*")
QUIET: Final = ("slack_bolt", "slack_sdk")  # a bad signature is logged there with the whole body
log = structlog.get_logger()


def to_app(
    *, teams: Teams, accept: Callable[[Any], Awaitable[bool]], client: AsyncWebClient, signing_secret: str = ""
) -> AsyncApp:
    """Return the app. `accept` is `Reception.accept`; in Socket Mode there is no signature to check."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult | None:
        try:
            team = await teams(team_id or enterprise_id or "", enterprise_id or "")
        except RefusedError:
            return None  # not installed there: bolt answers, nothing is done
        return AuthorizeResult(
            enterprise_id=enterprise_id,
            team_id=team.me.team,
            bot_user_id=team.me.user,
            bot_id=team.me.bot,
            bot_token=team.token,
        )

    app = AsyncApp(
        name="vocero",
        logger=_logger(),
        client=client,
        authorize=authorize,  # type: ignore[arg-type]  # None: not installed there
        signing_secret=signing_secret or "socket mode has none",
        request_verification_enabled=bool(signing_secret),
        attaching_conversation_kwargs_enabled=False,
    )

    async def first(req: AsyncBoltRequest, next: Callable[[], Awaitable[Any]]) -> BoltResponse | None:  # noqa: A002
        try:
            org = (req.context.enterprise_id or "") if req.context.is_enterprise_install else ""
            team = await teams(to_team(req.body, req.context.team_id or "", org), org)
        except RefusedError:  # removed from there: nothing to do, and nothing to send again
            await next()
            return None
        arrival = to_arrival(req.body, team.me)
        if arrival is not None:
            if wrong := faults(arrival.payload):  # said in the dialog itself, which stays open
                return BoltResponse(status=200, body={"response_action": "errors", "errors": wrong})
            try:
                await accept(arrival)
            except BotError as error:
                return _refusal(req, error)
        await next()
        return None

    app.use(first)
    app.event(ANY)(_heard)
    app.command(ANY)(_taken)
    app.action(ANY)(_taken)
    app.shortcut(ANY)(_taken)
    app.view(ANY)(_taken)
    return app


async def _heard() -> None:
    """The catch-all for every event subscribed to: an unhandled one would be sent again."""


async def _taken(ack: AsyncAck) -> None:
    await ack()


def _refusal(req: AsyncBoltRequest, error: BotError) -> BoltResponse:
    """Events are not acknowledged, so that Slack sends them again; people at a command are told."""
    log.warning("not_accepted", error=type(error).__name__)
    if "event" in req.body or not isinstance(error, KnowledgeDown):
        return BoltResponse(status=503, body="")
    tongue = language(to_plain(str(req.body.get("text") or "")))
    if "command" in req.body:
        return BoltResponse(status=200, body=phrase("down", tongue))
    return BoltResponse(status=503, body="")


def _logger() -> logging.Logger:
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    return logging.getLogger("slack_bolt")
