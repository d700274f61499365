"""The fake Discord keeps Discord's own rules: what a bot gets away with here, it gets away with there."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.fakes.discord import MANAGE_GUILD, FakeDiscord, visible
from tests.fakes.discord.world import SEND, V2, VIEW

INTENTS, CONTENT = 1 | 1 << 9 | 1 << 12, 1 << 15
Json = dict[str, Any]


class Raw:
    """A bot without a library: calls, and one connection to the gateway."""

    def __init__(self, fake: FakeDiscord, session: aiohttp.ClientSession) -> None:
        self.fake, self._session, self.events = fake, session, []
        self.socket: aiohttp.ClientWebSocketResponse | None = None

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        """Return status, body and headers."""
        given = {"Authorization": f"Bot {self.fake.token}", **headers}
        async with self._session.request(method, self.fake.api_url + path, json=body, headers=given) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text else None, answer.headers

    async def code(self, method: str, path: str, body: Any = None) -> int:
        """Return Discord's error number, 0 for success."""
        status, said, _ = await self.call(method, path, body)
        return 0 if status < 300 else said["code"]

    async def connect(self, op: int, d: Json) -> None:
        """Connect and identify (2) or resume (6)."""
        self.socket = await self._session.ws_connect(self.fake.gateway_url)
        await self.socket.receive_json()
        await self.socket.send_json({"op": op, "d": d})

    async def identify(self, *, intents: int = INTENTS, token: str = "") -> None:
        """Begin a session."""
        await self.connect(2, {"token": token or self.fake.token, "intents": intents, "properties": {}})

    async def event(self, kind: str) -> Json:
        """Wait for an event; `op7` and `op9` are the gateway's own."""
        assert self.socket is not None
        async with asyncio.timeout(5):
            while True:
                message = await self.socket.receive_json()
                self.events.append(message)
                if kind in (message["t"], f"op{message['op']}"):
                    return message

    async def closed(self) -> int:
        """Wait for the end and return its code."""
        assert self.socket is not None
        async with asyncio.timeout(5):
            while not self.socket.closed:
                await self.socket.receive()
        return self.socket.close_code or 0


@asynccontextmanager
async def bot(**given: Any) -> AsyncIterator[Raw]:
    """A fake with `/ask` and a bot without a library."""
    async with FakeDiscord(**given) as fake, aiohttp.ClientSession() as session:
        option = {"name": "question", "description": "q", "type": 3}
        await fake.commands.put([{"name": "ask", "description": "ask", "options": [option]}])
        yield Raw(fake, session)


def callback(call: Any) -> str:
    """Return where a call is acknowledged."""
    return f"/interactions/{call.id}/{call.token}/callback"


def webhook(raw: Raw, call: Any, end: str = "/messages/@original") -> str:
    """Return where a call's reply stands."""
    return f"/webhooks/{raw.fake.world.app_id}/{call.token}{end}"


async def test_the_first_response_has_three_seconds_and_is_one() -> None:
    """Too late is unknown, the second is refused, what never was is unknown; a deferral can be filled."""
    async with bot() as raw:
        call = await raw.fake.people.slash("ben", "ask", question="?")
        assert await raw.code("PATCH", webhook(raw, call), {"content": "x"}) == 10015
        assert await raw.code("POST", callback(call), {"type": 5}) == 0
        assert call.thinking
        assert await raw.code("POST", callback(call), {"type": 4, "data": {"content": "x"}}) == 40060
        assert await raw.code("PATCH", webhook(raw, call), {"content": "there"}) == 0
        assert not call.thinking
        assert await raw.code("POST", f"/interactions/{call.id}/other/callback", {"type": 5}) == 10062
        assert raw.fake.interactions.ack_deadline == 3.0
        raw.fake.interactions.ack_deadline = 0.0
        late = await raw.fake.people.slash("ben", "ask", question="?")
        assert await raw.code("POST", callback(late), {"type": 5}) == 10062


async def test_a_token_lives_a_quarter_of_an_hour() -> None:
    """After it no edit, no follow-up and no look at the reply."""
    async with bot() as raw:
        assert raw.fake.interactions.token_life == 900.0
        fresh, old = [await raw.fake.people.slash("ben", "ask", question="?", _age=age) for age in (890.0, 901.0)]
        for call in (fresh, old):
            assert await raw.code("POST", callback(call), {"type": 5}) == 0
        assert await raw.code("PATCH", webhook(raw, fresh), {"content": "x"}) == 0
        for method, end in (("PATCH", "/messages/@original"), ("GET", "/messages/@original"), ("POST", "")):
            assert await raw.code(method, webhook(raw, old, end), {"content": "x"}) == 50027


