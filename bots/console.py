"""`vocero run console`: the chat page in its own process, from the bound port to the last closed connection."""

import asyncio
import errno
import functools
import signal
import socket
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from adapters.console.desk import Desk, Product
from adapters.console.door import loopback
from core.errors import SetupError
from infra.settings import Settings

if TYPE_CHECKING:
    from uvicorn import Server

PORT: Final = 8321
GRACE: Final = 1  # seconds that open connections have to end
Say = Callable[[str], None]
Opening = Callable[[Say], AbstractAsyncContextManager[Product]]
_print: Final = functools.partial(print, flush=True)


def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    workspace: str = "local",
    examples: tuple[str, ...] = (),
    open_browser: bool = False,
) -> None:
    """Serve the chat page until Ctrl-C or SIGTERM. SetupError for a taken port, or an open door without a token."""

    @asynccontextmanager
    async def opening(say: Say) -> AsyncIterator[Product]:
        from bots.oversight import overseen
        from bots.wiring import open_vocero

        async with (
            overseen(settings, "console", say=_print) as oversight,
            open_vocero(settings, say=say, telemetry=oversight.telemetry) as vocero,
            vocero.nightly(),
        ):
            oversight.open(vocero)
            try:
                yield vocero
            finally:
                oversight.close()

    token = settings.console_token.get_secret_value() if settings.console_token else ""
    desk = Desk(workspace=workspace, examples=examples)
    serve_desk(desk, opening, host=host, port=port, token=token, open_browser=open_browser)


def serve_desk(
    desk: Desk,
    opening: Opening,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    token: str = "",
    open_browser: bool = False,
    say: Say = _print,
) -> None:
    """Serve any bot that `opening` opens; its errors end the serving and are raised."""
    if not token and not loopback(host):
        raise SetupError(
            f"The console would be open to everyone who reaches {host}: set VOCERO_CONSOLE_TOKEN, or use 127.0.0.1."
        )
    with closing(_listen(host, port)) as listener:
        bound = f"[{host}]" if ":" in host else host
        address = f"http://{bound}:{listener.getsockname()[1]}"

        def ready() -> None:
            say(f"The console is on {address} (Ctrl-C ends it).")
            if open_browser:
                asyncio.get_running_loop().run_in_executor(None, webbrowser.open, address)

        asyncio.run(_run(desk, opening, listener, token=token, ready=ready, say=say))


def check_port(host: str, port: int) -> None:
    """Raise SetupError when the console could not be served there."""
    _listen(host, port).close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise SetupError(_why(error, host, port)) from error
    return listener


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken: end what uses it, or choose another with --port."
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"Port {port} may not be used by this account: choose one from 1024 on with --port."
    return f"The console cannot listen on {host}: {error.strerror or error}."


async def _run(
    desk: Desk, opening: Opening, listener: socket.socket, *, token: str, ready: Callable[[], None], say: Say
) -> None:
    stop = asyncio.Event()
    with _signals(stop):
        server = _server(desk, str(listener.getsockname()[0]), token)
        keeping = asyncio.create_task(_keep(desk, opening, stop, say))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        serving.add_done_callback(lambda _: stop.set())
        while not server.started and not stop.is_set():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        if server.started:
            ready()
        await stop.wait()
        server.should_exit = True
        await serving
        if desk.product is None:
            keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


async def _keep(desk: Desk, opening: Opening, stop: asyncio.Event, say: Say) -> None:
    """Keep the bot open until the end; the page says meanwhile how far it has come."""

    def step(sentence: str) -> None:
        desk.say(sentence)
        say(sentence)

    try:
        async with opening(step) as product:
            desk.open(product)
            await stop.wait()
    finally:
        stop.set()


def _server(desk: Desk, bound: str, token: str) -> "Server":
    import uvicorn

    from adapters.console.site import site

    config = uvicorn.Config(
        site(desk, bound=bound, token=token),
        log_config=None,
        log_level="critical",  # what it reports at shutdown is what was asked for
        access_log=False,
        server_header=False,
        ws="wsproto",
        lifespan="on",
        timeout_graceful_shutdown=GRACE,
    )
    return uvicorn.Server(config)


@contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM set an event; uvicorn's own handlers, set later, do not keep the loop's from hearing."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
