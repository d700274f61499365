"""What Slack is given: nothing pings, unfolds, leads off the passages, or breaks a limit."""

import html
import json
import random
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack.manifest import missing, to_manifest
from adapters.slack.render import Buttons, to_confirmation, to_posts, to_reply
from core.messages import Answer, Citation, Outcome
from tests.fakes.slack.limits import refuse

GOOD = "https://docs.example/refunds?a=1&b=2"
_HOSTILE = (
    *("<!channel>", "<!here>", "<!everyone>", "<!subteam^S1|x>", "<@U1>", "<@U1|ben>", "<#C1>", "@everyone", "@here"),
    *("<https://evil.example/x|click>", "https://evil.example/?q=secret", "[a](https://evil.example)", "evil.example"),
    *("![i](https://evil.example/i.png)", "[r]: https://evil.example", "mailto:a@evil.example", GOOD, f"[ok]({GOOD})"),
    *("```", "~~~", "`", "**", "*", "_", "~", "> ", "# ", "- ", "| a | b |\n|---|---|\n| 1 | 2 |", "\n\n", "\n"),
    *(
        "&lt;!channel&gt;",
        "&amp;",
        "<",
        ">",
        "|",
        "\u200b",
        "\u202e",
        "\u2060",
        "👩‍👩‍👧",
        "[1]",
        "refunds take 14 days. ",
    ),
    *("<!date^1^x|y>", "<slack://x>", "javascript:alert(1)", "\x00", "ﬁ", "х" * 40, "word " * 40, "a" * 500),
    *("<!", "@", "chan", "nel", "here", "://", "https", "evil", ".example", "[", "](", ")", "U1", "S1", " ", "!", "\\"),
)
_URLS = (GOOD, "", "javascript:x", "https://a b", "http://x.example/<!here>|y", "https://x.example/" + "a" * 3_000)


def hostile(dice: random.Random, most: int) -> str:
    """Return a text made of what breaks renderers, with some characters of anywhere between."""
    parts = (
        dice.choice(_HOSTILE)
        if dice.random() < 0.85
        else chr(dice.choice((dice.randrange(32, 127), dice.randrange(0xD7FF))))
        for _ in range(dice.randrange(most + 1))
    )
    return "".join(parts)


def answer_of(dice: random.Random) -> Answer:
    """Return an answer as bad as a turned model and bad titles could make it."""
    passage = f"Refunds take 14 days, see {GOOD}."
    citations = tuple(
        Citation(n=n, title=hostile(dice, 3), url=dice.choice(_URLS), document="d1", chunk="d1-1", text=passage)
        for n in range(1, dice.randrange(1, 4))
    )
    notes = tuple(hostile(dice, 3) for _ in range(dice.randrange(3)))
    outcome = dice.choice(list(Outcome))
    return Answer(text=hostile(dice, 14), outcome=outcome, citations=citations, notes=notes)


CASES = 30  # a draw: Hypothesis takes as long for a draw as these take for five cases
_DICE = st.integers(0, 2**62).map(random.Random)  # the texts are made here, ten times faster
_MARK = re.compile(r"<([^<>]*)>")


def check(posts: list, allowed: set[str]) -> None:
    """Assert what holds of every message."""
    for post in posts:
        body = {"text": post.text, "blocks": list(post.blocks)}
        assert refuse(body, update=True) == ""
        for text in _texts(body):
            for inside in _MARK.findall(text):
                assert html.unescape(inside.partition("|")[0]).replace("%7C", "|") in allowed, text
            assert not re.search(r"@(?:everyone|here|channel)", text)
            assert not re.search(r"<[!@#]", text)


def _texts(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["text"]] if node.get("type") == "mrkdwn" or "blocks" in node else []
        return own + [t for v in node.values() for t in _texts(v)]
    return [t for item in node for t in _texts(item)] if isinstance(node, list) else []


@settings(max_examples=3_000 // CASES, deadline=None)
@given(_DICE)
def test_nothing_a_model_says_can_reach_out_of_its_message(dice: random.Random) -> None:
    """3,000 hostile answers: no ping, no address but those of the passages and sources, every limit kept."""
    for _ in range(CASES):
        answer = answer_of(dice)
        urls = {c.url for c in answer.citations if c.url.startswith("http") and " " not in c.url and "<" not in c.url}
        check(to_posts(answer, "en", Buttons(exchange="x1", human=True, share="why?")), {GOOD, *urls})


@settings(max_examples=600 // CASES, deadline=None)
@given(_DICE)
def test_nothing_in_a_name_can(dice: random.Random) -> None:
    """Replies to commands hold titles and file names of strangers: the same rules, no address at all."""
    for _ in range(CASES):
        check(to_reply(hostile(dice, 12)), set())


def test_a_long_answer_keeps_its_code_and_tables_whole() -> None:
    """Each message closes what it opened; the buttons stand once, at the end."""
    code = "```python\n" + "\n".join(f"step({n})" for n in range(900)) + "\n```"
    answer = Answer(text=f"Do this:\n\n{code}\n\nThen rest.", outcome=Outcome.ANSWERED)
    posts = to_posts(answer, "en", Buttons(exchange="x1"))
    assert len(posts) > 2
    assert all(post.text.count("```") % 2 == 0 for post in posts)
    assert [len(post.blocks) for post in posts] == [1] * (len(posts) - 1) + [2]
    assert sum(post.text.count("step(") for post in posts) == 900


def test_a_confirmation_that_does_not_fit_is_none() -> None:
    """A button holds 2,000 characters; a command that needs more is refused rather than cut."""
    assert to_confirmation("sure?", {"command": {"target": "x" * 1_900}}, "en") is None
    assert to_confirmation("sure?", {"command": {"target": "x"}}, "en")


def test_the_manifest_asks_for_what_the_code_uses() -> None:
    """Scopes follow features; the agent view adds its own; HTTP mode has addresses, Socket Mode none."""
    plain, agent = to_manifest(), to_manifest(agent=True)
    scopes = plain["oauth_config"]["scopes"]["bot"]
    assert missing(frozenset(scopes)) == []
    assert missing(frozenset(scopes) - {"files:read"}) == ["files:read"]
    assert "assistant:write" not in scopes
    assert "assistant:write" in agent["oauth_config"]["scopes"]["bot"]
    assert "agent_session_stopped" in agent["settings"]["event_subscriptions"]["bot_events"]
    assert "request_url" not in json.dumps(plain)
    http = to_manifest(http="https://bot.example/")
    assert http["settings"]["event_subscriptions"]["request_url"] == "https://bot.example/slack/events"
    assert http["settings"]["socket_mode_enabled"] is False