async def test_a_follow_up_fills_the_deferral_and_keeps_who_sees_it() -> None:
    """The first one becomes the placeholder, ephemeral as that was; an ephemeral one is nobody else's."""
    async with bot() as raw:
        call = await raw.fake.people.slash("ben", "ask", question="?")
        await raw.code("POST", callback(call), {"type": 5, "data": {"flags": 64}})
        await raw.code("POST", webhook(raw, call, ""), {"content": "one"})
        await raw.code("POST", webhook(raw, call, ""), {"content": "two", "flags": 64})
        assert (visible(call.original), call.private, [m["content"] for m in call.followups]) == ("one", True, ["two"])
        history = await raw.fake.messages.history(raw.fake.world.channels["general"]["id"], {})
        assert history == []
        await raw.code("DELETE", webhook(raw, call))
        assert await raw.code("PATCH", webhook(raw, call), {"content": "x"}) == 10008


async def test_buckets_and_the_global_limit_say_how_long_to_wait() -> None:
    """A bucket is one path's; interactions do not count for the whole; every reply has `Via`."""
    async with bot() as raw:
        raw.fake.limits.windows["POST /channels/\\d+/messages$"] = (2, 0.4)
        general, people = [raw.fake.world.channels[name]["id"] for name in ("general", "people")]
        seen = [await raw.call("POST", f"/channels/{general}/messages", {"content": "x"}) for _ in range(3)]
        assert [status for status, _, _ in seen] == [200, 200, 429]
        assert [headers["X-RateLimit-Remaining"] for _, _, headers in seen] == ["1", "0", "0"]
        assert {headers["Via"] for _, _, headers in seen} == {"1.1 fake"}
        assert 0 < seen[2][1]["retry_after"] <= 0.4
        assert seen[2][1]["global"] is False
        assert await raw.code("POST", f"/channels/{people}/messages", {"content": "x"}) == 0
        await asyncio.sleep(seen[2][1]["retry_after"])
        assert await raw.code("POST", f"/channels/{general}/messages", {"content": "x"}) == 0
        raw.fake.limits.windows.clear()
        raw.fake.limits.most = 1
        statuses = [await raw.call("POST", f"/channels/{general}/typing") for _ in range(2)]
        assert [status for status, _, _ in statuses] == [204, 429]
        assert statuses[1][1]["global"] is True
        call = await raw.fake.people.slash("ben", "ask", question="?")
        assert await raw.code("POST", callback(call), {"type": 5}) == 0


async def test_a_planned_failure_happens_as_often_as_planned() -> None:
    """Then the call goes through."""
    async with bot() as raw:
        raw.fake.limits.fail("GET", "/users/@me$", 500, times=2)
        assert [(await raw.call("GET", "/users/@me"))[0] for _ in range(3)] == [500, 500, 200]
        status, _, _ = await raw.call("GET", "/users/@me", Authorization="Bot other")
        assert status == 401


def test_who_sees_a_channel_follows_from_roles_and_overwrites() -> None:
    """Everyone's overwrite, then those of roles, then a person's own; owners and administrators see all."""
    world = FakeDiscord().world
    world.role("staff")
    world.role("muted")
    for name, roles in (("ann", ("staff",)), ("bob", ("staff", "muted")), ("cat", ()), ("dan", ("muted",))):
        world.user(name, roles=roles)
    room = world.channel("room")
    world.hide("room", roles=("staff",), users=("dan",))
    room["permission_overwrites"].append(
        {"id": world.roles["muted"]["id"], "type": 0, "allow": "0", "deny": str(VIEW | SEND)}
    )
    thread = world.thread("t", room, world.app_id)
    for where in (room, thread):
        seen = {n for n, u in world.users.items() if world.permissions(u["id"], where) & VIEW}
        # of two roles, one that allows is enough
        assert seen == {"owner", "ann", "bob", "dan"}
    world.user("stranger", guild=None)
    assert world.permissions(world.users["stranger"]["id"], room) == 0
    assert world.permissions(world.users["mod"]["id"], room) & MANAGE_GUILD


