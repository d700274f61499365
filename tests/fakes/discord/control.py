"""What a person at a terminal can do in the fake: each verb is a method, and answers in sentences."""

import base64
from typing import Any

from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.interactions import Interactions
from tests.fakes.discord.people import FILE, SUBCOMMANDS, People
from tests.fakes.discord.rest import Rest
from tests.fakes.discord.world import EPHEMERAL, FORUM, Json, World, visible, walk

TRUE, BOOLEAN, FORM = {"true", "yes", "on", "1"}, 5, 9


class Control:
    """`do` takes a verb with what was given for it: `text`, `user`, `channel`, `body`, `options`."""

    def __init__(
        self, world: World, gateway: Gateway, rest: Rest, interactions: Interactions, people: People, commands: Any
    ) -> None:
        self._world, self._gateway, self._rest, self._people = world, gateway, rest, people
        self._interactions, self._commands = interactions, commands

    async def do(self, verb: str, given: Json) -> list[str]:
        """Do it, and return what is then to be read."""
        known = ("say", "dm", "post", "slash", "ask", "add", "menu", "click", "fill", "delete", "drop", "screen")
        if verb not in known:
            return [f"There is no {verb}: {', '.join(known)}."]
        try:
            user, text = str(given.get("user") or "alice"), str(given.get("text") or "")
            if user not in self._world.users:
                raise LookupError(f"there is no person {user}: {', '.join(self._world.users)}")
            said = await getattr(self, f"_{verb}")(user, text, given)
        except (LookupError, PermissionError, ValueError) as error:
            return [f"That cannot be done: {error.args[0]}."]
        return [*self.screen(), *([said] if said else [])]

    def screen(self) -> list[str]:
        """Return what people see, a line a message."""
        lines = []
        for name, channel in self._world.channels.items():
            for message in self._people.messages(channel):
                aside = f" (only {self._reader(message)} sees it)" if message["flags"] & EPHEMERAL else ""
                buttons = [c["label"] for c in walk(message["components"]) if c["type"] == 2 and c.get("label")]
                said = visible(message).replace("\n", " / ") or "is thinking…"
                lines.append(f"#{name} {message['author']['username']}{aside}: {said} {buttons or ''}".rstrip())
        return lines

    def _reader(self, message: Json) -> str:
        return str((message.get("interaction_metadata") or {}).get("user", {}).get("username", "one"))

    def _where(self, given: Json) -> Json:
        name = str(given.get("channel") or "general")
        threads = [c for key, c in self._world.channels.items() if key.startswith("thread:")]
        if name == "last" and threads:
            return threads[-1]
        if name not in self._world.channels:
            raise LookupError(
                f"there is no channel {name}: {', '.join(self._world.channels)}, or last for the last thread"
            )
        return self._world.channels[name]

    async def _screen(self, user: str, text: str, given: Json) -> str:
        return ""

    async def _say(self, user: str, text: str, given: Json) -> str:
        await self._people.say(user, text, channel=self._where(given))
        return ""

    async def _dm(self, user: str, text: str, given: Json) -> str:
        await self._people.dm(user, text)
        return ""

    async def _post(self, user: str, text: str, given: Json) -> str:
        where = self._where({"channel": given.get("channel") or "help"})
        if where["type"] != FORUM:
            raise ValueError("posts are for forums, such as help")
        await self._people.post(user, text, str(given.get("body") or "@bot"), channel=where)
        return f"{text} is posted"

    async def _ask(self, user: str, text: str, given: Json) -> str:
        return await self._slash(user, "ask", {**given, "options": {"question": text, **(given.get("options") or {})}})

    async def _add(self, user: str, text: str, given: Json) -> str:
        return await self._slash(user, "docs add", {**given, "options": {"text": text, **(given.get("options") or {})}})

    async def _slash(self, user: str, text: str, given: Json) -> str:
        where = self._where(given)
        kinds = self._options(text, where)
        options = {name: self._value(kinds.get(name, 3), value) for name, value in (given.get("options") or {}).items()}
        if wrong := set(options) - set(kinds):
            raise ValueError(f"/{text} has no option {', '.join(sorted(wrong))}: {', '.join(kinds) or 'it has none'}")
        call = await self._people.slash(
            user, text, channel=where, _locale=str(given.get("locale") or "en-US"), **options
        )
        return f"/{text} is sent as {call.user}"

    def _options(self, path: str, where: Json) -> dict[str, int]:
        name, *subs = path.split() or [""]
        try:
            node = self._commands.find(name, where.get("guild_id", ""))
        except LookupError:
            offered = ", ".join(f"/{c['name']}" for c in self._commands.sets[None] if c["type"] == 1)
            raise LookupError(f"there is no /{name}: {offered or 'no bot has sent any commands'}") from None
        for sub in subs:
            found = [o for o in node.get("options") or [] if o["name"] == sub and o["type"] in SUBCOMMANDS]
            if not found:
                raise LookupError(f"there is no /{path}")
            node = found[0]
        inner = [o for o in node.get("options") or [] if o["type"] in SUBCOMMANDS]
        if inner:
            raise LookupError(f"/{path} wants one of: {', '.join(o['name'] for o in inner)}")
        return {o["name"]: o["type"] for o in node.get("options") or []}

    def _value(self, kind: int, value: Any) -> Any:
        if kind == FILE:
            if not isinstance(value, dict):
                raise ValueError("a file is given as @PATH")
            return self._rest.attachment(value["name"], base64.b64decode(value["content"]))
        return str(value).casefold() in TRUE if kind == BOOLEAN else value

    async def _menu(self, user: str, text: str, given: Json) -> str:
        said = [m for m in self._people.messages(self._where(given)) if not m["author"].get("bot")]
        if not said:
            raise LookupError("nobody has said anything there")
        await self._people.menu(user, text, said[-1])
        return f"{text} is chosen for: {visible(said[-1])}"

    async def _click(self, user: str, text: str, given: Json) -> str:
        everything = [m for channel in self._world.channels.values() for m in self._people.messages(channel)]
        for message in sorted(everything, key=lambda m: -int(m["id"])):
            hidden = message["flags"] & EPHEMERAL and self._reader(message) != user
            if not hidden and any(c.get("label") == text for c in walk(message["components"])):
                await self._people.click(user, message, text)
                return f"{text} is pressed"
        raise LookupError(f"{user} sees no such button: {text}")

    async def _fill(self, user: str, text: str, given: Json) -> str:
        opened = [c for c in self._interactions.calls.values() if c.user == user and c.ack and c.ack["type"] == FORM]
        if not opened:
            raise LookupError("no form is open: click a button that opens one")
        form = opened[-1]
        fields = [c["custom_id"] for c in walk(form.modal["components"]) if c.get("custom_id")]
        files = given.get("options") or {}
        values = {name: [self._value(FILE, files[name])] if name in files else text for name in fields}
        await self._people.submit(user, form, **values)
        return "The form is sent"

    async def _delete(self, user: str, text: str, given: Json) -> str:
        for message in self._people.messages(self._where(given)):
            if message["author"]["username"] != self._world.bot["username"] and text in visible(message):
                await self._people.delete(message)
                return f"{text} is deleted"
        raise LookupError(f"nobody has said {text!r} there")

    async def _drop(self, user: str, text: str, given: Json) -> str:
        forget = text == "invalidate"
        await self._gateway.drop(op=9 if forget else 0, code=0 if forget else 4000, forget=forget)
        return "The gateway's connections are broken" + (", and their sessions forgotten" if forget else "")
