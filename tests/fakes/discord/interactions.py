"""Interactions: three seconds for the first response, one response only, fifteen minutes for the token."""

import time
from typing import Any

from tests.fakes.discord.calls import Call
from tests.fakes.discord.errors import ApiError, invalid
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.rules import check_message
from tests.fakes.discord.world import EPHEMERAL, LOADING, Json, World

ALLOWED = {2: (4, 5, 9), 3: (4, 5, 6, 7, 9), 4: (8,), 5: (4, 5, 6, 7)}


class Interactions:
    """The callback and webhook routes; `calls` by token."""

    def __init__(self, world: World, gateway: Gateway, messages: Messages) -> None:
        self._world, self._gateway, self._messages = world, gateway, messages
        self.ack_deadline, self.token_life = 3.0, 900.0
        self.calls: dict[str, Call] = {}

    async def callback(self, i: str, t: str, body: Json, files: list[Json], query: Any, **_: Any) -> Json | None:
        """Take the first response."""
        call = self.calls.get(t)
        age = time.monotonic() - call.arrived if call else 0.0
        if call is None or call.id != i or (call.ack is None and age > self.ack_deadline):
            raise ApiError(404, 10062, "Unknown interaction")
        if call.ack is not None:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        kind, answered, data = call.payload["type"], body["type"], body.get("data") or {}
        if answered not in ALLOWED[kind]:
            raise invalid("type", "BASE_TYPE_CHOICES", f"Value must be one of {ALLOWED[kind]}.")
        self._check(answered, data)
        await self._begin(call, answered, data, files)
        call.ack, call.ack_after = body, age
        call.changed.set()
        return self._told(call, answered) if query.get("with_response") in ("1", "true") else None

    def _check(self, answered: int, data: Json) -> None:
        if answered == 8 and len(data["choices"]) > 25:
            raise invalid("data.choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
        if answered == 8 and any(not 1 <= len(choice["name"]) <= 100 for choice in data["choices"]):
            raise invalid("data.choices", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
        if answered == 9 and not (1 <= len(data["title"]) <= 45 and 1 <= len(data["components"]) <= 5):
            raise invalid("data.title", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 45 in length.")

    async def _begin(self, call: Call, answered: int, data: Json, files: list[Json]) -> None:
        flags = data.get("flags", 0)
        if answered == 4:
            check_message(data, files, flags)
            call.original = self._reply(call, data, files, flags)
            if not flags & EPHEMERAL:
                await self._gateway.emit("MESSAGE_CREATE", call.original)
        elif answered == 5:
            call.original = self._reply(call, {}, [], flags & EPHEMERAL | LOADING)
        elif answered in (6, 7):
            call.original = call.payload["message"]
            if answered == 7 and call.original is not None:
                await self._messages.change(call.original, data, files)

    def _told(self, call: Call, answered: int) -> Json:
        about: Json = {"id": call.id, "type": call.payload["type"]}
        if call.original is not None:
            about["response_message_id"] = call.original["id"]
            about["response_message_loading"] = bool(call.original["flags"] & LOADING)
            about["response_message_ephemeral"] = bool(call.original["flags"] & EPHEMERAL)
        shown = {"message": call.original} if answered in (4, 7) else {}
        return {"interaction": about, "resource": {"type": answered, **shown}}

    def _reply(self, call: Call, body: Json, files: list[Json], flags: int) -> Json:
        about = {
            "id": call.id,
            "type": call.payload["type"],
            "user": self._world.users[call.user],
            "authorizing_integration_owners": call.payload["authorizing_integration_owners"],
        }
        kind = 20 if call.payload["type"] == 2 else 19
        more = {"webhook_id": self._world.app_id, "application_id": self._world.app_id, "interaction_metadata": about}
        channel, bot = call.payload["channel_id"], self._world.bot
        return self._messages.to_message(channel, body, files, bot, flags, type=kind, **more)

    def _call(self, t: str) -> Call:
        call = self.calls.get(t)
        if call is None or call.ack is None:
            raise ApiError(404, 10015, "Unknown Webhook")
        if time.monotonic() - call.born > self.token_life:
            raise ApiError(401, 50027, "Invalid Webhook Token")
        self._messages.channel_exists(call.payload["channel_id"])
        return call

    def _found(self, call: Call, m: str) -> Json:
        known = [message for message in (call.original, *call.followups) if message is not None]
        found = call.original if m == "@original" else next((x for x in known if x["id"] == m), None)
        if found is None or found["id"] not in self._world.messages[found["channel_id"]]:
            raise ApiError(404, 10008, "Unknown Message")
        return found

    async def follow_up(self, t: str, body: Json, files: list[Json], **_: Any) -> Json:
        """Say more; the first one after a deferral fills the placeholder."""
        call = self._call(t)
        stands = call.original and call.original["id"] in self._world.messages[call.payload["channel_id"]]
        if call.original and stands and call.original["flags"] & LOADING:
            return await self._finish(call, call.original, body, files)
        flags = body.get("flags", 0)
        check_message(body, files, flags)
        made = self._reply(call, body, files, flags)
        call.followups.append(made)
        call.changed.set()
        if not flags & EPHEMERAL:
            await self._gateway.emit("MESSAGE_CREATE", made)
        return made

    async def _finish(self, call: Call, message: Json, body: Json, files: list[Json]) -> Json:
        out = await self._messages.change(message, body, files)
        call.edited.append(time.monotonic())
        call.changed.set()
        return out

    async def get(self, t: str, m: str, **_: Any) -> Json:
        """Return a reply."""
        return self._found(self._call(t), m)

    async def edit(self, t: str, m: str, body: Json, files: list[Json], **_: Any) -> Json:
        """Edit a reply."""
        call = self._call(t)
        return await self._finish(call, self._found(call, m), body, files)

    async def delete(self, t: str, m: str, **_: Any) -> None:
        """Take a reply back."""
        call = self._call(t)
        found = self._found(call, m)
        del self._world.messages[found["channel_id"]][found["id"]]
        call.changed.set()
