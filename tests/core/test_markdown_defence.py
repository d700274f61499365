"""The rule of verbatim addresses, held against tables, against chance, and against parsers that are not ours."""

import html
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.markdown import REMOVED, defuse, links, to_discord, to_slack

JOINER = "\u2060"
POLICY = "https://ok.example/policy?a=1&b=2"
WIKI = "https://ok.example/wiki/Foo_(bar)"
ALLOWED = (POLICY, WIKI, "https://ja.example/日本", "hr@acme.example", "docs.acme.example")
MANY = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # four texts each


def seen(text: str) -> str:
    """The text as a reader sees it."""
    return text.replace(JOINER, "")


KEPT = [
    (f"See {POLICY}.", f"See <{POLICY}>."),
    (f"(see {WIKI}).", f"(see <{WIKI}>)."),
    (f"**{POLICY}**", f"**<{POLICY}>**"),
    (f"詳細は{POLICY}を参照。", f"詳細は<{POLICY}>を参照。"),
    ("https://ja.example/日本 に", "<https://ja.example/日本> に"),
    (f"<{POLICY}>", f"<{POLICY}>"),
    (f"[Policy]({POLICY})", f"[Policy](<{POLICY}>)"),
    (f'[Policy](<{WIKI}> "title")', f"[Policy](<{WIKI}>)"),
    (f"<{POLICY}|Policy>", f"[Policy](<{POLICY}>)"),
    (f"[{POLICY}]({POLICY})", f"<{POLICY}>"),
    (f"[]({POLICY})", f"<{POLICY}>"),
    ("Mail hr@acme.example, read docs.acme.example.", "Mail hr@acme.example, read docs.acme.example."),
    (f"```\ncurl '{POLICY}'\n```", f"```\ncurl '{POLICY}'\n```"),
    ("```js\nconsole.log(`<b>`)\n```", "```js\nconsole.log(`<b>`)\n```"),
    ("Facts [1][2], 3 < 4, 3.14, <3, a*b*c, e.g. x.", "Facts [1][2], 3 < 4, 3.14, <3, a*b*c, e.g. x."),
    (
        "👨\u200d👩\u200d👧 می\u200cخواهم ❤\ufe0f 1\ufe0f\u20e3",
        "👨\u200d👩\u200d👧 می\u200cخواهم ❤\ufe0f 1\ufe0f\u20e3",
    ),
]


@pytest.mark.parametrize(("text", "safe"), KEPT)
def test_what_was_read_stays(text: str, safe: str) -> None:
    """An allowed address stays live, delimited exactly; plain text, code and emoji stay as they are."""
    assert defuse(text, ALLOWED) == safe


GONE = [
    ("See https://evil.example/?q=secret.", f"See {REMOVED}."),
    (f"See {POLICY}&c=secret", f"See {REMOVED}"),
    (f"See {POLICY}/secret now", f"See {REMOVED} now"),
    (f"See x{POLICY}", f"See {REMOVED}"),
    (f"See {POLICY.upper()}", f"See {REMOVED}"),
    (f"See {POLICY[:-4]}", f"See {REMOVED}"),
    ("<https://evil.example>", REMOVED),
    ("[Policy](https://evil.example/?q=secret)", "Policy"),
    ("[Policy](evil.example/secret)", "Policy"),
    ("[](https://evil.example)", REMOVED),
    ("![chart](https://evil.example/x.png)", "chart"),
    (f"![chart]({POLICY})", "chart"),
    (f"[![chart](https://evil.example/x.png)]({POLICY})", f"[chart](<{POLICY}>)"),
    (f"[https://bank.example]({POLICY})", f"[{REMOVED}](<{POLICY}>)"),
    ("[a[b](https://evil.example)](https://evil.example)", "ab"),
    ("Read [this][x].\n\n[x]: https://evil.example/secret 'title'", "Read [this][x].\n\n"),
    ("> - [x]: <//evil.example/secret>\nok", "ok"),
    (f"[2]: {POLICY}", f"[2]: <{POLICY}>"),
    ("<https://evil.example/secret|Click me>", "Click me"),
    ("ht\u200btps://evil.example/\u202esecret\U000e0041", REMOVED),
    ("plain\U000e0041\U000e0042 \u202etext\u200b\u2066", "plain text"),
    ("```sh foo.example/x\nls\n```", "```\nsh foo.example/x\nls\n```"),
    ("- a\n  ~~~sh\n  ls\n  ~~~\n- b", "- a\n```sh\nls\n```\n- b"),
    ("````md\n```\nx\n```\n````", "```md\nˋˋˋ\nx\nˋˋˋ\n```"),
    ("a ``` b", "a ` b"),
    ("```\n\n```\nx", "x"),
    ("```sh\nls", "```sh\nls\n```"),
]


