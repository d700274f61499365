"""The whole fake on one port, with a control surface for people and for tests of other processes."""

import base64
import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import yarl
from aiohttp import web

from tests.fakes.discord.commands import Commands
from tests.fakes.discord.control import Control
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.people import People
from tests.fakes.discord.rest import Rest
from tests.fakes.discord.world import ADMINISTRATOR, FORUM, MANAGE_GUILD, Json, World


class FakeDiscord:
    """A server `lab` with owner, mod (Manage Server), alice and ben; channels general, people (hidden), help."""

    def __init__(self, *, content_intent: bool = False, heartbeat: float = 41.25, port: int = 0) -> None:
        self._port = port
        self.world = world = World()
        self.token = base64.b64encode(world.app_id.encode()).decode().rstrip("=") + ".fake.token"
        self.gateway = Gateway(world, token=self.token, content_intent=content_intent, heartbeat=heartbeat)
        self.messages = Messages(world, self.gateway)
        self.commands = Commands(world)
        self.interactions = Interactions(world, self.gateway, self.messages)
        self.rest = Rest(world, self.gateway, self.messages, self.commands, self.interactions, token=self.token)
        self.people = People(world, self.gateway, self.messages, self.commands, self.interactions)
        self.control = Control(world, self.gateway, self.rest, self.interactions, self.people, self.commands)
        self.limits = self.rest.limits
        self._furnish()

    def _furnish(self) -> None:
        world = self.world
        world.guild("lab")
        world.user("owner", permissions=ADMINISTRATOR)
        world.guilds["lab"]["owner_id"] = world.users["owner"]["id"]
        world.role("people")
        world.user("mod", permissions=MANAGE_GUILD, roles=("people",))
        world.user("alice", roles=("people",))
        world.user("ben")
        world.channel("general")
        world.channel("people")
        world.hide("people", roles=("people",))
        world.channel("help", FORUM)

    @property
    def guild_id(self) -> str:
        """The id of `lab`."""
        return str(self.world.guilds["lab"]["id"])

    @property
    def workspace(self) -> str:
        """The tenant that `lab` is."""
        return f"discord/{self.guild_id}"

    @property
    def api_url(self) -> str:
        """What DISCORD_API_URL should be."""
        return f"http://127.0.0.1:{self.gateway.port}/api/v10"

    @property
    def gateway_url(self) -> str:
        """What DISCORD_GATEWAY_URL should be."""
        return self.gateway.url

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_get("/gateway/", self.gateway.serve)
        app.router.add_get("/cdn/{id}/{name}", self.rest.cdn)
        app.router.add_post("/control/{verb}", self._control)
        app.router.add_route("*", "/api/v10{path:/.*}", self.rest.serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.gateway.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.gateway.close()
        await self._runner.cleanup()

    @contextlib.contextmanager
    def patched(self) -> Iterator[None]:
        """Let discord.py in this process talk to the fake: its two class attributes, nothing else."""
        from discord.gateway import DiscordWebSocket
        from discord.http import Route

        before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = self.api_url, yarl.URL(self.gateway_url)
        try:
            yield
        finally:
            Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before

    def attachment(self, name: str, content: bytes, kind: str = "application/octet-stream") -> Json:
        """Return a file to attach."""
        return self.rest.attachment(name, content, kind)

    def screen(self) -> list[str]:
        """Return what people see, a line a message."""
        return self.control.screen()

    async def _control(self, request: web.Request) -> web.Response:
        """Do what a person at a terminal asks for."""
        given: dict[str, Any] = await request.json()
        return web.json_response(await self.control.do(request.match_info["verb"], given))