async def test_the_bot_needs_rights_and_a_place() -> None:
    """Hidden, forbidden, deleted, and a forum that takes posts only."""
    async with bot() as raw:
        world = raw.fake.world
        for name in ("hidden", "silent", "doomed"):
            world.channel(name)
        world.deny("hidden", VIEW)
        world.deny("silent", SEND | 1 << 35)
        ids = {name: channel["id"] for name, channel in world.channels.items()}
        await raw.fake.people.remove("doomed")
        for name, code in (("general", 0), ("hidden", 50001), ("silent", 50013), ("doomed", 10003), ("help", 50008)):
            assert await raw.code("POST", f"/channels/{ids[name]}/messages", {"content": "x"}) == code, name
        said = await raw.fake.people.say("ben", "hi", channel="silent")
        assert (
            await raw.code("POST", f"/channels/{ids['silent']}/messages/{said['id']}/threads", {"name": "t"}) == 50013
        )
        assert await raw.code("DELETE", f"/channels/{ids['silent']}/messages/1") == 10008


async def test_threads_and_posts_have_the_ids_of_their_messages() -> None:
    """One thread a message; a post's first message has the post's id."""
    async with bot() as raw:
        asked = await raw.fake.people.say("ben", "hi")
        path = f"/channels/{asked['channel_id']}/messages/{asked['id']}/threads"
        status, made, _ = await raw.call("POST", path, {"name": "t"})
        assert (status, made["id"], made["parent_id"]) == (200, asked["id"], asked["channel_id"])
        assert await raw.code("POST", path, {"name": "t"}) == 160004
        assert await raw.code("POST", path, {"name": "t" * 101}) == 50035
        post = await raw.fake.people.post("ben", "a title", "text", channel="help")
        assert post["id"] == post["channel_id"]
        assert raw.fake.world.by_id(post["id"])["parent_id"] == raw.fake.world.channels["help"]["id"]


async def test_a_direct_conversation_is_one_channel() -> None:
    """The same for whoever opens it; its words are not hidden from the bot."""
    async with bot() as raw:
        await raw.identify()
        await raw.event("GUILD_CREATE")
        ben = raw.fake.world.users["ben"]["id"]
        opened = [(await raw.call("POST", "/users/@me/channels", {"recipient_id": ben}))[1]["id"] for _ in range(2)]
        await raw.fake.people.dm("ben", "hello")
        heard = (await raw.event("MESSAGE_CREATE"))["d"]
        assert (heard["content"], "guild_id" in heard, {heard["channel_id"]}) == ("hello", False, set(opened))


READ = [
    ("@bot hello", False, "hello"),
    ("hello", False, ""),
    ("hello", True, "hello"),
]


@pytest.mark.parametrize(("said", "intent", "read"), READ)
async def test_words_are_hidden_without_the_intent(said: str, intent: bool, read: str) -> None:
    """But for mentions, and replies to the bot's own messages; a reply to a command's answer is hidden."""
    async with bot(content_intent=intent) as raw:
        await raw.identify(intents=INTENTS | (CONTENT if intent else 0))
        await raw.event("GUILD_CREATE")
        await raw.fake.people.say("ben", said)
        assert read in (await raw.event("MESSAGE_CREATE"))["d"]["content"]
        posted = (
            await raw.call("POST", f"/channels/{raw.fake.world.channels['general']['id']}/messages", {"content": "x"})
        )[1]
        await raw.fake.people.say("ben", "go on", reply_to=posted)
        call = await raw.fake.people.slash("ben", "ask", question="?")
        await raw.code("POST", callback(call), {"type": 4, "data": {"content": "x"}})
        await raw.fake.people.say("ben", "and on", reply_to=call.original)
        heard = [(await raw.event("MESSAGE_CREATE"))["d"] for _ in range(4)]
        mine = [m["content"] for m in heard if m["author"]["id"] == raw.fake.world.users["ben"]["id"]]
        assert mine == ["go on", "and on" if intent else ""]


async def test_a_lost_connection_is_resumed_and_told_what_it_missed() -> None:
    """Events in between come with their numbers; a forgotten session is invalid; a clean end is final."""
    async with bot() as raw:
        await raw.identify()
        session = (await raw.event("READY"))["d"]["session_id"]
        last = (await raw.event("GUILD_CREATE"))["s"]
        await raw.fake.gateway.drop(code=4000)
        assert await raw.closed() == 4000
        await raw.fake.people.say("ben", "@bot missed")
        await raw.connect(6, {"token": raw.fake.token, "session_id": session, "seq": last})
        missed = await raw.event("MESSAGE_CREATE")
        assert (missed["s"], "missed" in missed["d"]["content"]) == (last + 1, True)
        assert (await raw.event("RESUMED"))["s"] == last + 2
        await raw.fake.gateway.drop(op=7)
        assert (await raw.event("op7"))["d"] is None
        await raw.connect(6, {"token": raw.fake.token, "session_id": session, "seq": last + 2})
        await raw.event("RESUMED")
        await raw.fake.gateway.drop(op=9, forget=True)
        assert (await raw.event("op9"))["d"] is False
        await raw.connect(6, {"token": raw.fake.token, "session_id": session, "seq": last})
        await raw.event("op9")
        assert (raw.fake.gateway.identifies, raw.fake.gateway.resumes) == (1, 2)


