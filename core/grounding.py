"""The grounding guard: may this sentence be said, given the passages? Pure.

A sentence may be said if the passages it cites resolve, every number and every URL in it stands in a cited passage (or
in the question), the number with the subject it has there, and enough of its content words do. For a small model
"enough" is all of them, measured: with that, a 135M model under a voice adapter kept 16 of 18 facts and invented
nothing. A sentence that cites nothing is given the passage that supports it best. A sentence without content of its own
(a greeting) may stand beside one that has some.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from core.binding import bound
from core.citations import marked, unmarked, with_marker
from core.messages import Passage
from core.words import content, numbers

_URL = re.compile(r"(?i)\b(?:https?://|www\.)[^\s<>\"'`\])}]+|\b[a-z][a-z0-9+.-]{1,20}://[^\s<>\"'`\])}]+")
# a bare domain, a file's name, an address without its scheme: clients make links of them
_DOTTED = re.compile(r"(?<![\w.@/-])[\w-]*[^\W\d_][\w-]*(?:\.[\w-]*[^\W\d_][\w-]*)+(?:[/:?#][^\s<>\"'`\])}]*)?")
_UNKNOWN = re.compile(
    r"(?i)^\W*(no answer\b|unknown\b|i (?:do not|don[’']t) know|i(?:[’']m| am) not sure|no (?:lo )?sé\b|sin respuesta)"
)


@dataclass(frozen=True, slots=True)
class Guard:
    """How strict to be: `precision` is the least share of a sentence's content words that its passage must hold.

    `voice` are stems that the brand's own phrases bring along; they count neither way.
    """

    precision: float
    voice: frozenset[str] = field(default=frozenset())


COVERED: Final = 0.5  # of the closest excerpt's own words; any share from .3 to .6 let the same answers through
STRICT = Guard(1.0)
# A served model rephrases; half of the words in the passage and all numbers and links is what plain paraphrase keeps.
SERVED = Guard(0.5)


def urls(text: str) -> set[str]:
    """Return what a client could make a link of, without the punctuation that ends a sentence."""
    whole = _URL.findall(text)
    dotted = [d for d in _DOTTED.findall(_URL.sub(" ", text)) if not re.fullmatch(r"(?:\w\.)+\w", d)]  # e.g, a.m
    return {found.rstrip(".,;:!?") for found in (*whole, *dotted)}


def unknown(text: str) -> bool:
    """Whether a model's text says that it does not know."""
    return bool(_UNKNOWN.match(text))


def support(sentence: str, passage: Passage, question: str, guard: Guard) -> float:
    """Return the share of the sentence's own content words that the passage holds.

    0 when a number or URL is not there, or the number stands there with another subject.

    Words of the question count as known, but a sentence made of them alone says nothing: 0.
    """
    source = f"{passage.title}\n{' '.join(passage.path)}\n{passage.text}"
    known, figures = _held(source)
    asked, given = _held(question)
    if not numbers(sentence) <= figures | given:
        return 0.0
    if not all(url in source or url == passage.url for url in urls(sentence)):
        return 0.0
    if not bound(sentence, question, passage):
        return 0.0
    own = [w for w in content(unmarked(sentence)) if w not in asked and w not in guard.voice]
    return sum(w in known for w in own) / len(own) if own else 0.0


@lru_cache(maxsize=512)
def _held(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the content words and the numbers of a text that sentence after sentence is held against."""
    return frozenset(content(text)), frozenset(numbers(text))


def covers(sentence: str, gist: str, question: str) -> bool:
    """Whether a sentence says what the closest excerpt says: half of its own words, one of its numbers if it has any.

    Whatever a small model copies stands in a passage, so that it passes as grounded; whether it is the answer, the
    search over sentences knows better. Measured: without this a 135M model in a voice kept .47 of the facts where the
    quotation has .64, with it .61.
    """
    known = set(content(question))
    own = [w for w in content(unmarked(gist)) if w not in known]
    figures, said = numbers(gist) - numbers(question), set(content(unmarked(sentence)))
    return sum(w in said for w in own) >= COVERED * len(own) and (not figures or bool(figures & numbers(sentence)))


def spoken(sentence: str, guard: Guard) -> bool:
    """Whether a sentence claims nothing: only the voice's words and stop words. The question repeated is none."""
    return all(w in guard.voice for w in content(unmarked(sentence))) and not urls(sentence)


def passed(sentence: str, passages: Sequence[Passage], question: str, guard: Guard) -> str | None:
    """Return the sentence as it may be said, with a citation that holds, or None."""
    if spoken(sentence, guard):
        return unmarked(sentence).strip()
    if unmarked(sentence).rstrip("\"'”’») ").endswith(("?", "？")):
        return None  # a question answers nothing
    cited = [n for n in marked(sentence) if 1 <= n <= len(passages)]
    if holding := [n for n in cited if support(sentence, passages[n - 1], question, guard) >= guard.precision]:
        bare = unmarked(sentence).rstrip()
        return bare + " " + "".join(f"[{n}]" for n in holding)
    by_support = {n: support(sentence, passages[n - 1], question, guard) for n in range(1, len(passages) + 1)}
    best = max(by_support, key=lambda n: by_support[n], default=0)
    return with_marker(sentence, best) if best and by_support[best] >= guard.precision else None
