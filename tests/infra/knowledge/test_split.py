"""Chunks follow headings and sentences, lose nothing, and never exceed what the embedder reads."""

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from infra.knowledge import split as module
from infra.knowledge.readers.parsed import Section
from infra.knowledge.split import SIZE, Piece, split, to_size, to_units

CODE = "```python\n# not a heading\n\ndef f():\n    return 1\n```"
TABLE = "| item | price |\n|---|---|\n| tent | 10 |\n| peg | 1 |"


def pieces(markdown: str, title: str = "Handbook", size: int = SIZE) -> list[Piece]:
    return split([Section(anchor="", markdown=markdown)], title=title, size=size)


def test_headings_become_the_path_and_leave_the_text() -> None:
    """The path is outermost first, without the document's own title; text before any heading has none."""
    found = pieces(
        "Intro.\n\n# Handbook\n\nAll.\n\n## Leave\n\nDays.\n\n### Sick / ill\n\nNotes.\n\n## Pay\n\nMonthly."
    )
    assert [(piece.path, piece.text) for piece in found] == [
        ((), "Intro."),
        ((), "All."),
        (("Leave",), "Days."),
        (("Leave", "Sick / ill"), "Notes."),
        (("Pay",), "Monthly."),
    ]


def test_a_heading_over_nothing_is_kept_only_where_nothing_else_says_it() -> None:
    """A heading whose text stands under its own headings is their path; one that ends the document is a chunk."""
    assert [(piece.path, piece.text) for piece in pieces("# A\n\n## B\n\nText.\n\n# Closed on Sundays")] == [
        (("A", "B"), "Text."),
        ((), "Closed on Sundays"),
    ]


def test_code_and_tables_stay_whole_and_hide_no_heading() -> None:
    """Among long prose a table and a block of code are each in one chunk; `#` inside code is code, also under ~~~."""
    prose = "A sentence of some length stands here to fill the chunk. " * 30
    found = pieces(f"# T\n\n{prose}\n\n{CODE}\n\n{prose}\n\n{TABLE}\n\n{prose}\n\n{CODE.replace('```', '~~~')}")
    assert {piece.path for piece in found} == {("T",)}
    assert sum(CODE in piece.text for piece in found) == 2
    assert sum(TABLE in piece.text for piece in found) == 1


def test_a_table_too_long_for_a_chunk_repeats_its_head() -> None:
    """Every row stands in exactly one chunk, under the head that explains it."""
    rows = [f"| item {n} | {n} pounds |" for n in range(120)]
    found = pieces("| item | price |\n|---|---|\n" + "\n".join(rows))
    assert len(found) > 2
    assert all(piece.text.startswith("| item | price |\n|---|---|\n") for piece in found)
    assert [row for piece in found for row in piece.text.split("\n") if row in rows] == rows


def test_sections_keep_their_anchors() -> None:
    """A page's chunks link to the page."""
    sections = [Section(anchor="page=1", markdown="One."), Section(anchor="page=2", markdown="Two.")]
    assert [(piece.anchor, piece.text) for piece in split(sections, title="T")] == [
        ("page=1", "One."),
        ("page=2", "Two."),
    ]


def test_the_embedded_text_carries_its_place_in_bounds() -> None:
    """Title and headings stand in front, cut so that they never crowd out the text."""
    assert (
        Piece(text="Days.", path=("Leave", "Sick"), anchor="").to_embed("Handbook") == "Handbook › Leave › Sick\nDays."
    )
    assert Piece(text="Days.", path=(), anchor="").to_embed("") == "Days."
    assert len(Piece(text="Days.", path=("x" * 9_000,), anchor="").to_embed("T")) < 200


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=300),
            st.sampled_from(
                [CODE, TABLE, "# H", "## H\n", "```", "~~~~", "| a |\n| b |", "東京都" * 400, "x" * 3000, "é\n"]
            ),
        ),
        max_size=12,
    ).map("\n".join)
)
def test_any_text_is_cut_without_loss_within_bounds(markdown: str) -> None:
    """Whatever comes, no chunk is empty or too large, and every visible character is in a path, a chunk or a mark."""
    found = pieces(markdown)
    assert all(piece.text and to_size(piece.text) <= SIZE for piece in found)
    kept = set("".join(piece.text + "".join(piece.path) for piece in found))
    lost = {mark for mark in markdown if not mark.isspace()} - kept
    assert lost <= set("#`~|:-\x1c\x1d\x1e\x1f")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(alphabet="ab.!? \n|`~#東。é-", max_size=400))
def test_units_are_the_text(text: str) -> None:
    """Cutting loses and adds nothing: the units joined are the text."""
    assert "".join(to_units(text)) == text


def test_code_counts_for_more_than_prose() -> None:
    """Text of short tokens is cut earlier, since the embedder counts tokens and not characters."""
    prose = "The refund is paid within five days of the request being made. " * 10
    code = "if(x1[i]!=y2->zQ){a+=0x3F;b^=~c[j];} " * 17
    assert len(pieces(prose)) == 1
    assert len(pieces(code)) > 1
    assert abs(len(prose) - len(code)) < 40
    assert to_size("東" * 300) > SIZE


def test_too_many_chunks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document beyond the cap ends with a sentence and not with a machine out of memory."""
    monkeypatch.setattr(module, "MOST", 3)
    with pytest.raises(InputError, match="3 chunks"):
        pieces("Word. " * 2_000)


def test_splitting_opens_neither_nltk_nor_tiktoken() -> None:
    """Their data files break on hard links and without network: a fresh process never loads them."""
    script = (
        "import sys; from infra.knowledge.split import split; from infra.knowledge.readers.parsed import Section;"
        "split([Section(anchor='', markdown='# A' + chr(10) + 'One. Two! ' * 400)], title='T');"
        "print([name for name in sys.modules if name.startswith(('nltk', 'tiktoken'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\[.*\]\n", done.stdout), done.stdout
    assert done.stdout == "[]\n"
