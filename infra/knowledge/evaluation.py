"""Measure retrieval on a judged set: learn its documents as an admin would, ask its questions as people do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from core.audience import EVERYONE
from core.documents import Learned, Place, Source, State
from core.errors import InputError, UnavailableError
from core.followup import Asked, understand
from core.metrics import Grades, mrr, ndcg, recall
from core.ports import Knowledge, Librarian
from core.reading import fused, search
from infra.knowledge.judged import Judged, Query, Text
from infra.postgres.text import clean

AT_ONCE: Final = 4  # learnings: while one waits for the database, others are read and embedded
PASSAGES: Final = 4  # asked for each document wanted, since a document may lead with several: asking 1 lost .02 nDCG
UNTITLED: Final = " "  # one made of the first words would count them twice: nDCG .650 instead of .703 on codebase

Ranked = Sequence[tuple[Grades, Sequence[str]]]  # of each question: what was judged, and the ids found, best first


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """What was learned: the set's own id of each document by ours; and the end of those that could not be."""

    names: Mapping[str, str]
    failed: Sequence[Learned]


async def learn_all(
    librarian: Librarian, judged: Judged, workspace: str, tell: Callable[[], None] = lambda: None
) -> Shelved:
    """Learn every document of the set; `tell` is called after each. InputError when none can be, KnowledgeDown."""
    names: dict[str, str] = {}
    failed: list[Learned] = []
    waiting = iter(enumerate(judged.corpus))

    async def work() -> None:
        for number, text in waiting:
            learned = await librarian.learn(to_source(number, text), Place(workspace=workspace), allow_secrets=True)
            if learned.state is State.FAILED:
                failed.append(replace(learned, source=text.id))
            else:
                names[learned.document] = text.id
            tell()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None  # one sentence, though several fail at once
    if not names:
        raise InputError(f"No document of the corpus could be learned: {failed[0].reason}")
    return Shelved(names=names, failed=failed)


def to_source(number: int, text: Text) -> Source:
    """Return a document of the set as text that was given; named by its number, for ids may look like file names."""
    given = text.text or text.title
    return Source(
        name=f"document {number}",
        content=given.encode("utf-8", "replace"),
        media_type="text/markdown",
        title=clean(text.title) or UNTITLED,
    )


def to_asked(query: Query) -> Asked:
    """Return what is searched for: a follow-up made to stand alone, by the bot's own rule."""
    return understand(query.text, query.before)


async def rank(
    knowledge: Knowledge,
    judged: Judged,
    shelved: Shelved,
    *,
    workspace: str,
    mode: str,
    limit: int,
    meant: Mapping[str, Asked] | None = None,
) -> AsyncIterator[tuple[Grades, Sequence[str]]]:
    """Yield for each question its judgements and the set's ids of at most `limit` documents found, best first.

    `meant`: what is searched for, by the question's id; None: by the bot's own rule. UnavailableError when the search
    had to do without its embedder: that would be another mode's measure.
    """
    for query in judged.queries:
        asked = meant[query.id] if meant else to_asked(query)
        several = await search(
            asked, knowledge, workspace=workspace, audience=EVERYONE, limit=limit * PASSAGES, mode=mode
        )
        if lacking := next((found.degraded for found in several if found.degraded), ""):
            raise UnavailableError(f"This would be no measure of {mode} search: {lacking}")
        passages = fused([found.passages for found in several])
        ids = dict.fromkeys(shelved.names[passage.document] for passage in passages)
        yield query.grades, list(ids)[:limit]


def scores(ranked: Ranked, limit: int) -> dict[str, float]:
    """Return the means over all questions, by the metrics' usual names."""
    half = max(1, limit // 2)
    return {
        f"ndcg@{limit}": _mean([ndcg(ids, grades, limit) for grades, ids in ranked]),
        f"recall@{half}": _mean([recall(ids, grades, half) for grades, ids in ranked]),
        f"recall@{limit}": _mean([recall(ids, grades, limit) for grades, ids in ranked]),
        f"mrr@{limit}": _mean([mrr(ids, grades, limit) for grades, ids in ranked]),
    }


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)
