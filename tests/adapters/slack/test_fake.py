"""The fake keeps Slack's rules: asked by Slack's own client, it refuses what Slack refuses."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import FakeSlack

REFUSED = [
    ("chat.postMessage", {"channel": "C0GENERAL"}, "no_text"),
    ("chat.postMessage", {"channel": "C0AWAY", "text": "x"}, "not_in_channel"),
    ("chat.postMessage", {"channel": "C0NONE", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x", "thread_ts": "1.1"}, "thread_not_found"),
    ("chat.postMessage", {"channel": "C0GENERAL", "markdown_text": "x", "text": "y"}, "markdown_text_conflict"),
    ("chat.postMessage", {"channel": "C0GENERAL", "markdown_text": "x" * 12_001}, "msg_too_long"),
    ("chat.postMessage", {"channel": "C0GENERAL", "text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
    (
        "chat.postMessage",
        {
            "channel": "C0GENERAL",
            "text": "x",
            "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}],
        },
        "invalid_blocks",
    ),
    ("chat.update", {"channel": "C0GENERAL", "ts": "1.1", "text": "x"}, "message_not_found"),
    ("chat.startStream", {"channel": "C0GENERAL", "thread_ts": "1.1"}, "missing_recipient_user_id"),
    ("chat.appendStream", {"channel": "C0GENERAL", "ts": "1.1"}, "message_not_found"),
    ("users.info", {"user": "U0NONE"}, "user_not_found"),
    ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
    ("no.such.method", {}, "unknown_method"),
]


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A fake with a clock that is set by hand."""
    now = [1_000.0]
    async with FakeSlack(clock=lambda: now[0]) as fake:
        fake.now = now  # type: ignore[attr-defined]
        yield fake


def client(slack: FakeSlack, token: str = "xoxb-test") -> AsyncWebClient:
    """Return Slack's own client."""
    return AsyncWebClient(token=token, base_url=slack.api_url)


async def error(slack: FakeSlack, method: str, token: str = "xoxb-test", **arguments: object) -> str:
    """Return what Slack's client raises."""
    with pytest.raises(SlackApiError) as raised:
        await client(slack, token).api_call(method, json=arguments)
    return str(raised.value.response["error"])


@pytest.mark.parametrize(("method", "arguments", "code"), REFUSED, ids=[f"{r[0]}-{r[2]}" for r in REFUSED])
async def test_what_slack_refuses(slack: FakeSlack, method: str, arguments: dict, code: str) -> None:
    """Each refusal has Slack's own word."""
    assert await error(slack, method, **arguments) == code


async def test_tokens_scopes_and_rates(slack: FakeSlack) -> None:
    """No token, a foreign one, a missing scope with its name, a rate with its Retry-After."""
    assert await error(slack, "auth.test", token="") == "not_authed"
    assert await error(slack, "auth.test", token="xoxb-9") == "token_revoked"
    assert await error(slack, "apps.connections.open") == "not_allowed_token_type"
    slack.web.scopes.discard("users:read")
    with pytest.raises(SlackApiError) as raised:
        await client(slack).users_info(user="U0ANA")
    assert (raised.value.response["error"], raised.value.response["needed"]) == ("missing_scope", "users:read")
    slack.web.tiers = True
    slack.world.groups["S1"] = []
    calls = [client(slack).usergroups_users_list(usergroup="S1") for _ in range(21)]
    results = [r for r in await asyncio.gather(*calls, return_exceptions=True) if isinstance(r, SlackApiError)]
    [refused] = results
    assert refused.response.status_code == 429
    assert 0 < int(refused.response.headers["Retry-After"]) <= 60  # until the oldest call is a minute ago


