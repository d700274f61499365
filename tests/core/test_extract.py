"""What can be quoted from a passage, and which quotation is chosen."""

from dataclasses import replace

from core.extract import excerpts, narrowed, plain, quote, score
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
    assert quote(ranked[:1]) == "“Item: New zip; Price: £24.50” [2]"


async def test_long_excerpts_are_shortened_at_a_word() -> None:
    """A quotation never grows past its limit and says that it was cut."""
    ranked = await score("log", [passage("log " + "word " * 400)], None)
    text = quote(ranked)
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
