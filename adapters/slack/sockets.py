"""Socket Mode: some connections of one app, watched and mended."""

import asyncio
import logging
from types import TracebackType
from typing import Final, Self

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from adapters.slack.errors import to_error
from core.ending import end

SOCKETS: Final = 2  # of Slack's 10: one may be replaced while the other listens
PING: Final = 10.0  # seconds between pings; after four without an answer a socket counts as stalled
WATCH: Final = 15.0  # seconds between two looks of ours: the library has been known to stall in silence
log = structlog.get_logger()


class Sockets:
    """`async with` opens and closes; BotError when Slack refuses the app's token."""

    def __init__(self, app: AsyncApp, app_token: str, *, sockets: int = SOCKETS, watch: float = WATCH) -> None:
        self._app, self._token, self._sockets, self._watch = app, app_token, sockets, watch
        self._open: list[AsyncSocketModeHandler] = []
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        logger = logging.getLogger("slack_sdk.socket_mode")
        logger.setLevel(logging.CRITICAL)
        try:
            for _ in range(self._sockets):
                handler = AsyncSocketModeHandler(self._app, self._token, logger=logger, ping_interval=PING)
                self._open.append(handler)
                await handler.connect_async()  # type: ignore[no-untyped-call]
        except SlackApiError as error:
            await self._close()
            raise to_error(error) from error
        except BaseException:
            await self._close()
            raise
        self._watching = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watching:
            await end(self._watching)
        await self._close()

    async def connected(self) -> int:
        """How many connections are alive."""
        return sum([await handler.client.is_connected() for handler in self._open])

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._watch)
            for handler in self._open:
                await self._mend(handler)

    async def _mend(self, handler: AsyncSocketModeHandler) -> None:
        if await handler.client.is_connected():
            return
        log.warning("socket_stalled")
        try:
            await handler.client.connect_to_new_endpoint(force=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look tries again
            log.warning("socket_down", error=type(error).__name__)

    async def _close(self) -> None:
        for handler in self._open:
            await handler.close_async()  # type: ignore[no-untyped-call]
