"""Messages: posted, edited, deleted, found; threads; the nonce that makes a repeated post the same message."""

import re
from typing import Any

from tests.fakes.discord.errors import ApiError, invalid
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.rules import LEGACY, check_message
from tests.fakes.discord.world import (
    CREATE_THREADS,
    DM,
    EPHEMERAL,
    FORUM,
    LOADING,
    SEND,
    SEND_IN_THREADS,
    THREADS,
    V2,
    VIEW,
    Json,
    World,
    now,
    visible,
)


class Messages:
    """What stands in the channels, and the routes of the API about it."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world, self._gateway = world, gateway
        self._nonces: dict[tuple[str, str], str] = {}
        self.typed: list[str] = []
        self.reactions: list[tuple[str, str]] = []
        self.posted = 0

    def to_message(
        self, channel_id: str, body: Json, files: list[Json], author: Json, flags: int = 0, **extra: Any
    ) -> Json:
        """Make and keep a message; who it pings follows from `allowed_mentions`."""
        content, allowed = body.get("content") or "", body.get("allowed_mentions")

        def pings(kind: str, id_: str) -> bool:
            return allowed is None or kind in allowed.get("parse", []) or id_ in map(str, allowed.get(kind, []))

        said = visible(body)  # the texts of components ping, too
        by_id = {user["id"]: user for user in [*self._world.users.values(), self._world.bot]}
        named = dict.fromkeys(re.findall(r"<@!?(\d+)>", said))
        everyone = allowed is None or "everyone" in allowed.get("parse", [])
        channel = self._world.by_id(channel_id)
        message: Json = {
            "id": self._world.id(),
            "type": 0,
            "channel_id": channel_id,
            "author": author,
            "content": content,
            "embeds": body.get("embeds") or [],
            "components": body.get("components") or [],
            "attachments": files,
            "mentions": [by_id[i] for i in named if i in by_id and pings("users", i)],
            "mention_roles": [i for i in re.findall(r"<@&(\d+)>", said) if pings("roles", i)],
            "mention_everyone": bool(re.search("@everyone|@here", said)) and everyone,
            "pinned": False,
            "tts": False,
            "timestamp": now(),
            "edited_timestamp": None,
            "flags": flags,
            "nonce": body.get("nonce"),
            **({} if channel["type"] == DM else {"guild_id": channel["guild_id"]}),
            **extra,
        }
        self._refer(message, body.get("message_reference"), allowed)
        self._world.messages[channel_id][message["id"]] = message
        return message

    def _refer(self, message: Json, reference: Json | None, allowed: Json | None) -> None:
        if not reference:
            return
        target = self._world.messages[message["channel_id"]].get(str(reference["message_id"]))
        if target is None and reference.get("fail_if_not_exists", True):
            raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        reference = {"message_id": str(reference["message_id"]), "channel_id": message["channel_id"], "type": 0}
        message |= {"type": 19, "message_reference": reference, "referenced_message": target}
        pinged = allowed is None or bool(allowed.get("replied_user"))
        if target and pinged and target["author"] not in message["mentions"]:
            message["mentions"] = [*message["mentions"], target["author"]]

    def channel(self, c: str, needs: int = VIEW) -> Json:
        """Return a channel in which the bot has these rights; ApiError."""
        found = self.channel_exists(c)
        have = self._world.permissions(self._world.app_id, found)
        if not have & VIEW:
            raise ApiError(403, 50001, "Missing Access")
        if needs & ~have:
            raise ApiError(403, 50013, "Missing Permissions")
        return found

    def channel_exists(self, c: str) -> Json:
        """Return a channel; ApiError."""
        try:
            return self._world.by_id(c)
        except KeyError:
            raise ApiError(404, 10003, "Unknown Channel") from None

    def message(self, c: str, m: str) -> Json:
        """Return a message; ApiError."""
        try:
            return self._world.messages[c][m]
        except KeyError:
            raise ApiError(404, 10008, "Unknown Message") from None

    async def post(self, c: str, body: Json, files: list[Json], **_: Any) -> Json:
        """Post as the bot."""
        found = self.channel(c)
        self.channel(c, SEND_IN_THREADS if found["type"] in THREADS else SEND)
        if found["type"] == FORUM:
            raise ApiError(400, 50008, "Cannot send messages in a non-text channel")
        key = (c, str(body.get("nonce")))
        if body.get("enforce_nonce") and key in self._nonces:
            return self.message(c, self._nonces[key])
        check_message(body, files, body.get("flags", 0))
        made = self.to_message(c, body, files, self._world.bot, body.get("flags", 0))
        if body.get("enforce_nonce"):
            self._nonces[key] = made["id"]
        self.posted += 1
        await self._gateway.emit("MESSAGE_CREATE", made)
        return made

    async def edit(self, c: str, m: str, body: Json, files: list[Json], **_: Any) -> Json:
        """Edit one of the bot's own."""
        self.channel(c)
        found = self.message(c, m)
        if found["author"]["id"] != self._world.app_id:
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        return await self.change(found, body, files)

    async def change(self, found: Json, body: Json, files: list[Json]) -> Json:
        """Apply an edit; components v2 cannot be taken back."""
        loading = bool(found["flags"] & LOADING)
        flags = (found["flags"] & ~LOADING) | (body.get("flags") or 0) & (V2 | 4)
        if found["flags"] & V2 and body.get("content"):
            raise invalid("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", LEGACY)
        check_message(body, files, flags, edit=True)
        for key in ("content", "embeds", "components"):
            if key in body:
                found[key] = body[key] or ("" if key == "content" else [])
        found["attachments"] = [*found["attachments"], *files]
        found |= {"flags": flags, "edited_timestamp": None if loading else now()}
        if not flags & EPHEMERAL:
            await self._gateway.emit("MESSAGE_UPDATE", found)
        return found

    async def get(self, c: str, m: str, **_: Any) -> Json:
        """Return one message."""
        self.channel(c)
        return self.message(c, m)

    async def delete(self, c: str, m: str, **_: Any) -> None:
        """Delete a message."""
        self.message(c, m)
        await self.removed(c, m)

    async def removed(self, c: str, m: str) -> None:
        """Take a message away, whoever did."""
        gone = self._world.messages[c].pop(m)
        where = {key: gone[key] for key in ("guild_id",) if key in gone}
        await self._gateway.emit("MESSAGE_DELETE", {"id": m, "channel_id": c, **where})

    async def remove_channel(self, channel: Json) -> None:
        """Take a channel away, with its threads and all that stands in them."""
        gone = [c for c in self._world.channels.values() if channel["id"] in (c["id"], c.get("parent_id"))]
        self._world.channels = {name: c for name, c in self._world.channels.items() if c not in gone}
        for one in gone:
            self._world.messages.pop(one["id"], None)
            await self._gateway.emit("THREAD_DELETE" if one["type"] in THREADS else "CHANNEL_DELETE", one)

    async def history(self, c: str, query: Any, **_: Any) -> list[Json]:
        """Return the last messages, newest first."""
        rows = sorted(self._world.messages[c].values(), key=lambda m: int(m["id"]), reverse=True)
        before, after = query.get("before"), query.get("after")
        rows = [m for m in rows if (not before or int(m["id"]) < int(before)) and int(m["id"]) > int(after or 0)]
        return [m for m in rows if not m["flags"] & EPHEMERAL][: int(query.get("limit", 50))]

    async def typing(self, c: str, **_: Any) -> None:
        """Show that the bot types."""
        self.channel(c)
        self.typed.append(c)

    async def get_channel(self, c: str, **_: Any) -> Json:
        """Return a channel."""
        return self.channel(c)

    async def react(self, c: str, m: str, e: str, **_: Any) -> None:
        """Add the bot's reaction."""
        self.message(c, m)
        self.reactions.append((m, e))

    async def thread(self, c: str, body: Json, m: str = "", files: list[Json] | None = None, **_: Any) -> Json:
        """Open a thread; one from a message has the message's id, and there is only one."""
        parent = self.channel(c, CREATE_THREADS)
        if m:
            self.message(c, m)
        if not 1 <= len(body["name"]) <= 100:
            raise invalid("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
        if m and f"thread:{m}" in self._world.channels:
            raise ApiError(400, 160004, "A thread has already been created for this message")
        private = body.get("type") == 12
        made = self._world.thread(body["name"], parent, self._world.app_id, id_=m, private=private)
        await self._gateway.emit("THREAD_CREATE", made | {"newly_created": True})
        return made
