"""What can be quoted from a passage, and which quotation is chosen."""

from dataclasses import replace

import pytest

from core.extract import Excerpt, Scored, chosen, excerpts, narrowed, plain, quoted, score
from core.messages import Arm
from core.prompt import write
from tests.core.passages import passage

MARKDOWN = """## Prices

The prices hold until March. They include VAT.

| Item | Price |
|------|-------|
| Patch | £12 |
| New zip | £24.50 |

You need:

- a **dry** tent
- [the form](https://wrenfold.example/form)

```
vocero print label
```
"""


def test_sentences_rows_items_and_code_are_quotable_headings_are_not() -> None:
    """A row carries its heads, an item its lead, a link its address; mark-up and headings are gone."""
    found = excerpts(1, passage(MARKDOWN))
    assert [(e.lead, e.text) for e in found] == [
        ("", "The prices hold until March."),
        ("", "They include VAT."),
        ("", "Item: Patch; Price: £12"),
        ("", "Item: New zip; Price: £24.50"),
        ("", "You need:"),
        ("You need:", "a dry tent"),
        ("You need:", "the form (https://wrenfold.example/form)"),
        ("", "```\nvocero print label\n```"),
    ]


async def test_the_row_that_answers_is_quoted_with_its_source() -> None:
    """Without an embedder the words decide; the quotation names the passage it stands in."""
    passages = [passage("Tents are sold dry.", n=1), passage(MARKDOWN, n=2)]
    ranked = await score("What is the price of a new zip?", passages, None)
    assert quoted(chosen(ranked[:1])) == "“Item: New zip; Price: £24.50” [2]"


async def test_long_excerpts_are_shortened_at_a_word() -> None:
    """A quotation never grows past its limit and says that it was cut."""
    ranked = await score("log", [passage("log " + "word " * 400)], None)
    text = quoted(chosen(ranked))
    assert len(text) < 620
    assert text.endswith("…” [1]")


def test_plain_text_keeps_words_with_underscores() -> None:
    """Only mark-up goes: snake_case and multiplication stay."""
    assert plain("use `max_tokens` and 2*3*4 **now**") == "use max_tokens and 2*3*4 now"


async def test_a_small_model_reads_what_would_be_quoted_under_its_passages_number() -> None:
    """What is not close is not in the prompt, and a passage without a close excerpt leaves its number unused."""
    passages = [passage("Tents are sold dry. Pegs are not.", n=1), passage("The sea.", n=2), passage(MARKDOWN, n=3)]
    ranked = await score("What is the price of a new zip?", passages, None)
    shown = narrowed(passages, ranked[:1])
    assert [p.text for p in shown] == ["", "", "Item: New zip; Price: £24.50"]
    asked = write(Arm.RAG, "How much?", shown).messages[-1].content
    assert "[3]" in asked
    assert "[1]" not in asked
    assert "dry" not in asked
    assert narrowed(passages, []) == tuple(replace(p, text="") for p in passages)


def _scored(n: int, order: int, text: str, cosine: float) -> Scored:
    return Scored(Excerpt(n, order, text), cosine, 0.0)


@pytest.mark.parametrize(
    ("others", "quoted"),
    [
        ([(1, 4, "Tents take longer.", 0.82), (1, 0, "Stoves are exempt.", 0.78)], ["Stoves", "Refunds", "Tents"]),
        ([(1, 4, "Tents take longer.", 0.82), (2, 0, "Stoves are exempt.", 0.83)], ["Refunds", "Tents"]),
        ([(2, 4, "Tents take longer.", 0.92), (1, 9, "Stoves are exempt.", 0.78)], ["Refunds", "Stoves", "Tents"]),
        ([(1, 4, "Tents take longer.", 0.82), (1, 0, "Stoves are exempt.", 0.70)], ["Refunds", "Tents"]),
        ([(1, 4, "Refunds take five days here.", 0.92), (1, 0, "Stoves are exempt.", 0.70)], ["Refunds"]),
        ([(1, 4, "Tents take longer.", 0.80), (1, 0, "Stoves are exempt.", 0.79)], ["Refunds"]),
    ],
)
def test_a_third_excerpt_is_quoted_from_a_passage_that_is_cited_anyway(
    others: list[tuple[int, int, str, float]], quoted: list[str]
) -> None:
    """A second must be nearly as close, a third a little less so; a passage's excerpts stand together in its order."""
    ranked = [_scored(1, 2, "Refunds take five days.", 0.96), *(_scored(*other) for other in others)]
    ranked.sort(key=lambda scored: -scored.score)
    assert [excerpt.text.split()[0] for excerpt in chosen(ranked)] == quoted
    assert len(chosen(ranked, most=2)) <= 2
