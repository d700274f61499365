"""Whether two questions are so alike that one's answer is the other's: off unless an admin switches it on.

Never by cosine alone. Only within what could change an answer (workspace, audience, editions, voice) and over the same
passages; never where numbers, identifiers, names, opposites, a negation or who, when, where, why differ; and only when
the next question there is clearly farther off. The weights are those of a logistic regression on half of 4,000
duplicate pairs, half of whose counterparts were taken away; `tests/benchmarks/answers.py` has the figures.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from core.errors import EmbedderDown
from core.messages import Answer, Outcome, Passage
from core.ports import AnswerCache, Embedder
from core.words import content, numbers, sentences, stem, words

PASSAGES: Final = 3  # that must be the same; the later ones change with every other wording
NEXT_WEIGHT: Final = 0.25  # of the next nearest question's cosine, against 1 for the nearest's
WORDS_WEIGHT: Final = 0.08  # of the share of content words in common
ENOUGH: Final = 0.851  # of the pairs fitted on .4 % were served wrongly, most the same but for their label
NEXT: Final = 0.7  # what the next one counts at least: being alone proves nothing
_CODE: Final = re.compile(r"\d|[_/=#@\\]|^-|\w\.\w")
_NEGATIONS: Final = frozenset(
    "no not never without except nobody none nothing nor neither unless cannot sin nunca ni".split()
)
# of what a question is: who, when, where, why; and on which side of something
_ASKED: Final = frozenset("who whom whose when where why quién quien cuándo cuando dónde donde porqué".split())
_SIDES: Final = frozenset(
    "before after above below over under until since inside outside antes después desde hasta sobre bajo".split()
)
# words around a question that say nothing of it
_FRAME: Final = frozenset(
    stem(word)
    for word in "hi hello hey please thank thanks lot tell know knows explain describe say give show brief briefly"
    " quickly exactly actually really simply just way ways wonder wondering curious someone anybody question"
    " hola favor gracias dime decir decirme sabe saber explica explicar explícame breve brevemente quisiera exactamente"
    " alguien pregunta".split()
)


@dataclass(frozen=True, slots=True)
class Other:
    """A question answered before, the key of its answer, and its cosine with the one that is asked."""

    asked: str
    key: str
    cosine: float


class Questions(Protocol):
    """Keeps questions by where they were asked; fails open."""

    async def nearest(self, workspace: str, place: str, vector: Sequence[float]) -> list[Other]:
        """Return the nearest questions of a place, the nearest first; none when unreachable."""
        ...

    async def note(self, workspace: str, place: str, asked: str, key: str, vector: Sequence[float]) -> None:
        """Keep a question for a place."""
        ...

    async def purge(self, workspace: str) -> int:
        """Delete all of a workspace; return how many places went. UnavailableError when that cannot be known."""
        ...


def choose(asked: str, others: Sequence[Other]) -> Other | None:
    """Return the question that is the same one in other words; None when there is none or it is not clear."""
    fit = [other for other in others if agree(asked, other.asked)]
    if not fit:
        return None
    best = max(fit, key=lambda other: other.cosine)
    following = max((other.cosine for other in others if other is not best), default=0.0)
    close = best.cosine - NEXT_WEIGHT * max(following, NEXT) + WORDS_WEIGHT * _shared(asked, best.asked)
    return best if close >= ENOUGH else None


def agree(one: str, other: str) -> bool:
    """Whether nothing that decides an answer differs: numbers, identifiers, negation, names, who does what to whom."""
    mine, theirs = _topic(one), _topic(other)
    return (
        numbers(one) == numbers(other)
        and _identifiers(one) == _identifiers(other)
        and _negated(one) == _negated(other)
        and _said(one, _ASKED | _SIDES) == _said(other, _ASKED | _SIDES)
        and _names(one, other)
        and _names(other, one)
        and (mine == theirs or sorted(mine) != sorted(theirs))  # the same words in another order say something else
        and not (
            Counter(mine) - Counter(theirs) and Counter(theirs) - Counter(mine)
        )  # one word in another's place, too
    )


def _identifiers(text: str) -> set[str]:
    """Return what is written like a code, whole: X100-b, --all, user_id, 3.5/hour."""
    bare = (part.strip(".,;:!?()[]{}\"'“”«»¿¡`").casefold() for part in text.split())
    return {part for part in bare if _CODE.search(part)}


def _negated(text: str) -> int:
    return sum(word.casefold() in _NEGATIONS or word.casefold().endswith(("n't", "n’t")) for word in words(text))


def _said(text: str, among: frozenset[str]) -> set[str]:
    return {word.casefold() for word in words(text)} & among


def _topic(text: str) -> list[str]:
    return [word for word in content(text) if word not in _FRAME]


def _names(one: str, other: str) -> bool:
    """Whether every name in one text, by its capital letter or its odd spelling, stands in the other."""
    there = {word.casefold() for word in words(other)}
    several = (enumerate(words(sentence)) for sentence in sentences(one))
    return all(word.casefold() in there for said in several for n, word in said if _is_name(word, first=n == 0))


def _is_name(word: str, *, first: bool) -> bool:
    strange = word[1:] != word[1:].casefold() or (not first and word[0].isupper())
    return strange and word != "I" and stem(word) not in _FRAME


def _shared(one: str, other: str) -> float:
    mine, theirs = set(_topic(one)), set(_topic(other))
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look for a question in other words: where, by which vector, and the answer if there was one."""

    place: str
    vector: tuple[float, ...]
    answer: Answer | None = None


class Nearby:
    """Finds answers to the same question in other words."""

    def __init__(self, questions: Questions, answers: AnswerCache, embedder: Embedder) -> None:
        self._questions, self._answers, self._embedder = questions, answers, embedder

    async def look(self, workspace: str, place: str, asked: str, passages: Sequence[Passage]) -> Look | None:
        """Look among what was asked in this place over the same passages; None when that is not possible."""
        try:
            [vector] = await self._embedder.embed([asked])
        except EmbedderDown:
            return None
        where = to_place(place, passages)
        found = choose(asked, await self._questions.nearest(workspace, where, vector))
        answer = await self._answers.find(workspace, found.key) if found else None
        said = answer if answer and answer.outcome in (Outcome.ANSWERED, Outcome.EXTRACTIVE) else None
        return Look(place=where, vector=tuple(vector), answer=said)

    async def note(self, workspace: str, look: Look, asked: str, key: str) -> None:
        """Let the question be found; its answer, if it is kept, is kept under `key`."""
        await self._questions.note(workspace, look.place, asked, key, look.vector)

    async def purge(self, workspace: str) -> int:
        """Delete what was asked. UnavailableError."""
        return await self._questions.purge(workspace)


def to_place(place: str, passages: Sequence[Passage]) -> str:
    """Return the key of a place with its first passages, each in its revision."""
    shown = sorted(f"{p.chunk} {p.revision}" for p in passages[:PASSAGES])
    return hashlib.sha256(json.dumps([place, shown]).encode()).hexdigest()
