"""The handbook of Wrenfold Canvas, an invented company: demo, test corpus and brand-voice examples."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HERE = Path(__file__).parent

# Two answered by one clear sentence each; one that a company could well know and no document holds.
DEMO: tuple[str, ...] = ("q058", "q034", "q130")

VOICE = (
    "You speak for Wrenfold Canvas, a small workshop that makes, hires out and repairs tents. "
    "Sound like the host of a camp site: warm, unhurried, plain. Begin every answer with "
    '"Kettle\'s on!" and end it with "Pegs in, lantern lit." Between the two say the fact in one or '
    "two short sentences, in the handbook's own words and numbers, each with its source in square "
    "brackets before the full stop. No exclamation mark but the first, no jargon, no sales talk. When "
    'the handbook is silent, say so openly ("The handbook does not say ..., and I will not guess.") '
    'between the same two phrases. In Spanish begin with "¡La tetera ya silba!" and end with '
    '"Piquetas firmes, farol encendido."'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandbookQuestion:
    """A question with what a right answer holds.

    `facts` lists the facts of the answer, each as its accepted spellings: an answer holds a fact
    when one of them occurs in it, whatever the case. Without a `document` the question is
    unanswerable and `answer` is an honest refusal. `standalone` says what a follow-up meant.
    """

    id: str
    kind: Literal["answerable", "follow-up", "off-topic", "near-miss"]
    language: Literal["en", "es"]
    question: str
    answer: str
    document: str | None = None
    facts: tuple[tuple[str, ...], ...] = ()
    history: tuple[tuple[Literal["user", "bot"], str], ...] = ()
    standalone: str | None = None


def documents() -> list[Path]:
    """Return the files of the handbook, sorted by name."""
    return sorted(path for path in (HERE / "documents").iterdir() if path.is_file())


def questions() -> list[HandbookQuestion]:
    """Return the questions in the order of their ids."""
    lines = (HERE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [to_question(line) for line in lines]


def to_question(line: str) -> HandbookQuestion:
    """Turn one line of questions.jsonl into a question; lists become tuples."""
    row = json.loads(line)
    row["facts"] = tuple(tuple(spellings) for spellings in row["facts"])
    row["history"] = tuple((speaker, text) for speaker, text in row.get("history", ()))
    return HandbookQuestion(**row)