@pytest.mark.parametrize(("given", "code"), [({"token": "other"}, 4004), ({"intents": INTENTS | CONTENT}, 4014)])
async def test_who_may_not_connect_is_closed_for_good(given: Json, code: int) -> None:
    """A wrong token, and an intent that is off in the portal."""
    async with bot() as raw:
        await raw.identify(**given)
        assert await raw.closed() == code


async def test_a_nonce_makes_a_repeated_post_the_same_message() -> None:
    """Only where it is enforced, and in its channel."""
    async with bot() as raw:
        general, people = [f"/channels/{raw.fake.world.channels[n]['id']}/messages" for n in ("general", "people")]
        body = {"content": "x", "nonce": "1-0", "enforce_nonce": True}
        ids = [(await raw.call("POST", path, body))[1]["id"] for path in (general, general, people)]
        assert ids[0] == ids[1] != ids[2]
        ids = [(await raw.call("POST", general, {"content": "x", "nonce": "2"}))[1]["id"] for _ in range(2)]
        assert ids[0] != ids[1]


TEXT = {"type": 10, "content": "x"}
BUTTON = {"type": 2, "style": 2, "label": "x", "custom_id": "a"}


def row(*ids: str) -> Json:
    """Return a row of buttons."""
    return {"type": 1, "components": [BUTTON | {"custom_id": id_} for id_ in ids]}


REFUSED: list[tuple[str, Json]] = [
    ("an empty message", {}),
    ("2,001 characters", {"content": "x" * 2001}),
    ("six rows", {"content": "x", "components": [row(str(n)) for n in range(6)]}),
    ("an id twice", {"content": "x", "components": [row("a", "a")]}),
    ("an id of 101 characters", {"content": "x", "components": [row("a" * 101)]}),
    ("a text outside of v2", {"components": [TEXT]}),
    ("content in v2", {"content": "x", "components": [TEXT], "flags": V2}),
    ("4,001 characters in v2", {"components": [TEXT | {"content": "x" * n} for n in (2001, 2000)], "flags": V2}),
    ("41 components", {"components": [TEXT] * 41, "flags": V2}),
    ("an embed's title of 257", {"embeds": [{"title": "x" * 257}]}),
]


@pytest.mark.parametrize(("what", "body"), REFUSED, ids=[r[0] for r in REFUSED])
async def test_a_message_that_discord_would_not_take_is_refused(what: str, body: Json) -> None:
    """Sizes, duplicates, and what components v2 excludes."""
    async with bot() as raw:
        path = f"/channels/{raw.fake.world.channels['general']['id']}/messages"
        status, said, _ = await raw.call("POST", path, body)
        assert (status, said["code"]) == (400, 50006 if not body else 50035), what
        assert await raw.code("POST", path, {"components": [TEXT], "flags": V2}) == 0


async def test_who_is_pinged_is_what_was_allowed() -> None:
    """Nothing said: everyone named. Nothing allowed: nobody. One role allowed: that one."""
    async with bot() as raw:
        ben, role = raw.fake.world.users["ben"]["id"], raw.fake.world.roles["people"]["id"]
        path, said = f"/channels/{raw.fake.world.channels['general']['id']}/messages", f"<@{ben}> <@&{role}> @everyone"
        for allowed, users, roles, everyone in (
            (None, 1, 1, True),
            ({"parse": []}, 0, 0, False),
            ({"parse": [], "roles": [role]}, 0, 1, False),
        ):
            body = {"content": said, **({"allowed_mentions": allowed} if allowed else {})}
            _, made, _ = await raw.call("POST", path, body)
            assert (len(made["mentions"]), len(made["mention_roles"]), made["mention_everyone"]) == (
                users,
                roles,
                everyone,
            )


