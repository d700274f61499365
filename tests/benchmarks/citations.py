"""Whether citations resolve, name what answers, and are there: on `claude-docs`, whose right documents people judged.

A model of an oracle's quality writes the reference answer, sentence by sentence, whenever a right document stands among
its passages, and declines otherwise. It cites rightly for precision and recall; for the resolving it also cites
nothing, a wrong passage, one that is not there, or several. Beside it the answer without a model, quoted from the
documents: what the embedded default says.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from core.audience import EVERYONE
from core.bot import Bot
from core.citations import marked
from core.examples import NO_ANSWER
from core.messages import Answer, Outcome, Question
from core.prompt import Prompt
from core.words import content, sentences
from infra.knowledge.answering import METRICS, ask, summary, to_row
from infra.knowledge.answering import Row as Measures
from infra.knowledge.evaluation import Shelved
from infra.knowledge.judged import Judged, Query, read_answered
from tests.benchmarks.session import Session, command
from tests.benchmarks.shelf import missing, open_shop
from tests.benchmarks.table import Row

SET = "claude-docs"
PRECISION, RECALL = 0.9, 0.85
ANSWERS = 1_000  # whose markers must all resolve
_PASSAGE = re.compile(r"(?m)^\[(\d+)\] ")

Marks = Callable[[int, int], str]  # from the right passage's number and a counter
RIGHT: Marks = lambda n, turn: f" [{n}]"  # noqa: E731
ODD: Sequence[Marks] = (
    RIGHT,
    lambda n, turn: "",
    lambda n, turn: f" [{n % 6 + 1}]",
    lambda n, turn: f" [{n + 90}]",
    lambda n, turn: f" [{n}, {turn % 9 + 1}][{turn % 12}]",
)


@dataclass
class Oracle:
    """A `Speaker` that knows the answers; `texts`: what the right documents of each question say."""

    answers: Mapping[str, str]
    texts: Mapping[str, Sequence[str]]
    marks: Marks = RIGHT
    name: str = "oracle"
    turn: int = field(default=0)

    @asynccontextmanager
    async def speak(
        self,
        prompt: Prompt,
        *,
        adapter: str | None = None,
        max_tokens: int,
    ) -> AsyncIterator[AsyncIterator[str]]:
        """Say the reference answer with its marks, or decline."""
        body, _, question = prompt.messages[-1].content.rpartition("\n\nQuestion: ")
        yield self._words(self.say(body, question))

    def say(self, body: str, question: str) -> str:
        """Return what it answers from the passages of a prompt."""
        cuts = [*_PASSAGE.finditer(body)]
        ends = [*(cut.start() for cut in cuts[1:]), len(body)]
        shown = {int(cut[1]): " ".join(body[cut.end() : end].split()) for cut, end in zip(cuts, ends, strict=True)}
        right = {n: text for n, text in shown.items() if any(_within(text, whole) for whole in self.texts[question])}
        if not right:
            return NO_ANSWER
        said = []
        for sentence in sentences(self.answers[question]):
            words = set(content(sentence))
            best = max(right, key=lambda n: len(words & set(content(right[n]))))
            self.turn += 1
            said.append(f"{sentence.rstrip('.')}{self.marks(best, self.turn)}.")
        return " ".join(said)

    async def _words(self, text: str) -> AsyncIterator[str]:
        for word in re.findall(r"\s*\S+", text):
            yield word


def _within(passage: str, whole: str) -> bool:
    """Whether a passage (title and text) comes from a document: most of its words stand there."""
    words = passage.split()
    theirs = set(whole.split())
    return sum(word in theirs for word in words) >= 0.95 * len(words)


async def bench(session: Session) -> list[Row]:
    """Return precision and recall with the oracle and without a model, and how many markers do not resolve."""
    if missing(session, "citations", [SET]):
        return []
    judged = read_answered(session.data / SET)
    corpus = {text.id: f"{text.title} {text.text}" for text in judged.corpus}
    oracle = Oracle(
        answers={query.text: query.answer for query in judged.queries},
        texts={query.text: [corpus[name] for name in query.relevant] for query in judged.queries},
    )
    async with open_shop(session) as shop:
        shelved = await shop.learn("bench/cited", judged)
        best = await _measured(shop.bot(speaker=oracle), judged, shelved)
        plain = await _measured(shop.bot(), judged, shelved)
        unresolved, said = await _unresolved(shop.bot(speaker=oracle), oracle, judged, shelved, session.times(ANSWERS))
    what = f"{SET}: citation"
    return [
        Row(bench="citations", what=f"{what} precision, oracle", value=best["citation_precision"], least=PRECISION),
        Row(bench="citations", what=f"{what} recall, oracle", value=best["citation_recall"], least=RECALL),
        *(
            Row(bench="citations", what=f"{SET}: {name.replace('_', ' ')}, quoted", value=plain[name])
            for name in METRICS
            if name in plain
        ),
        Row(bench="citations", what=f"{SET}: answered, oracle", value=best["answered"]),
        Row(bench="citations", what=f"markers that do not resolve, in {said:,} answers", value=unresolved, most=0),
    ]


async def _measured(bot: Bot, judged: Judged, shelved: Shelved) -> dict[str, float]:
    rows: dict[str, Measures] = {}
    for query in judged.queries:
        answer = await _ask(bot, query)
        rows[query.id] = to_row(query, answer, {n for n, theirs in shelved.names.items() if theirs in query.relevant})
    return {name: value for name, value in summary(rows)[0].items() if value is not None}


async def _unresolved(bot: Bot, oracle: Oracle, judged: Judged, shelved: Shelved, wanted: int) -> tuple[int, int]:
    """Return how many markers resolve to nothing, and in how many answers."""
    broken = said = turn = 0
    while said < wanted and turn < 3 * wanted:
        oracle.marks = ODD[(turn + turn // len(judged.queries)) % len(ODD)]
        answer = await _ask(bot, judged.queries[turn % len(judged.queries)])
        turn += 1
        if answer.outcome in (Outcome.ANSWERED, Outcome.EXTRACTIVE):
            said += 1
            known = {citation.n for citation in answer.citations if citation.document in shelved.names}
            broken += sum(n not in known for n in marked(answer.text))
            broken += not known
    return broken, said


async def _ask(bot: Bot, query: Query) -> Answer:
    question = Question(text=query.text, workspace="bench/cited", audience=EVERYONE, cached=False)
    return await ask(bot, question)


if __name__ == "__main__":
    command(bench)