@pytest.mark.parametrize(("text", "visible"), GONE)
def test_what_was_not_read_goes(text: str, visible: str) -> None:
    """An address that is not allowed word for word goes, in every spelling; labels and code keep their text."""
    assert seen(defuse(text, ALLOWED)) == visible


BROKEN = [
    ("@everyone @Here @channel", "@\u2060everyone @\u2060Here @\u2060channel"),
    ("<!channel> <@U12> <@&5> <#C1|x>", "<\u2060!channel> <\u2060@U12> <\u2060@&5> <\u2060#C1|x>"),
    ("<!subteam^S1> <:a:1> <t:1:R> </x:1>", "<\u2060!subteam^S1> <\u2060:a:1> <\u2060t:1:R> <\u2060/x:1>"),
    ("<img src=x> <!-- x", "<\u2060img src=x> <\u2060!-- x"),
    ("evil.example and x@evil.example", "evil.\u2060example and x@evil.\u2060example"),
    ("x.docs.acme.example", "x.\u2060docs.\u2060acme.\u2060example"),
    ("//evil.example/x", "//evil.\u2060example/x"),
    ("evil\\.example evil。com", "evil\\.\u2060example evil。\u2060com"),
    ("https&#58;//x &lt;", "https&\u2060#58;//x &\u2060lt;"),
    ("https\\://x http:\\/\\/x", "https\\:\u2060//x http:\u2060\\/\\/x"),
    (f"\\{POLICY}", f"\\\u2060<{POLICY}>"),
    ("1.2.3.4/x", "1.2.3.\u20604/x"),
    ("mailto:x javascript:x", "mailto:\u2060x javascript:\u2060x"),
    ("f[i](x) ![x]", "f[i]\u2060(x) !\u2060[x]"),
    ("[note]: see below", "[note]\u2060: see below"),
    (
        "```\n@everyone <!here> <@U1> http://x evil.example/x\n```",
        "```\n@\u2060everyone <\u2060!here> <\u2060@U1> http:\u2060//x evil.\u2060example/x\n```",
    ),
    ("a ` b\n```\nc ` <b> x.md\n```", "a ` b\n```\nc ` <\u2060b> x.\u2060md\n```"),
]


@pytest.mark.parametrize(("text", "safe"), BROKEN)
def test_what_a_client_could_enliven_is_broken(text: str, safe: str) -> None:
    """Mentions, tags, bare domains, entities and half links keep their look and lose their life."""
    assert defuse(text, ALLOWED) == safe


def test_links_finds_what_may_stay() -> None:
    """What a passage says word for word, `defuse` lets pass: addresses, e-mails, dotted names."""
    passage = f"Write to hr@acme.example, see {WIKI} (or {POLICY}), and use Node.js; see config.yaml."
    found = links(passage)
    assert found == {"hr@acme.example", WIKI, POLICY, "Node.js", "config.yaml"}
    assert seen(defuse(passage, found)) == defuse(passage, found)


def test_nothing_hostile_is_ever_allowed() -> None:
    """A passage cannot smuggle a mention, a mark or a hidden character through an allowed address."""
    hostile = [
        "https://ok.example/<!channel>",
        "https://ok.example/@everyone",
        "https://ok.example/a|b",
        "https://ok.example/\u200bx",
    ]
    assert all(REMOVED in defuse(address, hostile) for address in hostile)
    assert links("https://ok.example/@everyone") == frozenset()


def test_deep_nesting_ends() -> None:
    """Links nested a thousand deep are undone at once, and the same the second time."""
    text = "[" * 1000 + "a" + "](https://evil.example)" * 1000
    safe = defuse(text, ALLOWED)
    assert "://" not in safe
    assert defuse(safe, ALLOWED) == safe


