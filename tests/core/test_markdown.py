"""Markdown for chat: pieces that fit and lose nothing, and each platform's own spelling."""

import re
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.markdown import LEAST, split, to_bytes, to_discord, to_slack, to_units
from core.markdown.blocks import Kind, scan

WIKI = "https://ok.example/wiki/Foo_(bar)"

SPLITS = [
    ("", []),
    (" \n\n ", []),
    ("short", ["short"]),
    (f"{'a ' * 30}\n\n{'b ' * 30}", [("a " * 30).strip(), ("b " * 30).strip()]),
    (
        f"{'x' * 20}.\n\n- {'a ' * 25}\n- {'b ' * 25}",
        [f"{'x' * 20}.\n\n- {('a ' * 25).strip()}", "- " + ("b " * 25).strip()],
    ),
    (f"{'One two. ' * 9}Three four five six seven.", [("One two. " * 9).strip(), "Three four five six seven."]),
    (f"{'x' * 70} is so. [1] {'y' * 40}", [f"{'x' * 70} is so. [1]", "y" * 40]),
    (
        f"{'x' * 60} [two words](https://ok.example/{'y' * 20})",
        ["x" * 60, f"[two words](https://ok.example/{'y' * 20})"],
    ),
    ("x" * 250, ["x" * 100, "x" * 100, "x" * 50]),
    (f"{'intro ' * 6}\n\n# Title\n\n{'word ' * 16}", [("intro " * 6).strip(), f"# Title\n\n{('word ' * 16).strip()}"]),
]


@pytest.mark.parametrize(("text", "pieces"), SPLITS)
def test_pieces_end_where_a_reader_pauses(text: str, pieces: list[str]) -> None:
    """A paragraph's end wins over a list item's, a sentence's and a word's; links and headings stay whole."""
    assert split(text, 100) == pieces


def test_code_that_is_cut_is_closed_and_opened_again() -> None:
    """Each piece of a long code block is a code block of the same language."""
    code = "\n".join(f"line_{n:02} = {n}" for n in range(30))
    pieces = split(f"So:\n\n```python\n{code}\n```\nDone.", 120)
    assert len(pieces) > 3
    assert all(piece.count("```") == 2 for piece in pieces[1:])
    assert all(piece.startswith("```python\n") for piece in pieces[1:])
    assert re.findall(r"line_\d+ = \d+", "\n".join(pieces)) == code.split("\n")


def test_code_without_an_end_is_closed() -> None:
    """A model that stops in the midst of code leaves a block that is closed."""
    assert split("```sh\nls", 100) == ["```sh\nls\n```"]


def test_a_table_is_cut_between_rows_under_its_head() -> None:
    """No row is cut, and every piece repeats the head."""
    head, rows = "| Plan | Days |\n|---|---|", [f"| Plan {n} | {n} days |" for n in range(20)]
    pieces = split("\n".join([head, *rows]), 120)
    assert len(pieces) > 2
    assert all(piece.startswith(head) for piece in pieces)
    assert [row for piece in pieces for row in piece.split("\n")[2:]] == rows


CLUSTERS = [
    "e\u0301",
    "👨\u200d👩\u200d👧",
    "👍🏽",
    "🇪🇸",
    "\U0001f3f4\U000e0067\U000e007f",
    "\u1112\u1161\u11ab",
    "❤\ufe0f",
]


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("length", [len, to_bytes, to_units])
def test_a_character_keeps_its_marks(cluster: str, length: Callable[[str], int]) -> None:
    """A text without any space is cut only between whole characters."""
    pieces = split(f"x{cluster * 60}", LEAST, length=length)
    assert "".join(pieces) == f"x{cluster * 60}"
    assert all(piece.removeprefix("x").replace(cluster, "") == "" for piece in pieces)


def test_backticks_inside_a_line_never_come_to_open_code() -> None:
    """A cut before three backticks would put them at the start of a line, and make code of the prose after them."""
    text = f"{'x' * 95} ```sh\n{'y' * 60}"
    assert [block.kind for piece in split(text, 100) for block in scan(piece)] == [Kind.PROSE, Kind.PROSE]


def test_a_limit_without_room_is_refused() -> None:
    """Below the least limit nothing can be promised."""
    with pytest.raises(ValueError, match="room"):
        split("text", LEAST - 1)


def test_lengths_are_counted_as_platforms_count() -> None:
    """Streams count bytes, JavaScript counts UTF-16 units."""
    assert (len("é👍"), to_bytes("é👍"), to_units("é👍")) == (2, 6, 3)


_PARTS = [
    *(
        "```\n",
        "```python\n",
        "~~~ js\n",
        "````\n",
        "```" + "long language " * 5 + "\n",
        "  ```\n",
        "\n",
        "\n\n",
        " ",
        "\t",
    ),
    *(
        "- item ",
        "1. item ",
        "word ",
        "x" * 70,
        "One sentence. ",
        "日本語です。",
        "# Head\n",
        "    code\n",
        "`in code` ",
    ),
    *("| a | b |\n|---|---|\n", "| cell one | cell two |\n", "[two words](https://x.example/a)", *CLUSTERS),
]
documents = st.lists(st.one_of(st.sampled_from(_PARTS), st.text(max_size=5)), max_size=40).map("".join)


