"""The fake itself: it listens on loopback, and people do things in it (`say`, `press`, `command`, `edit`, `delete`)."""

import asyncio
import re
import time
import uuid
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

from tests.fakes.slack.delivery import Delivered, Delivery
from tests.fakes.slack.web import WebApi
from tests.fakes.slack.world import APP, BOT, TEAM, Message, World, visible

EVENTS = frozenset({"app_mention", "message.im", "message.channels", "message.groups", "message.mpim"})
LOGIN = "<!DOCTYPE html><html><title>Sign in to Slack</title></html>"
_NAME = re.compile(r"@(\w+)")


class FakeSlack:
    """`async with FakeSlack() as slack:` serves at `slack.api_url`.

    `order`: whether of a mention's two events the `mention` or the `message` comes first. `subscribed`: event types.
    """

    def __init__(self, *, port: int = 0, clock: Callable[[], float] = time.time) -> None:
        self.world = World(clock)
        self.web, self.delivery = WebApi(self.world), Delivery()
        self.order = "mention"
        self.subscribed = set(EVENTS)
        self.responses: dict[str, list[dict[str, Any]]] = {}
        self.deliveries: list[tuple[str, Delivered]] = []
        self.url_lives = 1_800.0  # seconds that a response_url takes replies
        self.html: set[str] = set()  # files that always answer with the login page
        self.hosts: list[str] = []  # tokens that file downloads carried
        self._answers_to: dict[str, tuple[str, str, float]] = {}  # channel, user, since when
        self._port = port
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/api/{method}", self.web.handle)
        app.router.add_get("/link", self.delivery.link)
        app.router.add_post("/response/{id}", self._response)
        app.router.add_get("/files/{id}/{name}", self._file)
        app.router.add_post("/control/{verb}", self._control)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.web.link = lambda: f"ws://127.0.0.1:{self._port}/link?ticket={uuid.uuid4()}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.delivery.cut()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """The address of the fake."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def api_url(self) -> str:
        """What `SLACK_API_URL` must be."""
        return f"{self.url}/api/"

    # --- what people do

    async def say(
        self,
        text: str,
        *,
        user: str = "ana",
        channel: str = "general",
        thread: str = "",
        files: list[str] | None = None,
        subtype: str = "",
    ) -> Message:
        """Let someone write, and deliver the events to the end; `@vocero` and `@name` become mentions."""
        place = self.world.channel(channel)
        message = self._keep(text, user, place.id, thread, files or [])
        await asyncio.gather(*(self.send(event) for event in self.events_of(message, subtype)))
        return message

    async def dm(self, text: str, *, user: str = "ana", thread: str = "", files: list[str] | None = None) -> Message:
        """Let someone write to the bot alone."""
        return await self.say(
            text, user=user, channel=self.world.im(self.world.user(user).id).id, thread=thread, files=files
        )

    def _keep(self, text: str, user: str, channel: str, thread: str, files: list[str]) -> Message:
        named = {u.name: u.id for u in self.world.users.values()}
        text = _NAME.sub(lambda m: f"<@{named[m[1]]}>" if m[1] in named else m[0], text)
        message = Message(
            channel=channel,
            ts=self.world.ts(),
            user=self.world.user(user).id,
            text=text,
            thread_ts=thread,
            files=[self.world.files[f] for f in files],
        )
        self.world.messages[channel, message.ts] = message
        return message

    def events_of(self, message: Message, subtype: str = "") -> list[dict[str, Any]]:
        """Return the events that a message makes, in `order`, of those subscribed to."""
        place = self.world.channels[message.channel]
        if BOT not in place.members:
            return []
        event = {**message.to_json(), "channel": place.id, "event_ts": message.ts}
        if subtype or message.files:
            event["subtype"] = subtype or "file_share"
        said = {**event, "channel_type": place.type}
        found = []
        if f"<@{BOT}>" in message.text and place.kind != "im" and "app_mention" in self.subscribed:
            mention = {key: value for key, value in event.items() if key != "subtype"}
            found.append(self.event({**mention, "type": "app_mention"}, message))
        kinds = {"channel": "message.channels", "group": "message.groups"}
        if kinds.get(place.type, f"message.{place.type}") in self.subscribed:
            found.append(self.event(said, message))
        return found if self.order == "mention" else found[::-1]

    def event(self, event: dict[str, Any], message: Message | None = None) -> dict[str, Any]:
        """Return the outer shape of an event."""
        place = self.world.channels[message.channel] if message else None
        shared, here = bool(place and place.shared), place.team if place else TEAM
        team, org = self.world.users[message.user].team if message else TEAM, self.world.org or None
        grant = {"enterprise_id": org, "team_id": None if org else TEAM, "user_id": BOT, "is_bot": True}
        return {
            "token": "x",
            "team_id": here,
            "enterprise_id": org,
            "context_team_id": here,
            "context_enterprise_id": org,
            "api_app_id": APP,
            "type": "event_callback",
            "event_id": "Ev" + uuid.uuid4().hex[:10].upper(),
            "event_time": int(self.world.clock()),
            "authorizations": [{**grant, "is_enterprise_install": bool(org)}],
            "is_ext_shared_channel": shared,
            "event": {**event, "user_team": team} if team != TEAM else event,
        }

    async def send(self, envelope: dict[str, Any], kind: str = "events_api", *, retry: bool = True) -> Delivered:
        """Deliver an envelope and note how."""
        delivered = await self.delivery.deliver(kind, envelope, retry=retry)
        self.deliveries.append((kind, delivered))
        return delivered

    async def edit(self, message: Message, text: str) -> Delivered:
        """Let someone change what they wrote."""
        before = message.to_json()
        message.text, message.edits = text, message.edits + 1
        return await self._changed(message, "message_changed", message=message.to_json(), previous_message=before)

    async def delete(self, message: Message) -> Delivered:
        """Let someone take back what they wrote."""
        self.world.messages.pop((message.channel, message.ts), None)
        return await self._changed(
            message, "message_deleted", deleted_ts=message.ts, previous_message=message.to_json()
        )

    async def _changed(self, about: Message, subtype: str, **more: Any) -> Delivered:
        place, ts = self.world.channels[about.channel], self.world.ts()
        event = {
            "type": "message",
            "subtype": subtype,
            "channel": place.id,
            "channel_type": place.type,
            "ts": ts,
            **more,
        }
        return await self.send(self.event({**event, "event_ts": ts}, about))

    async def command(
        self, text: str, *, user: str = "ana", channel: str = "general", name: str = "/vocero"
    ) -> Delivered:
        """Type a slash command."""
        place = self.world.channels.get(channel) or self.world.channel(channel)
        payload = {
            "command": name,
            "text": text,
            "user_id": self.world.user(user).id,
            "user_name": user,
            "team_id": TEAM,
            "team_domain": "fake",
            "channel_id": place.id,
            "channel_name": place.name or "directmessage",
            "api_app_id": APP,
            "is_enterprise_install": "true" if self.world.org else "false",
            **({"enterprise_id": self.world.org} if self.world.org else {}),
            "trigger_id": self.world.trigger(self.world.user(user).id),
            "response_url": self._answering(place.id, user),
        }
        return await self.send(payload, "slash_commands")

    async def press(self, message: Message, action: str, *, user: str = "ana") -> Delivered:
        """Press a button of a message."""
        button = message.buttons()[action]
        about = {
            "type": "message",
            "channel_id": message.channel,
            "message_ts": message.ts,
            "is_ephemeral": bool(message.to),
        }
        payload = {
            **self._interaction("block_actions", message.channel, user),
            "container": about,
            "actions": [{**button, "action_ts": self.world.ts()}],
        }
        if not message.to:
            payload["message"] = message.to_json()
        return await self.send(payload, "interactive")

    async def shortcut(self, message: Message, callback: str, *, user: str = "ana") -> Delivered:
        """Choose a message shortcut."""
        payload = self._interaction("message_action", message.channel, user)
        payload |= {"callback_id": callback, "message_ts": message.ts, "message": message.to_json()}
        return await self.send(payload, "interactive")

    async def open_home(self, user: str = "ana", tab: str = "home") -> Delivered:
        """Open the app's home."""
        id_ = self.world.user(user).id
        event = {"type": "app_home_opened", "user": id_, "channel": self.world.im(id_).id, "tab": tab}
        return await self.send(self.event({**event, "event_ts": self.world.ts()}))

    async def press_home(self, action: str, value: str = "", user: str = "ana") -> Delivered:
        """Press a button of the home tab, choose a channel, or something of a menu."""
        payload = self._interaction("block_actions", "", user)
        id_ = self.world.user(user).id
        shown = [part for block in self.world.homes[id_]["blocks"] for part in _controls(block)]
        kind = next(part["type"] for part in shown if part.get("action_id") == action)
        pressed = {"action_id": action, "type": kind, "block_id": "b"}
        held = {
            "overflow": {"selected_option": {"value": value}},
            "conversations_select": {"selected_conversation": value},
        }
        payload["actions"] = [{**pressed, **held.get(kind, {"value": value})}]
        payload["view"] = {"type": "home", "id": "V1"}
        del payload["response_url"]
        return await self.send(payload, "interactive")

    async def submit(self, values: dict[str, Any], user: str = "ana") -> Delivered:
        """Fill the open dialog in and send it off; what is not named stays as it was shown."""
        id_ = self.world.user(user).id
        view = self.world.modals.pop(id_)
        payload = self._interaction("view_submission", "", user)
        filled = {
            block["block_id"]: {block["element"]["action_id"]: _filled(block["element"], values)}
            for block in view["blocks"]
            if block["type"] == "input"
        }
        unknown = set(values) - {name for part in filled.values() for name in part}
        assert not unknown, f"the dialog has no {unknown}"
        payload["view"] = {**view, "id": "V2", "state": {"values": filled}}
        del payload["response_url"]
        delivered = await self.send(payload, "interactive")
        if isinstance(delivered.payload, dict) and delivered.payload.get("response_action") == "errors":
            self.world.modals[id_] = {**view, "errors": delivered.payload["errors"]}  # it stays open
        return delivered

    def _interaction(self, kind: str, channel: str, user: str) -> dict[str, Any]:
        person = self.world.user(user)
        payload: dict[str, Any] = {
            "type": kind,
            "team": None if self.world.org else {"id": TEAM, "domain": "fake"},
            "user": {"id": person.id, "username": person.name, "team_id": person.team},
            "api_app_id": APP,
            "token": "x",
            "trigger_id": self.world.trigger(person.id),
            "response_url": self._answering(channel, user),
            "enterprise": {"id": self.world.org, "name": "Org"} if self.world.org else None,
            "is_enterprise_install": bool(self.world.org),
        }
        return payload | ({"channel": {"id": channel, "name": self.world.channels[channel].name}} if channel else {})

    def file(self, name: str, body: bytes, *, mimetype: str = "text/plain", size: int = -1, **more: Any) -> str:
        """Upload a file and return its id."""
        id_ = f"F{len(self.world.files):04d}"
        url = f"{self.url}/files/{id_}/{name}"
        size = len(body) if size < 0 else size
        about = {"id": id_, "name": name, "title": name, "mimetype": mimetype, "size": size, "mode": "hosted"}
        self.world.files[id_] = {**about, "url_private": url, "url_private_download": url, **more}
        self.world.bodies[id_] = (mimetype, body)
        return id_

    async def settled(self, right: Callable[[], object], *, seconds: float = 10.0) -> None:
        """Wait until something holds of what Slack shows."""
        end = time.monotonic() + seconds
        while not right():
            if time.monotonic() > end:
                raise AssertionError(f"never within {seconds} s: {right}")
            await asyncio.sleep(0.01)

    async def reply(self, message: Message, *, n: int = 1, seconds: float = 10.0) -> Message:
        """Wait for the bot's nth finished message in a thread and return it."""
        root = message.thread_ts or message.ts

        def found() -> list[Message]:
            later = [m for m in self.world.thread(message.channel, root) if m.user == BOT and m.ts > message.ts]
            return [m for m in later if not m.streaming]

        await self.settled(lambda: len(found()) >= n, seconds=seconds)
        return found()[n - 1]

    def ephemeral(self, user: str) -> list[Message]:
        """Return what only this person was shown."""
        id_ = self.world.user(user).id
        return sorted((m for m in self.world.messages.values() if m.to == id_), key=lambda m: m.ts)

    # --- what the bot reaches beside the Web API

    def _answering(self, channel: str, user: str) -> str:
        id_ = uuid.uuid4().hex
        self.responses[id_] = []
        self._answers_to[id_] = (channel, self.world.user(user).id, self.world.clock())
        return f"{self.url}/response/{id_}"

    async def _response(self, request: web.Request) -> web.Response:
        id_, body = request.match_info["id"], await request.json()
        if len(self.responses[id_]) >= 5:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        if self.world.clock() - self._answers_to[id_][2] > self.url_lives:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        self.responses[id_].append(body)
        channel, user, _ = self._answers_to[id_]
        if channel and not body.get("delete_original"):
            ts = self.world.ts()
            to = "" if body.get("response_type") == "in_channel" else user
            self.world.messages[channel, ts] = Message(
                channel=channel, ts=ts, user=BOT, text=body.get("text", ""), blocks=body.get("blocks") or [], to=to
            )
        return web.Response(text="ok")

    async def _file(self, request: web.Request) -> web.Response:
        id_, token = request.match_info["id"], request.headers.get("Authorization", "")
        self.hosts.append(token)
        if not token.startswith("Bearer xoxb-") or id_ in self.html or "files:read" not in self.web.scopes:
            return web.Response(text=LOGIN, content_type="text/html")
        mimetype, body = self.world.bodies[id_]
        return web.Response(body=body, content_type=mimetype)

    # --- by hand, from another terminal

    async def _control(self, request: web.Request) -> web.Response:
        verb, words = request.match_info["verb"], await request.json()
        if verb == "screen":
            return web.json_response(self.shown(words.get("viewer", "ana")))
        known = {
            "say": self.say,
            "dm": self.dm,
            "command": self.command,
            "press": self._press_by_hand,
            "home": self._home_by_hand,
            "submit": self._submit_by_hand,
        }
        task = asyncio.create_task(known[verb](**words))  # type: ignore[operator]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return web.json_response({"ok": True})

    async def _press_by_hand(self, text: str, message: str = "", user: str = "ana") -> None:
        """Press a button by its action id: of the message with this timestamp, else of the home; `=` gives a value."""
        action, _, value = text.partition("=")
        if message:
            await self.press(next(m for m in self.world.messages.values() if m.ts == message), action, user=user)
        else:
            await self.press_home(action, value, user=user)

    async def _home_by_hand(self, user: str = "ana") -> None:
        await self.open_home(user)

    async def _submit_by_hand(self, text: str, user: str = "ana") -> None:
        """Send the open dialog off; `key=value` pairs with ; between them."""
        pairs = (pair.partition("=") for pair in text.split(";") if pair.strip())
        await self.submit({key.strip(): value.strip() for key, _, value in pairs}, user=user)

    def shown(self, viewer: str = "ana") -> list[str]:
        """Return all that one person sees, oldest first, with ids to answer to."""
        id_ = self.world.user(viewer).id
        seen = [m for m in self.world.messages.values() if m.to in ("", id_)]
        rows = []
        for m in sorted(seen, key=lambda m: m.ts):
            place = self.world.channels[m.channel]
            where = f"#{place.name}" if place.name else "(direct)"
            thread = f" in {m.thread_ts}" if m.thread_ts else ""
            buttons = f"\n    press: {' '.join(m.buttons())}" if m.buttons() else ""
            rows.append(f"{where} {m.ts}{thread} {self.world.users[m.user].name}: {visible(m)}{buttons}")
        for name, view in (("home", self.world.homes.get(id_)), ("dialog", self.world.modals.get(id_))):
            if view:
                shown = Message(channel="", ts="", user=BOT, blocks=view["blocks"])
                inputs = [b["block_id"] for b in view["blocks"] if b["type"] == "input"]
                controls = (
                    f"\n    submit: {' '.join(inputs)}" if inputs else f"\n    press: {' '.join(shown.buttons())}"
                )
                rows.append(f"({name}) {visible(shown)}{controls}")
        return rows


def _controls(block: dict[str, Any]) -> list[dict[str, Any]]:
    return [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]


def _filled(element: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return an input as Slack hands it back."""
    kind, name = element["type"], element["action_id"]
    options = {option["value"]: option for option in element.get("options", [])}
    if kind == "multi_static_select":
        given = [options[value] for value in values[name]] if name in values else element.get("initial_options", [])
        return {"type": kind, "selected_options": given}
    if kind in ("static_select", "radio_buttons"):
        chosen = options[values[name]] if name in values else element.get("initial_option")
        return {"type": kind, "selected_option": chosen}
    key = "selected_conversation" if kind == "conversations_select" else "value"
    return {"type": kind, key: values.get(name)}
