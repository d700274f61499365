"""The site: NiceGUI set up for this one page, behind its door."""

from fastapi import FastAPI
from nicegui import app, ui
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from adapters.console.desk import Desk
from adapters.console.door import Door
from adapters.console.login import Login
from adapters.console.page import Page, close_pages
from adapters.console.theme import FAVICON

RECONNECT = 6.0  # seconds a page waits for its browser to come back before an answer under way is given up
KEPT = 12 * 3600.0  # seconds a closed tab's conversation can be shown again; it lives in memory only


def site(desk: Desk, *, bound: str, token: str = "") -> ASGIApp:
    """Return the console as an ASGI app; once a process, since NiceGUI is one a process."""

    async def root() -> None:
        await Page(desk).fill()

    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.on_shutdown(close_pages)
    app.storage.max_tab_storage_age = KEPT
    app.config.socket_io_js_transports = ["websocket"]  # polling would be one more way in, for nothing
    ui.run_with(
        outer,
        root=root,
        title="Vocero",
        favicon=FAVICON,
        dark=None,
        language="en-US",
        reconnect_timeout=RECONNECT,
        tailwind=False,
        gzip_middleware_factory=None,
        show_welcome_message=False,
    )
    return GZipMiddleware(Door(outer, bound=bound, login=Login(token) if token else None))
