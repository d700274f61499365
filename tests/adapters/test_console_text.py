"""What the console makes of texts that others wrote: blocks, spans, links, highlights."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.console.quoting import citing, quoted, units
from adapters.console.text import blocks, spans, to_link

LINKS = [
    ("https://wrenfold.example/a?b=c#d", True),
    ("http://127.0.0.1:8080/x", True),
    ("javascript:alert(1)", False),
    ("JAVASCRIPT://x/%0aalert(1)", False),
    ("data:text/html,x", False),
    ("//evil.example/x", False),
    ("https://", False),
    ("https://bank.example@evil.example/", False),
    ("https://a.example/\u202egpj.exe", False),
    ("https://[::1", False),
    ("file:///etc/passwd", False),
    ("", False),
]


@pytest.mark.parametrize(("url", "safe"), LINKS)
def test_only_http_addresses_with_a_host_become_links(url: str, safe: bool) -> None:
    """Everything else stays text."""
    assert bool(to_link(url)) is safe


SPANS = [
    ("Paid [1], kept [2, 3].",
     [("text", "Paid "), ("cite", "1"), ("text", ", kept "), ("cite", "2"), ("cite", "3"), ("text", ".")]),
    ("**Now** and *then*", [("strong", "Now"), ("text", " and "), ("em", "then")]),
    ("snake_case_name 2*3*4", [("text", "snake_case_name 2*3*4")]),
    ("`a **b**`", [("code", "a **b**")]),
    ("see https://x.example/a_b_c.", [("text", "see "), ("link", "https://x.example/a_b_c"), ("text", ".")]),
    ("[Care](https://x.example/care)", [("link", "Care")]),
    ("[Care](javascript:1)", [("text", "Care")]),
    ("![A tent](https://spy.example/t.png)", [("text", "A tent")]),
    ("<b>x</b> &amp;", [("text", "<b>x</b> &amp;")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SPANS)
def test_a_line_is_taken_apart(text: str, expected: list[tuple[str, str]]) -> None:
    """Marks that mean something become spans; the rest stays as it was typed."""
    assert [(s.kind, s.text) for s in spans(text)] == expected


def test_a_text_is_taken_apart_into_blocks() -> None:
    """Headings, wrapped paragraphs, lists, tables with their heads, code and rules."""
    text = (
        "# Prices #\n\nA line that the editor wrapped because it was rather long, as they often\nare.\nShort\nlines\n"
        "- one\n  more\n2) two\n\n| Work | Price |\n|---|:-:|\n| Zip | 40 € |\n\n---\n```\na\n\n  b\n```\nend"
    )
    assert [(b.kind, b.text) for b in blocks(text)] == [
        ("h", "Prices"),
        ("p", "A line that the editor wrapped because it was rather long, as they often are.\nShort\nlines"),
        ("li", "one more"),
        ("li", "two"),
        ("head", "Work Price"),
        ("row", "Zip 40 €"),
        ("code", "a\n\n  b"),
        ("p", "end"),
    ]


@given(st.text(max_size=300) | st.text(alphabet="*_`[]()!#|-~1a \n<>:/.", max_size=120))
def test_any_text_can_be_shown(text: str) -> None:
    """Nothing raises, every link is safe, every block and span holds something, and no word is lost."""
    for block in blocks(text):
        assert block.text
        for span in spans(block.text):
            assert span.text
            assert span.kind != "link" or to_link(span.target)


HOSTILE = ["**a", "`a ``b ", "[a](", "![", " ", "|-", " -|", "# ", "[1,", "_a ", "http://", "*a _b "]


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_text_takes_long(piece: str) -> None:
    """Fifty thousand characters of anything are taken apart in a moment."""
    text = f"#|{piece * (50_000 // len(piece))}x"
    begun = time.process_time()
    for block in blocks(text) + blocks(text[2:]):
        spans(block.text)
    assert time.process_time() - begun < 2


PASSAGE = """## How refunds are paid

Refunds are paid within **5 working days** of the tent reaching us. They go to the card used.

- Gifts: we pay a voucher instead.

| Work | Price |
| --- | --- |
| New zip | 40 € |
| Reproofing | 85 € |
"""
QUOTED = [
    ("“Refunds are paid within 5 working days of the tent reaching us.” [1]", ["Refunds are paid within **5 working"]),
    ("“Work: New zip; Price: 40 €” [1]", ["New zip 40 €"]),
    ("“Gifts: we pay a voucher instead.” [1]", ["Gifts: we pay"]),
    ("The card that you used gets the money [1].", ["They go to the card used."]),
    ("Bananas are yellow [1].", []),
    ("Refunds are paid within 5 working days of the tent reaching us [2].", []),
]


@pytest.mark.parametrize(("answer", "expected"), QUOTED)
def test_what_the_answer_rests_on_is_found_in_the_passage(answer: str, expected: list[str]) -> None:
    """A quotation is found whole, a row by its cells, a rephrasing by its words, and nothing where nothing is."""
    found = blocks(PASSAGE)
    marked = [units(found[b])[u] for b, u in sorted(quoted(found, citing(answer, 1)))]
    assert len(marked) == len(expected)
    assert all(text.startswith(begin) for text, begin in zip(marked, expected, strict=True))
