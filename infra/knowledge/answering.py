"""Measure whole answers: asked as a person would, judged by the reference answer and the documents that help."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from core.audience import EVERYONE
from core.bot import Bot
from core.comparison import cited_precision, cited_recall, contrast, correct, declines, faithful, figure
from core.errors import UnavailableError
from core.examples import Example
from core.messages import Answer, Arm, Done, Outcome, Passage, Question
from core.ports import Memory
from infra.knowledge.evaluation import Shelved
from infra.knowledge.judged import Query

METRICS: Final = ("correct", "faithful", "citation_precision", "citation_recall", "answered", "refused")

Row = Mapping[str, float | None]  # of one answer: its metrics, None where one does not apply


async def answers(
    bot: Bot, memory: Memory, queries: Sequence[Query], shelved: Shelved, *, workspace: str, arm: Arm | None
) -> AsyncIterator[tuple[str, Row]]:
    """Yield each question's id with its row. UnavailableError when an answer failed: that would be no measure."""
    for query in queries:
        conversation = f"{workspace}/{arm or 'default'}/{query.id}" if query.before else ""
        question = Question(
            text=query.text, workspace=workspace, audience=EVERYONE, conversation=conversation, arm=arm, cached=False
        )
        await _tell(memory, question, query)
        answer = await ask(bot, question)
        if answer.outcome is Outcome.FAILED:
            raise UnavailableError(f"{query.text[:80]!r} could not be answered: {answer.text}")
        yield (
            query.id,
            to_row(query, answer, {name for name, theirs in shelved.names.items() if theirs in query.relevant}),
        )


def to_row(query: Query, answer: Answer, relevant: set[str]) -> Row:
    """Return an answer's metrics; `relevant`: our ids of the documents that were judged to help."""
    example = Example(id=query.id, question=query.text, answer=query.answer, answerable=query.answerable)
    if query.answerable is False:
        return {**dict.fromkeys(METRICS), "refused": float(declines(answer))}
    passages = [
        Passage(chunk=c.chunk, document=c.document, title=c.title, url=c.url, text=c.text, score=0.0, cosine=None)
        for c in answer.citations
    ]
    return {
        "correct": correct(example, answer) if query.answer else None,
        "faithful": faithful(example, answer, passages, frozenset()),
        "citation_precision": cited_precision(answer, relevant) if relevant else None,
        "citation_recall": cited_recall(answer, relevant) if relevant else None,
        "answered": float(not declines(answer)),
        "refused": None,
    }


def summary(rows: Mapping[str, Row], seed: int = 0) -> tuple[dict[str, float | None], dict[str, list[float] | None]]:
    """Return the mean of each metric and its percentile bootstrap interval; None where none applies."""
    means: dict[str, float | None] = {}
    intervals: dict[str, list[float] | None] = {}
    for name in METRICS:
        found = figure([v for row in rows.values() if (v := row.get(name)) is not None], seed)
        means[name] = round(found.mean, 4) if found else None
        intervals[name] = [round(found.low, 4), round(found.high, 4)] if found else None
    return means, intervals


def changes(now: Mapping[str, Row], before: Mapping[str, Row], names: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Return how each metric changed on the questions both have, with intervals paired by question."""
    found = {name: contrast(now, before, name, seed) for name in names}
    return {
        name: {"change": round(one.mean, 4), "interval": [round(one.low, 4), round(one.high, 4)]}
        for name, one in found.items()
        if one
    }


async def _tell(memory: Memory, question: Question, query: Query) -> None:
    """Put what was said before into the conversation, as it would have come there."""
    for n, turn in enumerate(query.before):
        if turn.who == "user":
            replied = "\n".join(t.text for t in query.before[n + 1 : n + 2] if t.who != "user")
            before = Question(text=turn.text, workspace=question.workspace, conversation=question.conversation)
            await memory.remember(before, Answer(text=replied, outcome=Outcome.EXTRACTIVE))


async def ask(bot: Bot, question: Question) -> Answer:
    """Return how a question ends."""
    async with aclosing(bot.answer(question)) as events:
        async for event in events:
            if isinstance(event, Done):
                return event.answer
    raise RuntimeError("an answer ended without its end")