async def test_a_stream_ends_after_five_minutes_and_holds_so_much(slack: FakeSlack) -> None:
    """Then neither more nor an end is taken; until then the message cannot be edited."""
    root = slack._keep("hi", "ana", "C0GENERAL", "", [])
    who = {"recipient_team_id": "T0TEAM", "recipient_user_id": "U0ANA"}
    started = await client(slack).chat_startStream(channel="C0GENERAL", thread_ts=root.ts, markdown_text="a", **who)
    place = {"channel": "C0GENERAL", "ts": started["ts"]}
    assert await error(slack, "chat.update", text="x", **place) == "streaming_state_conflict"
    assert await error(slack, "chat.appendStream", markdown_text="x" * 11_990, **place) == "msg_too_long"
    await client(slack).chat_appendStream(markdown_text="b", **place)
    slack.now[0] += 301  # type: ignore[attr-defined]
    assert await error(slack, "chat.appendStream", markdown_text="c", **place) == "message_not_in_streaming_state"
    assert await error(slack, "chat.stopStream", **place) == "message_not_in_streaming_state"
    assert slack.world.messages["C0GENERAL", started["ts"]].text == "ab"


async def test_a_response_url_is_good_five_times_within_half_an_hour(slack: FakeSlack) -> None:
    """The sixth use and the late one are refused."""
    async with aiohttp.ClientSession() as session:

        async def used(url: str) -> int:
            async with session.post(url, json={"text": "x"}) as response:
                return response.status

        url = slack._answering("C0GENERAL", "ana")
        assert [await used(url) for _ in range(6)] == [200] * 5 + [404]
        late = slack._answering("C0GENERAL", "ana")
        slack.now[0] += 1_801  # type: ignore[attr-defined]
        assert await used(late) == 404


async def test_each_delivery_goes_to_one_of_the_sockets(slack: FakeSlack) -> None:
    """Which one is chance; one that is not acknowledged comes again, with its attempt."""
    got: Counter[int] = Counter()
    retries: list[int] = []
    slack.delivery.patience = 0.1
    async with aiohttp.ClientSession() as session:
        sockets = [await session.ws_connect(f"{slack.url}/link") for _ in range(2)]

        async def listen(n: int) -> None:
            async for frame in sockets[n]:
                envelope = frame.json()
                if envelope["type"] == "events_api":
                    got[n] += 1
                    retries.append(envelope["retry_attempt"])
                    if envelope["retry_attempt"] or len(retries) > 1:
                        await sockets[n].send_json({"envelope_id": envelope["envelope_id"]})

        listening = [asyncio.create_task(listen(n)) for n in range(2)]
        message = slack._keep("hi", "ana", "C0GENERAL", "", [])
        delivered = [await slack.send(slack.event(message.to_json(), message)) for _ in range(20)]
        for task in listening:
            task.cancel()
        for socket in sockets:
            await socket.close()
    assert all(d.acked for d in delivered)
    assert retries[:2] == [0, 1]
    assert len(got) == 2
    assert sum(got.values()) == 21


async def test_people_who_talk_to_it_by_hand_see_the_screen(slack: FakeSlack) -> None:
    """The control surface says, and shows what one person sees."""
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{slack.url}/control/say", json={"text": "hello @ben", "user": "ana"}) as said:
            assert said.status == 200
        await slack.settled(lambda: slack.world.history("C0GENERAL"))
        async with session.post(f"{slack.url}/control/screen", json={}) as shown:
            [row] = await shown.json()
    assert row.endswith("ana: hello <@U0BEN>")


async def test_a_person_presses_buttons_and_fills_dialogs_by_hand(slack: FakeSlack) -> None:
    """The screen names what can be pressed and filled in; both reach the app as Slack would deliver them."""
    select = {"type": "conversations_select", "action_id": "vocero_channel"}
    slack.world.homes["U0ANA"] = {"type": "home", "blocks": [{"type": "actions", "elements": [select]}]}
    element = {"type": "plain_text_input", "action_id": "text"}
    slack.world.modals["U0ANA"] = {
        "type": "modal",
        "callback_id": "form",
        "blocks": [{"type": "input", "block_id": "text", "element": element}],
    }
    assert "press: vocero_channel" in "".join(slack.shown())
    assert "submit: text" in "".join(slack.shown())
    async with aiohttp.ClientSession() as session:
        for verb, text in (("press", "vocero_channel=C0GENERAL"), ("submit", "text=hello")):
            async with session.post(f"{slack.url}/control/{verb}", json={"text": text}) as done:
                assert done.status == 200
    await slack.settled(lambda: [kind for kind, _ in slack.deliveries] == ["interactive"] * 2)
    assert "U0ANA" not in slack.world.modals