async def test_commands_are_replaced_as_a_whole_and_keep_their_ids() -> None:
    """Names of other shapes, too many of a kind and required options last are refused."""
    async with bot() as raw:
        path = f"/applications/{raw.fake.world.app_id}/commands"
        before = raw.fake.commands.find("ask", raw.fake.guild_id)["id"]
        _, made, _ = await raw.call(
            "PUT", path, [{"name": "ask", "description": "other"}, {"name": "b", "description": "b"}]
        )
        assert [c["name"] for c in made] == ["ask", "b"]
        assert made[0]["id"] == before
        needed, free = [{"name": n, "description": "d", "type": 3, "required": n == "a"} for n in "ab"]
        for commands, code in (
            ([{"name": "Ask", "description": "x"}], 50035),
            ([{"name": "a b", "description": "x"}], 50035),
            ([{"name": "a", "description": ""}], 50035),
            ([{"name": "a", "description": "x"}] * 2, 50035),
            ([{"name": "a", "description": "x", "options": [free, needed]}], 50035),
            ([{"name": f"m {n}", "type": 3} for n in range(16)], 30032),
        ):
            assert await raw.code("PUT", path, commands) == code, commands
        assert len(raw.fake.commands.sets[None]) == 2


async def test_each_kind_of_interaction_takes_its_own_answers() -> None:
    """A form only first and never to a form; at most 25 choices; a component's message may be updated."""
    async with bot() as raw:
        people = raw.fake.people
        field = {"type": 18, "component": {"type": 4, "custom_id": "text"}}
        form = {"type": 9, "data": {"title": "t", "custom_id": "f", "components": [field]}}
        call = await people.slash("ben", "ask", question="?")
        assert await raw.code("POST", callback(call), {"type": 6}) == 50035
        assert await raw.code("POST", callback(call), form) == 0
        assert await raw.code("POST", callback(call), {"type": 5}) == 40060
        filled = await people.submit("ben", call, text="words")
        assert filled.payload["data"]["components"][0]["component"]["value"] == "words"
        assert await raw.code("POST", callback(filled), form) == 50035
        typed = await people.slash("ben", "ask", focus="question", question="x")
        choices = [{"name": str(n), "value": str(n)} for n in range(26)]
        assert await raw.code("POST", callback(typed), {"type": 8, "data": {"choices": choices}}) == 50035
        assert await raw.code("POST", callback(typed), {"type": 8, "data": {"choices": choices[:25]}}) == 0
        body = {"content": "x", "components": [{"type": 1, "components": [BUTTON]}]}
        await raw.call("POST", f"/channels/{raw.fake.world.channels['general']['id']}/messages", body)
        clicked = await people.click("ben", people.messages()[-1], "x")
        assert await raw.code("POST", callback(clicked), {"type": 7, "data": {"content": "y", "components": []}}) == 0
        assert people.messages()[-1]["content"] == "y"
        with pytest.raises(LookupError, match="no such button"):
            await people.click("ben", people.messages()[-1], "x")


async def test_a_person_at_a_terminal_can_do_all_of_it() -> None:
    """The control surface: each verb answers with the screen, or with a sentence that says what is wrong."""
    async with bot() as raw:

        def tell(verb: str, **words: Any) -> list[str]:
            url = raw.fake.api_url.partition("/api")[0] + f"/control/{verb}"
            request = urllib.request.Request(url, json.dumps(words).encode(), {"content-type": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as response:
                return list(json.load(response))

        async def told(verb: str, **words: Any) -> str:
            return "\n".join(await asyncio.to_thread(tell, verb, **words))

        assert "#general ben: hello" in await told("say", text="hello", user="ben")
        assert "#@alice alice: psst" in await told("dm", text="psst")
        assert "A title" in await told("post", text="A title", body="words", channel="help")
        assert "/ask is sent" in await told("slash", text="ask", options={"question": "?"})
        assert "there is no /nothing" in await told("slash", text="nothing")
        assert "there is no channel" in await told("say", text="x", channel="nowhere")
        assert "there is no person" in await told("say", text="x", user="nobody")
        assert "no such button" in await told("click", text="Yes")
        assert "no form is open" in await told("fill", text="words")
        call = next(iter(raw.fake.interactions.calls.values()))
        body = {"content": "shall I?", "components": [{"type": 1, "components": [BUTTON | {"label": "Yes"}]}]}
        await raw.code("POST", callback(call), {"type": 4, "data": body})
        assert "['Yes']" in await told("screen")
        assert "Yes is pressed" in await told("click", text="Yes")
        assert "deleted" in await told("delete", text="hello")
