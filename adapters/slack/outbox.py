"""All that is said to one team: waits as long as Slack asks, tries again what may be tried again, translates errors."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from weakref import WeakValueDictionary

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.errors import SlackDown, to_error
from core.errors import BotError

TRIES: Final = 4
LONGEST: Final = 60.0  # seconds of waiting for one call; beyond, the work goes back to the inbox
PAUSE: Final = 0.3  # seconds before a call is tried again that Slack did not answer
REPEATABLE: Final = ("chat.update", "chat.delete", "assistant.threads.setStatus", "views.publish")
POST: Final = "chat.postMessage"
PAGE: Final = 200
log = structlog.get_logger()

Sure = Callable[[], Awaitable[None]]


class Outbox:
    """One team's way out. What was rate limited rests for all its callers.

    Slack takes about one post a second in a channel: there they stand in line, else all would come back at once.
    """

    def __init__(self, client: AsyncWebClient) -> None:
        self.client = client
        self._rest: dict[str, float] = defaultdict(float)
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.scopes: frozenset[str] = frozenset()  # what the token may, as the last answer said; empty: not told

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method and return Slack's answer. SlackDown, SlackRefused, and what `sure` raises.

        `sure` is asked when the wait in line is over, right before the call: meanwhile the work may be another's.
        A post that got no answer is not repeated here: it may have arrived. The work is taken up again and looks first.
        """
        sure: Sure | None = arguments.pop("sure", None)
        given = {key: value for key, value in arguments.items() if value is not None}
        if method != POST:
            return await self._try(method, given, method, sure)
        place = f"{method} {given.get('channel')}"
        line = self._lines.setdefault(place, asyncio.Lock())
        async with line:
            return await self._try(method, given, place, sure)

    async def _try(self, method: str, given: dict[str, Any], place: str, sure: Sure | None) -> dict[str, Any]:
        until = time.monotonic() + LONGEST
        for last in (*([False] * (TRIES - 1)), True):
            await self._wait(place, until)
            if sure:
                await sure()
            try:
                return await self._send(method, given)
            except SlackDown as error:
                if error.after:
                    self._rest[place] = max(self._rest[place], time.monotonic() + error.after)
                    log.info("slack_busy", method=method, seconds=error.after)
                elif last or not _repeatable(method):
                    raise
                else:
                    await asyncio.sleep(PAUSE)
                if last:
                    raise
        raise SlackDown("Slack did not answer.")

    async def form(self, method: str, **fields: str) -> dict[str, Any]:
        """Call a method that takes a form and no token, once. SlackDown, SlackRefused."""
        try:
            response = await self.client.api_call(method, data=fields)
        except SlackApiError as error:
            raise to_error(error) from error
        except (aiohttp.ClientError, TimeoutError, OSError, SlackClientError) as error:
            raise SlackDown("Slack did not answer.") from error
        return response.data if isinstance(response.data, dict) else {}

    async def pages(self, method: str, key: str, **arguments: Any) -> AsyncIterator[Any]:
        """Yield the rows of all pages."""
        cursor = ""
        while True:
            page = await self.call(method, limit=PAGE, cursor=cursor or None, **arguments)
            for row in page.get(key) or ():
                yield row
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    async def _wait(self, place: str, until: float) -> None:
        while (rest := self._rest[place] - time.monotonic()) > 0:
            if time.monotonic() + rest > until:
                raise SlackDown("Slack asked me to wait too long.", rest)
            await asyncio.sleep(rest)

    async def _send(self, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            if _reads(method):
                response = await self.client.api_call(method, http_verb="GET", params=_flat(arguments))
            else:
                response = await self.client.api_call(method, json=arguments)
        except SlackApiError as error:
            raise to_error(error) from error
        except (aiohttp.ClientError, TimeoutError, OSError, SlackClientError) as error:
            raise SlackDown("Slack did not answer.") from error
        told = str(response.headers.get("x-oauth-scopes") or "")
        self.scopes = frozenset(filter(None, told.replace(" ", "").split(","))) or self.scopes
        return response.data if isinstance(response.data, dict) else {}


async def attempt(step: Any, *, what: str) -> bool:
    """Do what is nice to have; whether it was done."""
    try:
        await step
    except BotError as error:
        log.info("slack_step_skipped", step=what, error=type(error).__name__, code=getattr(error, "code", ""))
        return False
    return True


def _reads(method: str) -> bool:
    return method.rpartition(".")[2] in ("info", "list", "members", "replies", "history", "conversations", "test")


def _repeatable(method: str) -> bool:
    return _reads(method) or method in REPEATABLE


def _flat(arguments: dict[str, Any]) -> dict[str, Any]:
    return {key: str(value).lower() if isinstance(value, bool) else value for key, value in arguments.items()}
