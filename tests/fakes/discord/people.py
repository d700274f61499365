"""What people do: say, reply, run a command, choose from a message's menu, click, fill a form."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.fakes.discord.calls import Call
from tests.fakes.discord.commands import Commands
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.messages import Messages
from tests.fakes.discord.world import ADMINISTRATOR, DM, FORUM, Json, World, walk

SUBCOMMANDS, FILE, CHANNEL, PERSON, ROLE = (1, 2), 11, 7, 6, 8


class People:
    """Everyone's hands. `user` and `channel` are names; a channel may also be one as the wire carries it."""

    def __init__(
        self, world: World, gateway: Gateway, messages: Messages, commands: Commands, interactions: Interactions
    ) -> None:
        self._world, self._gateway, self._messages = world, gateway, messages
        self._commands, self._interactions = commands, interactions

    def where(self, channel: str | Json) -> Json:
        """Return a channel."""
        return self._world.channels[channel] if isinstance(channel, str) else channel

    async def say(
        self,
        user: str,
        text: str,
        *,
        channel: str | Json = "general",
        reply_to: Json | None = None,
        files: Any = (),
        **extra: Any,
    ) -> Json:
        """Post a message; `@bot` becomes a real mention."""
        body: Json = {"content": text.replace("@bot", f"<@{self._world.app_id}>")}
        if reply_to:
            body["message_reference"] = {"message_id": reply_to["id"]}
        where, author = self.where(channel), self._world.users[user]
        made = self._messages.to_message(where["id"], body, list(files), author, **extra)
        if where["type"] == DM:
            await self._gateway.emit("MESSAGE_CREATE", made)
        else:
            member = dict(self._world.members[where["guild_id"]][author["id"]])
            member.pop("user")
            await self._gateway.emit("MESSAGE_CREATE", made | {"member": member})
        return made

    async def dm(self, user: str, text: str, files: Any = ()) -> Json:
        """Write to the bot alone."""
        return await self.say(user, text, channel=self._world.direct(user), files=files)

    async def post(self, user: str, title: str, text: str, *, channel: str) -> Json:
        """Open a forum's post and return its first message, whose id is the post's."""
        forum, author = self.where(channel), self._world.users[user]
        assert forum["type"] == FORUM
        thread = self._world.thread(title, forum, author["id"])
        await self._gateway.emit("THREAD_CREATE", thread | {"newly_created": True})
        return await self.say(user, text, channel=thread, id=thread["id"])

    async def delete(self, message: Json) -> None:
        """Take a message back."""
        await self._messages.removed(message["channel_id"], message["id"])

    async def remove(self, channel: str) -> None:
        """Delete a channel."""
        await self._messages.remove_channel(self.where(channel))

    async def slash(
        self,
        user: str,
        path: str,
        *,
        channel: str | Json = "general",
        force: bool = False,
        focus: str = "",
        **options: Any,
    ) -> Call:
        """Run a command such as `ask` or `docs add`; keywords beginning with `_` go to the interaction (`_locale`)."""
        about = {key[1:]: options.pop(key) for key in list(options) if key.startswith("_")}
        name, *subs = path.split()
        where = self.where(channel)
        command = self._commands.find(name, where.get("guild_id", ""))
        if not force and where["type"] != DM and not self.offered(user, command, where):
            raise PermissionError(f"{user} does not see /{name}")
        specification, chain = command, []
        for sub in subs:
            specification = next(o for o in specification["options"] if o["name"] == sub and o["type"] in SUBCOMMANDS)
            chain.append({"type": specification["type"], "name": sub})
        known = {o["name"]: o for o in specification.get("options") or []}
        if not focus and (missing := [n for n, o in known.items() if o.get("required") and n not in options]):
            raise ValueError(f"required options are missing: {missing}")
        resolved: Json = {}
        node: list[Json] = [
            {"name": k, "type": known[k]["type"], "value": self._value(known[k]["type"], v, resolved)}
            | ({"focused": True} if k == focus else {})
            for k, v in options.items()
        ]
        for link in reversed(chain):
            node = [link | {"options": node}]
        data = {"id": command["id"], "name": name, "type": 1, "options": node}
        data |= {"resolved": resolved} if resolved else {}
        return await self.interact(user, 4 if focus else 2, data, where, **about)

    def _value(self, kind: int, value: Any, resolved: Json) -> Any:
        """Return an option's value; what it names stands beside it in `resolved`."""
        if kind == FILE:
            resolved.setdefault("attachments", {})[value["id"]] = value
            return value["id"]
        if kind == CHANNEL:
            made = self.where(value)
            short = {key: made.get(key) for key in ("id", "type", "name", "parent_id")}
            resolved.setdefault("channels", {})[made["id"]] = short | {"permissions": "0"}
            return made["id"]
        if kind == ROLE:
            made = self._world.roles[value]
            resolved.setdefault("roles", {})[made["id"]] = made
            return made["id"]
        if kind == PERSON:
            made = self._world.users[value]
            resolved.setdefault("users", {})[made["id"]] = made
            return made["id"]
        return value

    def offered(self, user: str, command: Json, where: Json) -> bool:
        """Whether Discord would show a command to this person."""
        needed = command["default_member_permissions"]
        have = self._world.permissions(self._world.users[user]["id"], where)
        return needed is None or bool(have & ADMINISTRATOR) or (int(needed) != 0 and have & int(needed) == int(needed))

    async def menu(self, user: str, name: str, message: Json, **about: Any) -> Call:
        """Choose from a message's menu."""
        where = self._world.by_id(message["channel_id"])
        command = self._commands.find(name, where.get("guild_id", ""), 3)
        resolved = {"messages": {message["id"]: message}}
        data = {"id": command["id"], "name": name, "type": 3, "target_id": message["id"], "resolved": resolved}
        return await self.interact(user, 2, data, where, **about)

    async def click(self, user: str, message: Json, label: str = "", *, custom_id: str = "", **about: Any) -> Call:
        """Click a button, by its label or id."""
        where = self._world.by_id(message["channel_id"])
        for component in walk(message["components"]):
            wanted = component.get("custom_id") == custom_id or (label and component.get("label") == label)
            if component.get("custom_id") and wanted:
                if component.get("disabled"):
                    raise ValueError("the button is disabled")
                data = {"custom_id": component["custom_id"], "component_type": component["type"]}
                return await self.interact(user, 3, data, where, message=message, **about)
        raise LookupError(f"no such button on the message: {custom_id or label}")

    async def submit(
        self, user: str, opened: Call, *, custom_id: str = "", locale: str = "en-US", **values: Any
    ) -> Call:
        """Fill the form that `opened` got back; a file field takes a list of attachments."""
        components, resolved = [], {}
        for top in opened.modal["components"]:
            inner = top.get("component") or top["components"][0]
            value = values.get(inner["custom_id"])
            filled: Json = {"type": inner["type"], "custom_id": inner["custom_id"], "id": 2}
            if inner["type"] == 19:
                resolved.setdefault("attachments", {}).update({a["id"]: a for a in value or []})
                filled["values"] = [a["id"] for a in value or []]
            else:
                filled["value"] = value or ""
            wrapped = {"component": filled} if "component" in top else {"components": [filled]}
            components.append({"type": top["type"], "id": 1, **wrapped})
        data: Json = {"custom_id": custom_id or opened.modal["custom_id"], "components": components}
        data |= {"resolved": resolved} if resolved else {}
        where = self._world.by_id(opened.payload["channel_id"])
        return await self.interact(user, 5, data, where, message=opened.payload.get("message"), locale=locale)

    async def interact(
        self,
        user: str,
        kind: int,
        data: Json,
        where: Json,
        *,
        message: Json | None = None,
        locale: str = "en-US",
        age: float = 0.0,
    ) -> Call:
        """Send an interaction; `age`: seconds since it began, for tokens that are old."""
        who = self._world.users[user]
        payload: Json = {
            "id": self._world.id(time.time() - age),
            "application_id": self._world.app_id,
            "type": kind,
            "data": data,
            "token": f"tok{self._world.id()}",
            "version": 1,
            "channel_id": where["id"],
            "locale": locale,
            "entitlements": [],
            "attachment_size_limit": 10 << 20,
            "app_permissions": str(self._world.permissions(self._world.app_id, where)),
        }
        if where["type"] == DM:
            payload |= {"context": 1, "user": who, "channel": where, "authorizing_integration_owners": {"0": "0"}}
        else:
            guild_id = where["guild_id"]
            member = self._world.members[guild_id][who["id"]]
            payload |= {
                "context": 0,
                "guild_id": guild_id,
                "guild_locale": "en-US",
                "channel": where,
                "guild": {"id": guild_id, "locale": "en-US", "features": []},
                "authorizing_integration_owners": {"0": guild_id},
                "member": member | {"permissions": str(self._world.permissions(who["id"], where))},
            }
        if message is not None:
            payload["message"] = message
        call = self._interactions.calls[payload["token"]] = Call(payload, user, age=age)
        await self._gateway.emit("INTERACTION_CREATE", payload)
        return call

    def messages(self, channel: str | Json = "general") -> list[Json]:
        """Return what stands in a channel, oldest first."""
        rows = self._world.messages[self.where(channel)["id"]].values()
        return sorted(rows, key=lambda m: int(m["id"]))

    async def until(self, true: Callable[[], Any], timeout: float = 10.0) -> None:
        """Wait for something to be true."""
        async with asyncio.timeout(timeout):
            while not true():  # noqa: ASYNC110 - anything may make it true
                await asyncio.sleep(0.01)

    async def seen(self, true: Callable[[Json], Any], channel: str | Json = "general", timeout: float = 10.0) -> Json:
        """Wait for a message of the bot and return it."""
        found: list[Json] = []

        def look() -> bool:
            mine = [m for m in self.messages(channel) if m["author"]["id"] == self._world.app_id]
            found[:] = [m for m in mine if true(m)]
            return bool(found)

        await self.until(look, timeout)
        return found[-1]
