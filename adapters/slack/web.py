"""HTTP mode: events, commands and buttons come as signed requests to one address; health beside it."""

from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from core.errors import SetupError

PATH: Final = "/slack/events"
LARGEST: Final = 4 << 20  # bytes of a request; Slack's are kilobytes
GRACE: Final = 5.0  # seconds that requests have to end at a stop


class Web:
    """The server; `async with` opens and closes it. `ready` says whether deliveries should come here."""

    def __init__(
        self, app: AsyncApp, bind: str, *, ready: Callable[[], bool], routes: tuple[web.RouteDef, ...] = ()
    ) -> None:
        self._app, self._ready, self._routes = app, ready, routes
        self._host, _, port = bind.rpartition(":")
        try:
            self._port = int(port)
        except ValueError as error:
            raise SetupError(f"VOCERO_HTTP_BIND is {bind!r}: write HOST:PORT, such as 127.0.0.1:3000.") from error
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        served = web.Application(client_max_size=LARGEST)
        served.router.add_post(PATH, self._take)
        served.router.add_get("/livez", self._live)
        served.router.add_get("/readyz", self._readyz)
        served.router.add_routes(self._routes)
        self._runner = web.AppRunner(served, access_log=None, shutdown_timeout=GRACE)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host or "127.0.0.1", self._port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise SetupError(
                f"VOCERO_HTTP_BIND {self._host}:{self._port} cannot be used: {error.strerror or error}."
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner:
            await self._runner.cleanup()

    @property
    def port(self) -> int:
        """The port that is bound, when 0 was asked for."""
        return int(self._runner.addresses[0][1]) if self._runner and self._runner.addresses else self._port

    async def _take(self, request: web.Request) -> web.Response:
        if not request.headers.get("x-slack-request-timestamp", "").isdigit():
            return web.Response(status=401, text="not signed")  # bolt would answer 500 and log a traceback
        return await to_aiohttp_response(await self._app.async_dispatch(await to_bolt_request(request)))

    async def _live(self, _: web.Request) -> web.Response:
        return web.Response(text="alive")

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.Response(text="ready") if self._ready() else web.Response(status=503, text="stopping")
