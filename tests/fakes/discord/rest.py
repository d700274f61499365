"""The REST API: routes, authorisation, files, headers and error bodies as discord.py expects them."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.fakes.discord.commands import Commands
from tests.fakes.discord.errors import ApiError
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.limits import Limits
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.world import Json, World

Route = Callable[..., Awaitable[Any]]


class Rest:
    """The routes under `/api/v10`; `journal` is every call as (method, path, body)."""

    def __init__(
        self,
        world: World,
        gateway: Gateway,
        messages: Messages,
        commands: Commands,
        interactions: Interactions,
        *,
        token: str,
    ) -> None:
        self._world, self._gateway, self._token = world, gateway, token
        self.limits = Limits()
        self.journal: list[tuple[str, str, Any]] = []
        self.files: dict[str, tuple[bytes, str]] = {}
        self._routes = [
            ("GET", "/users/@me", self._me),
            ("GET", "/users/@me/guilds", self._guilds),
            ("GET", "/users/{u}", self._user),
            ("POST", "/users/@me/channels", self._direct),
            ("GET", "/applications/@me", self._application),
            ("GET", "/oauth2/applications/@me", self._application),
            ("GET", "/gateway/bot", self._gateway_bot),
            ("GET", "/guilds/{g}/members/{u}", self._member),
            ("GET", "/applications/{a}/commands", commands.get),
            ("PUT", "/applications/{a}/commands", commands.put),
            ("GET", "/applications/{a}/guilds/{g}/commands", commands.get),
            ("PUT", "/applications/{a}/guilds/{g}/commands", commands.put),
            ("POST", "/channels/{c}/messages", messages.post),
            ("GET", "/channels/{c}/messages", messages.history),
            ("GET", "/channels/{c}/messages/{m}", messages.get),
            ("PATCH", "/channels/{c}/messages/{m}", messages.edit),
            ("DELETE", "/channels/{c}/messages/{m}", messages.delete),
            ("POST", "/channels/{c}/typing", messages.typing),
            ("GET", "/channels/{c}", messages.get_channel),
            ("PUT", "/channels/{c}/messages/{m}/reactions/{e}/@me", messages.react),
            ("POST", "/channels/{c}/messages/{m}/threads", messages.thread),
            ("POST", "/channels/{c}/threads", messages.thread),
            ("POST", "/interactions/{i}/{t}/callback", interactions.callback),
            ("POST", "/webhooks/{a}/{t}", interactions.follow_up),
            ("GET", "/webhooks/{a}/{t}/messages/{m}", interactions.get),
            ("PATCH", "/webhooks/{a}/{t}/messages/{m}", interactions.edit),
            ("DELETE", "/webhooks/{a}/{t}/messages/{m}", interactions.delete),
        ]

    async def serve(self, request: web.Request) -> web.Response:
        """Answer one call."""
        path, method = request.match_info["path"], request.method
        # without Via discord.py takes a 429 for a ban by Cloudflare
        headers = {"Via": "1.1 fake", "X-RateLimit-Scope": "user"}
        try:
            body, files = await self._body(request)
            self.journal.append((method, path, body))
            if planned := self.limits.failure(method, path):
                return to_response(planned[0], planned[1], headers)
            everywhere = self.limits.wait_all(path)
            wait = self.limits.wait(method, path, headers) if everywhere is None else everywhere
            if wait is not None:
                headers |= {"X-RateLimit-Global": "true"} if everywhere is not None else {}
                whole = everywhere is not None
                limited = {"message": "You are being rate limited.", "retry_after": wait, "global": whole}
                return to_response(429, limited, headers)
            self._authorise(request, path)
            answer = await self._dispatch(method, path, body=body, files=files, query=request.query)
        except ApiError as error:
            return to_response(error.status, error.body, headers)
        return web.Response(status=204, headers=headers) if answer is None else to_response(200, answer, headers)

    def _authorise(self, request: web.Request, path: str) -> None:
        by_token = path.startswith(("/interactions/", "/webhooks/"))
        if not by_token and request.headers.get("Authorization") != f"Bot {self._token}":
            raise ApiError(401, 0, "401: Unauthorized")

    async def _dispatch(self, method: str, path: str, **given: Any) -> Any:
        for verb, pattern, route in self._routes:
            found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern), path)
            if verb == method and found:
                return await route(**given, **found.groupdict())
        raise ApiError(404, 0, f"404: Not Found (the fake has no {method} {path})")

    async def _body(self, request: web.Request) -> tuple[Any, list[Json]]:
        if request.content_type != "multipart/form-data":
            raw = await request.read()
            return (json.loads(raw) if raw else None), []
        form = await request.post()
        files = [
            self.attachment(value.filename, value.file.read(), value.content_type)
            for key, value in form.items()
            if key.startswith("files[") and isinstance(value, web.FileField)
        ]
        return json.loads(str(form["payload_json"])), files

    def attachment(self, name: str, content: bytes, kind: str = "application/octet-stream") -> Json:
        """Keep a file and return it as an attachment."""
        id_ = self._world.id()
        self.files[id_] = (content, kind)
        url = f"http://127.0.0.1:{self._gateway.port}/cdn/{id_}/{name}?ex=0&is=0&hm=0&"
        return {"id": id_, "filename": name, "size": len(content), "url": url, "proxy_url": url, "content_type": kind}

    async def cdn(self, request: web.Request) -> web.Response:
        """Hand a file out."""
        content, kind = self.files[request.match_info["id"]]
        return web.Response(body=content, headers={"Content-Type": kind})

    async def _me(self, **_: Any) -> Json:
        return self._world.bot

    async def _guilds(self, **_: Any) -> list[Json]:
        everyone = [(g, self._world.roles[f"{name}:@everyone"]) for name, g in self._world.guilds.items()]
        return [
            {"id": g["id"], "name": g["name"], "icon": None, "owner": False, "permissions": role["permissions"]}
            | {"features": g["features"]}
            for g, role in everyone
        ]

    async def _user(self, u: str, **_: Any) -> Json:
        for user in self._world.users.values():
            if user["id"] == u:
                return user
        raise ApiError(404, 10013, "Unknown User")

    async def _direct(self, body: Json, **_: Any) -> Json:
        for name, user in self._world.users.items():
            if user["id"] == str(body["recipient_id"]):
                return self._world.direct(name)
        raise ApiError(400, 50033, "Invalid Recipient(s)")

    async def _member(self, g: str, u: str, **_: Any) -> Json:
        member = self._world.members[g].get(u)
        if member is None:
            raise ApiError(404, 10007, "Unknown Member")
        return member

    async def _application(self, **_: Any) -> Json:
        owner = next(iter(self._world.users.values()), self._world.bot)
        about = {"id": self._world.app_id, "name": "vocero", "icon": None, "description": "", "bot_public": False}
        more = {"flags": 0, "bot_require_code_grant": False, "verify_key": "0" * 64, "owner": owner, "team": None}
        return {**about, **more, "summary": "", "interactions_endpoint_url": None}

    async def _gateway_bot(self, **_: Any) -> Json:
        start = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
        return {"url": self._gateway.url, "shards": 1, "session_start_limit": start}


def to_response(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    """Return JSON; discord.py compares the type with `application/json` exactly, so without a charset."""
    content = json.dumps(body).encode()
    return web.Response(status=status, body=content, headers={**headers, "Content-Type": "application/json"})