def solid(text: str) -> str:
    """The text without white space."""
    return re.sub(r"\s+", "", text)


def in_order(small: str, big: str) -> bool:
    """Whether all characters of one text stand in another, in order."""
    rest = iter(big)
    return all(character in rest for character in small)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents, st.sampled_from([LEAST, 128, 200]), st.sampled_from([len, to_bytes, to_units]))
def test_pieces_fit_lose_nothing_and_close_their_code(text: str, limit: int, length: Callable[[str], int]) -> None:
    """Whatever the text: no piece is too long or blank, nothing is lost, each fence closes where it opens."""
    pieces = split(text, limit, length=length)
    assert all(piece.strip() and length(piece) <= limit for piece in pieces)
    assert in_order(re.sub("[`~]", "", solid(text)), "".join(map(solid, pieces)))
    if all(block.kind is Kind.PROSE for block in scan(text)):
        assert solid("".join(pieces)) == solid(text)
    for piece in pieces:
        for block in scan(piece):
            lines = piece[block.start : block.end].split("\n")
            assert block.kind is not Kind.CODE or (len(lines) > 1 and lines[-1] == block.closing)


SPELLINGS = [
    ("**bold** and __bold__", "*bold* and *bold*", "**bold** and **bold**"),
    ("*it* and _it_, ***both***", "_it_ and _it_, *_both_*", "*it* and _it_, ***both***"),
    ("~~gone~~", "~gone~", "~~gone~~"),
    ("2 * 3 * 4, snake_case_name", "2 * 3 * 4, snake_case_name", "2 * 3 * 4, snake_case_name"),
    ("a < b & c > d", "a &lt; b &amp; c &gt; d", "a < b & c > d"),
    ("`a<b` **`x`**", "`a&lt;b` *`x`*", "`a<b` **`x`**"),
    ("# Title", "*Title*", "# Title"),
    ("#### Small **one** ##", "*Small one*", "**Small one**"),
    ("- a\n* b\n  + c", "• a\n• b\n  • c", "- a\n- b\n  - c"),
    ("- [ ] a\n- [x] b", "☐ a\n☑ b", "- ☐ a\n- ☑ b"),
    ("> quote", "&gt; quote", "> quote"),
    ("a\n\n---\n\nb", "a\n\n──────────\n\nb", "a\n\n──────────\n\nb"),
    (
        "[A & B](<https://x.example/?a=1&b=2>)",
        "<https://x.example/?a=1&amp;b=2|A &amp; B>",
        "[A & B](<https://x.example/?a=1&b=2>)",
    ),
    ("**[Bold](https://x.example/a)**", "*<https://x.example/a|Bold>*", "**[Bold](<https://x.example/a>)**"),
    (
        "<https://x.example> https://x.example/a_b.",
        "<https://x.example> <https://x.example/a_b>.",
        "<https://x.example> <https://x.example/a_b>.",
    ),
    ("[x](https://x.example/a|b)", "<https://x.example/a%7Cb|x>", "[x](<https://x.example/a|b>)"),
    ("![chart](x.png)", "chart", "chart"),
    ("\\*not\\* <!channel>", "*not* &lt;!channel&gt;", "\\*not\\* <!channel>"),
    ("```py\na < b\n```", "```\na &lt; b\n```", "```py\na < b\n```"),
    ("Sure [1][2].", "Sure [1][2].", "Sure [1][2]."),
]


@pytest.mark.parametrize(("text", "slack", "discord"), SPELLINGS)
def test_each_platform_gets_its_own_spelling(text: str, slack: str, discord: str) -> None:
    """Standard Markdown becomes Slack's mrkdwn and Discord's dialect."""
    assert (to_slack(text), to_discord(text)) == (slack, discord)


def test_a_narrow_table_becomes_columns() -> None:
    """A small table is aligned in a code block, wide characters counted as two columns."""
    table = "| Plan | Days |\n|:---|---:|\n| Basic | 14 |\n| 日本 | 30 |"
    columns = "```\nPlan   Days\n─────  ────\nBasic  14\n日本   30\n```"
    assert to_discord(table) == to_slack(table) == columns


def test_a_wide_table_becomes_a_list() -> None:
    """A table too wide for a phone, or with links in it, becomes a list that keeps names, links and citations."""
    table = f"| Plan | Terms |\n|---|---|\n| Basic | [Read](<{WIKI}>) [1] |\n| Pro | {'long ' * 12}|"
    assert to_discord(table).split("\n") == [
        f"- **Basic** · Terms: [Read](<{WIKI}>) [1]",
        f"- **Pro** · Terms: {('long ' * 12).strip()}",
    ]
    assert to_slack(table).startswith(f"• *Basic* · Terms: <{WIKI}|Read> [1]")
