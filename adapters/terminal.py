"""Questions and answers on a terminal: pieces as they come, sources below, and one line that says who wrote it."""

import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TextIO

from core.messages import Answer, Citation, Done, Event, Mode, Outcome, Piece, Status

_STAGES = {"recalling": "reading the conversation", "searching": "searching the documents", "writing": "writing"}
_MODES = {
    Mode.EXTRACTIVE: "quoted from the documents",
    Mode.GUARDED: "written by {model}, checked against the documents",
    Mode.MODEL: "written by {model} from its own knowledge, nothing checked",
}
_CONTROLS = {c: None for c in (*range(32), *range(127, 160)) if c not in (9, 10)}


def harmless(text: str) -> str:
    """Return a text that cannot steer the terminal it is printed on."""
    return text.translate(_CONTROLS)


async def show(events: AsyncGenerator[Event], *, stream: bool, out: TextIO, err: TextIO) -> Answer:
    """Print the answer with its sources, its pieces as they arrive when `stream`; return it."""
    shown = ""
    lively = err.isatty()
    async with aclosing(events):
        async for event in events:
            match event:
                case Status(stage) if lively:
                    print(f"\r\x1b[2K{_STAGES.get(stage, stage)} …", end="", file=err, flush=True)
                case Piece(text) if stream:
                    _clear(err, lively)
                    shown += text
                    print(harmless(text), end="", file=out, flush=True)
                case Done(answer):
                    _clear(err, lively)
                    _print(answer, shown, out, err)
                    return answer
                case _:
                    pass
    raise RuntimeError("an answer ended without its end")


def _clear(err: TextIO, lively: bool) -> None:
    if lively:
        print("\r\x1b[2K", end="", file=err, flush=True)


def _print(answer: Answer, shown: str, out: TextIO, err: TextIO) -> None:
    if answer.outcome in (Outcome.REFUSED, Outcome.FAILED):
        print(f"vocero: {harmless(answer.text)}", file=err)
        return
    if shown and shown != answer.text:
        print("\n", file=out)
    if shown != answer.text:
        print(harmless(answer.text), end="", file=out)
    print(file=out)
    for citation in answer.citations:
        print(f"  [{citation.n}] {to_line(citation)}", file=out)
    print(f"  ({footer(answer)})", file=out, flush=True)


def to_line(citation: Citation) -> str:
    """Return a source as one line: its title and, where it has one, its address."""
    return harmless(citation.title + (f"  {citation.url}" if citation.url else ""))


def footer(answer: Answer) -> str:
    """Return who wrote an answer, how long it took, and what it says about itself."""
    parts = [f"{answer.timings.total:.2f} s"]
    if answer.outcome in (Outcome.ANSWERED, Outcome.EXTRACTIVE):
        parts.insert(0, _MODES[answer.mode].format(model=answer.model))
    if answer.cached:
        parts.append("from the cache")
    if answer.understood:
        parts.append(f"understood as: {answer.understood}")
    return harmless("; ".join([*parts, *(note.rstrip(".") for note in answer.notes)]))


def say(sentence: str) -> None:
    """Print a sentence about something that takes a moment, on standard error."""
    print(f"  {harmless(sentence)}", file=sys.stderr, flush=True)
