"""What is accepted, and what a message says: pure, as tables."""

from typing import Any

import pytest

from adapters.slack.events import Me, to_arrival
from adapters.slack.heard import Way, to_heard, to_plain

ME = Me(team="T1", user="U0BOT", bot="B0BOT")


def said(**event: Any) -> dict[str, Any]:
    """Return an event's outer shape."""
    base = {"type": "message", "channel": "C1", "user": "U1", "ts": "1.1", "text": "hi", "channel_type": "channel"}
    return {"event_id": "Ev1", "team_id": "T1", "event": {**base, **event}}


TABLE = [
    ("chatter", {}, None),
    ("mention event", {"type": "app_mention"}, "slack/T1/C1/1.1"),
    ("mention inside a message", {"text": "<@U0BOT> hi"}, "slack/T1/C1/1.1"),
    ("mention with a label", {"text": "<@U0BOT|vocero> hi"}, "slack/T1/C1/1.1"),
    ("reply in a thread", {"thread_ts": "0.9"}, "slack/T1/C1/0.9"),
    ("direct", {"channel": "D1", "channel_type": "im"}, "slack/T1/D1"),
    ("direct thread", {"channel": "D1", "channel_type": "im", "thread_ts": "0.9"}, "slack/T1/D1"),
    ("file", {"subtype": "file_share", "text": "<@U0BOT> add"}, "slack/T1/C1/1.1"),
    ("broadcast", {"subtype": "thread_broadcast", "thread_ts": "0.9"}, "slack/T1/C1/0.9"),
    ("joined", {"subtype": "channel_join", "text": "<@U0BOT> joined"}, None),
    ("bot message", {"subtype": "bot_message", "text": "<@U0BOT>"}, None),
    ("other bot", {"bot_id": "B2", "text": "<@U0BOT>"}, None),
    ("own", {"user": "U0BOT", "text": "<@U0BOT>"}, None),
    ("hidden", {"hidden": True, "text": "<@U0BOT>"}, None),
    ("nobody", {"user": None, "text": "<@U0BOT>"}, None),
    ("no text", {"text": None, "type": "app_mention"}, "slack/T1/C1/1.1"),
    ("deleted", {"subtype": "message_deleted", "deleted_ts": "1.0", "previous_message": {"user": "U1", "ts": "1.0"}},
     "slack/T1/C1/1.0"),
    ("own deleted", {"subtype": "message_deleted", "deleted_ts": "1.0", "previous_message": {"user": "U0BOT"}}, None),
    ("preview unfolds", {"subtype": "message_changed", "message": {"text": "<@U0BOT> x", "user": "U1", "ts": "1.0"},
     "previous_message": {"text": "<@U0BOT> x", "user": "U1"}}, None),
    ("name added", {"subtype": "message_changed", "message": {"text": "<@U0BOT> x", "user": "U1", "ts": "1.0"},
     "previous_message": {"text": "x", "user": "U1"}}, "slack/T1/C1/1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "event", "conversation"), TABLE, ids=[row[0] for row in TABLE])
def test_what_is_accepted(name: str, event: dict[str, Any], conversation: str | None) -> None:
    """Only what might be for us makes a row, in the queue of its conversation."""
    arrival = to_arrival(said(**event), ME)
    assert (arrival and arrival.conversation) == conversation


def test_retries_share_their_key_and_a_mention_its_message() -> None:
    """One event has one key however often it comes; both events of a mention are one message."""
    mention, message = said(type="app_mention", text="<@U0BOT> hi"), said(text="<@U0BOT> hi")
    arrivals = [to_arrival(event, ME) for event in (mention, mention, message)]
    assert [a.event_key for a in arrivals if a] == ["Ev1"] * 3
    heards = [to_heard(a.payload, "T1") for a in arrivals if a]
    assert {h.message for h in heards} == {"slack/T1/C1/1.1"}
    assert {h.way for h in heards} == {Way.MENTION}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("what is <https://x.example/a?b=1&amp;c=2|the page>?", "what is the page (https://x.example/a?b=1&c=2)?"),
        ("see <https://x.example>", "see https://x.example"),
        ("in <#C1|finance> or <#C2>", "in #finance or that channel"),
        ("ask <@U9|ben> or <@U8>", "ask ben or someone"),
        ("&lt;b&gt; &amp; more", "<b> & more"),
        ("<!here> <!subteam^S1|@people>", "here @people"),
    ],
)
def test_slack_s_marks_are_read(text: str, plain: str) -> None:
    """A question is what a person would read."""
    assert to_plain(text) == plain


def test_only_our_own_name_is_taken_off() -> None:
    """Other mentions are part of what was said."""
    payload = {"channel": "C1", "user": "U1", "ts": "1.1", "text": "<@U0BOT> who is <@U2>?", "me": "U0BOT"}
    assert to_heard(payload, "T1").text == "who is <@U2>?"