_HOSTILE = [
    *("https://evil.example/?q=SECRET", POLICY, WIKI, "docs.acme.example", "hr@acme.example", "evil.com", "evil.com/x"),
    *("http", "://", "//", ":", ".", "www.", "com", "javascript:", "mailto:", "data:", "&#58;", "&lt;", "&amp;", "\\"),
    *("](", "[", "]", "(", ")", "![", "]:", "<", ">", "|", "`", "``", "```", "```py\n", "~~~", "````", "```\n"),
    *("x\n```\n", "\n", "\n\n", " ", "    ", "> ", "- ", "1. ", "# ", "---", "|---|\n", "*", "**", "_", "~~", "[1]"),
    *(
        "| a | b |\n|---|---|\n| c | d |\n",
        "a",
        "x y",
        "é",
        "中文",
        "。",
        "👨\u200d👩\u200d👧",
        "@",
        "everyone",
        "@here",
    ),
    *("@channel", "<!channel>", "<!here|x>", "<@U1>", "<@&5>", "<#C1>", "<!subteam^S1>", "<a href="),
    *("\u200b", "\u200d", "\ufe0f", "\u202e", "\U000e0041", JOINER, "\r", "\ud800"),
    *("[a]: https://evil.example\n", "<https://evil.example|x>", f"[x]({POLICY})", f"[x](<{WIKI}>)", "[y](evil.com)"),
]


def variants(parts: list[str]) -> list[str]:
    """Four texts of the same parts: drawing parts is what takes the time."""
    text = "".join(parts)
    return [text, "".join(reversed(parts)), "\n".join(parts), f"```\n{text}\n```\n{text}"]


hostile = st.lists(st.one_of(st.sampled_from(_HOSTILE), st.text(max_size=3)), max_size=16).map(variants)
_COMMONMARK = MarkdownIt("commonmark")


def tokens(text: str) -> Iterator[Token]:
    """Every token that a CommonMark client sees."""
    waiting = list(_COMMONMARK.parse(text))
    while waiting:
        token = waiting.pop()
        yield token
        waiting += token.children or []


@MANY
@given(hostile)
def test_defusing_twice_is_defusing_once(texts: list[str]) -> None:
    """A text that passed once passes unchanged, through a cache, a retry or an edit."""
    for safe in (defuse(text, ALLOWED) for text in texts):
        assert defuse(safe, ALLOWED) == safe


@MANY
@given(hostile)
def test_no_address_survives_that_was_not_allowed(texts: list[str]) -> None:
    """In the raw text every address is an allowed one, and no mention, tag or bare foreign domain is whole."""
    for safe in (defuse(text, ALLOWED) for text in texts):
        for found in re.findall(r"[a-z][a-z0-9+.-]*://[^\s<>]*", safe, re.IGNORECASE):
            assert found.rstrip("\"'`),.;:!?*_~") in {*ALLOWED, WIKI.rstrip(")")}
        assert not re.search(r"(?i)@(everyone|here|channel)|<[@#]\w|<!(here|channel|every|subteam)|<@&", safe)
        assert not re.search("[\u200b\u202e\U000e0041\r\ud800]", safe)


@MANY
@given(hostile)
def test_a_commonmark_client_finds_nothing_to_follow_or_fetch(texts: list[str]) -> None:
    """An independent parser sees no image, no HTML, no link but to an allowed address, no foreign domain in prose."""
    for token in (token for text in texts for token in tokens(defuse(text, ALLOWED))):
        assert token.type not in ("image", "html_block", "html_inline")
        assert token.type != "link_open" or token.attrs["href"] in {*ALLOWED, "https://ja.example/%E6%97%A5%E6%9C%AC"}
        for word in re.findall(r"[\w.@-]*\w\.[a-zA-Z]{2,}[\w.]*", token.content if token.type == "text" else ""):
            assert any(word.strip("_.-@") in allowed for allowed in ALLOWED)


@MANY
@given(hostile)
def test_slack_gets_allowed_links_only(texts: list[str]) -> None:
    """Between angle brackets stand only allowed addresses with their labels: no mention, no date, no other link."""
    for said in (to_slack(defuse(text, ALLOWED)) for text in texts):
        for inside in re.findall(r"<([^>]*)>", said):
            assert html.unescape(inside.split("|")[0]) in ALLOWED
        assert not re.search(r"[<>]", re.sub(r"<[^<>]*>", "", said))


@MANY
@given(hostile)
def test_discord_gets_allowed_links_only(texts: list[str]) -> None:
    """Outside of what Discord takes for code, every address is an allowed one."""
    for said in (to_discord(defuse(text, ALLOWED)) for text in texts):
        prose = re.sub(r"```(?:[a-z0-9_+\-.#]+?\n)?\n*[^\n][\s\S]*?\n*```", " ", said, flags=re.IGNORECASE)
        prose = re.sub(r"(`+)(?!`)([\s\S]*?[^`])\1(?!`)", " ", prose)
        assert all(found in ALLOWED for found in re.findall(r"[a-z][a-z0-9+.-]*://[^\s<>]*", prose, re.IGNORECASE))
        assert not re.search(r"(?i)@(everyone|here)|<(@|#|:|a:|t:|/)\w", prose)
