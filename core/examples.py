"""Examples: approved answers as training material, and the pure steps from them to a dataset."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from core.citations import unmarked
from core.messages import Arm, Passage
from core.prompt import PASSAGES, Prompt, write
from core.words import content, language, numbers

FEWEST: Final = 24  # examples; below, the sketches' voice did not show on questions held back
HELD: Final = 0.3  # of the documents and of the unanswerable questions are kept from training, to measure on
NEAR: Final = 0.8  # share of content words two questions have in common from which they are one question asked twice
ALIKE: Final = 0.55  # from which they may not stand on both sides of the split
REFUSING: Final = 0.14  # of the rows with passages: 40 % made a 135M model refuse everything, 14 % did not
MISSING: Final = 0.5  # of the refusing rows are answerable questions whose right passage was taken away
BARE: Final = 0.10  # of all rows have no passages: what the voice says when it has nothing to read
PLAIN: Final = 0.12  # of all rows are plain tasks of no domain: without, the base's share of them fell from .67 to .13
VOICE: Final = 0.3  # of the answers of one language hold a stem that their passages lack: then it is the voice's own
NO_ANSWER: Final = "NO ANSWER"  # what `prompts/rag.md` asks for, and the guard knows


class Mix(StrEnum):
    """What the training rows look like: the voice alone, or answers read from passages in retrieval order."""

    STYLE = "style"
    RAFT = "raft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An approved question and answer. `document` is where the answer comes from, empty when nothing holds it.

    `facts` are what a right answer contains, each as its accepted spellings. `passages` came with the example, in
    retrieval order; without them they are retrieved.
    """

    id: str
    question: str
    answer: str
    document: str = ""
    facts: tuple[tuple[str, ...], ...] = ()
    passages: tuple[Passage, ...] = ()
    answerable: bool | None = None  # None: nothing is known of documents, the example shows a manner only
    source: str = ""  # the text it was taken from, with its digest: what is taken from one stands on one side

    @property
    def language(self) -> str:
        """The answer's language."""
        return language(self.question + " " + self.answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing to train on: what stands before, and what is to be said; `kind` names its share of the mix."""

    id: str
    kind: str
    prompt: Prompt
    completion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which examples are trained on and which only measured on; and those left out, with the reason."""

    train: tuple[Example, ...]
    held: tuple[Example, ...]
    dropped: tuple[tuple[str, str], ...] = field(default=())


def normal(text: str) -> str:
    """Return a text in the form in which two are the same."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of content words that two texts have in common (Jaccard)."""
    return len(one & other) / len(one | other) if one or other else 0.0


def deduplicated(examples: Sequence[Example]) -> tuple[list[Example], list[tuple[str, str]]]:
    """Keep one of each question; the later approval wins. Numbers tell questions apart. Say what was dropped and why.

    The same question with answers that hold other numbers is a contradiction, and named so.
    """
    kept: list[tuple[Example, frozenset[str], frozenset[str]]] = []
    dropped: list[tuple[str, str]] = []
    for example in reversed(examples):
        words, figures = frozenset(content(example.question)), frozenset(numbers(example.question))
        twin = next((k for k, w, n in kept if n == figures and _twins(k, w, example, words)), None)
        if twin is None:
            kept.append((example, words, figures))
        elif numbers(twin.answer) != numbers(example.answer) and twin.answerable and example.answerable:
            dropped.append((example.id, f"contradicts {twin.id}, which was approved later"))
        else:
            dropped.append((example.id, f"the same question as {twin.id}"))
    return [k for k, _, _ in reversed(kept)], dropped[::-1]


def _twins(one: Example, words: frozenset[str], other: Example, its: frozenset[str]) -> bool:
    return normal(one.question) == normal(other.question) or likeness(words, its) >= NEAR


def clusters(examples: Sequence[Example]) -> list[list[Example]]:
    """Group what may not be split: one document's examples, and questions that are nearly the same."""
    root = list(range(len(examples)))

    def find(n: int) -> int:
        while root[n] != n:
            root[n] = root[root[n]]
            n = root[n]
        return n

    words = [frozenset(content(e.question)) for e in examples]
    for n, example in enumerate(examples):
        for m in range(n):
            same = (example.document and example.document == examples[m].document) or (
                example.source and example.source == examples[m].source
            )
            if same or likeness(words[n], words[m]) >= ALIKE:
                root[find(n)] = find(m)
    grouped: dict[int, list[Example]] = {}
    for n, example in enumerate(examples):
        grouped.setdefault(find(n), []).append(example)
    return list(grouped.values())


def split(examples: Sequence[Example], *, seed: int, held: float = HELD) -> Split:
    """Hold back a share of the answerable and of the other examples, by whole clusters, chosen by digest of the seed.

    A cluster's place depends on its own members only: more examples later move none from one side to the other
    as long as they start no new ties.
    """
    kept, dropped = deduplicated(examples)
    by_kind: dict[bool, list[list[Example]]] = {True: [], False: []}
    for cluster in clusters(kept):
        by_kind[any(e.answerable is not False for e in cluster)].append(cluster)
    chosen: set[str] = set()
    for several in by_kind.values():
        wanted = round(held * sum(len(c) for c in several))
        for cluster in sorted(several, key=lambda c: _lot(seed, min(e.id for e in c))):
            if wanted > 0 and len(cluster) <= wanted + 2:
                chosen |= {e.id for e in cluster}
                wanted -= len(cluster)
    return Split(
        train=tuple(e for e in kept if e.id not in chosen),
        held=tuple(e for e in kept if e.id in chosen),
        dropped=tuple(dropped),
    )


def _lot(seed: int, *words: str) -> str:
    return hashlib.sha256("\n".join([str(seed), *words]).encode("utf-8", "replace")).hexdigest()


def right_passage(example: Example, passages: Sequence[Passage]) -> int:
    """Return which of the passages (from 1) holds the answer: its document's, with most of its words; 0 for none."""
    said = set(content(unmarked(example.answer)))
    best, share = 0, 0.0
    for n, passage in enumerate(passages, 1):
        if example.document and passage.document != example.document:
            continue
        text = f"{passage.title} {passage.text}"
        if example.facts and not holds(text, example.facts[0]):
            continue
        overlap = len(said & set(content(text))) / max(1, len(said))
        if overlap > share:
            best, share = n, overlap
    return best


def holds(text: str, spellings: Sequence[str]) -> bool:
    """Whether a text holds a fact in one of its spellings; a number only as a whole one (4 is not in 64)."""
    low = text.casefold()
    return any(re.search(rf"(?<!\d){re.escape(s.casefold())}(?!\d)", low) for s in spellings)


def rows(
    examples: Sequence[Example],
    found: Mapping[str, Sequence[Passage]],
    *,
    mix: Mix,
    seed: int,
    shown: int = PASSAGES,
    refusing: float = REFUSING,
    plain: Sequence[tuple[str, str]] = (),
) -> list[Row]:
    """Return the training rows of a mix, in an order of the seed; `found` holds the passages as retrieved.

    `plain` are questions of no domain with their answers, in no voice: they keep what the base can do.
    """
    if mix is Mix.STYLE:
        made = [_bare(e) for e in examples]
    else:
        answering = [r for e in examples if e.answerable is not False and (r := _reading(e, found, shown))]
        silent = [_refusing(e.id, e.question, found[e.id][:shown]) for e in examples if _unheld(e, found)]
        missing = [r for e in examples if e.answerable and (r := _without(e, found, shown))]
        most = round(len(answering) * refusing / (1 - refusing))
        silent, missing = _some(silent, seed, round(most * (1 - MISSING))), _some(missing, seed, round(most * MISSING))
        speechless = [_bare(e) for e in examples if e.answerable is False]
        # examples that show a manner only have nothing to read, and all of them count
        manner = [_bare(e) for e in examples if e.answerable is None and not _reading(e, found, shown)]
        bare = _some(speechless, seed, round(BARE * (len(answering) + most)))
        kept = [_plain(question, answer) for question, answer in plain]
        made = answering + silent + missing + bare + manner
        made += _some(kept, seed, round(PLAIN * len(made)))
    return sorted(made, key=lambda row: _lot(seed, row.kind, row.id))


def _some(several: list[Row], seed: int, most: int) -> list[Row]:
    return sorted(several, key=lambda row: _lot(seed, row.id))[:most]


def _plain(question: str, answer: str) -> Row:
    name = f"plain-{hashlib.sha256(question.encode()).hexdigest()[:8]}"
    return Row(id=name, kind="plain", prompt=write(Arm.BASE, question), completion=answer)


def _bare(example: Example) -> Row:
    answer = unmarked(example.answer)
    return Row(id=example.id, kind="bare", prompt=write(Arm.FINETUNED, example.question), completion=answer)


def _reading(example: Example, found: Mapping[str, Sequence[Passage]], shown: int) -> Row | None:
    passages = found.get(example.id, ())[:shown]
    right = right_passage(example, passages)
    if not right:
        return None
    answer = re.sub(r"\[\d+\]", f"[{right}]", example.answer)
    return Row(id=example.id, kind="reading", prompt=write(Arm.RAFT, example.question, passages), completion=answer)


def _unheld(example: Example, found: Mapping[str, Sequence[Passage]]) -> bool:
    return example.answerable is False and any(p.text for p in found.get(example.id, ()))


def _refusing(name: str, question: str, passages: Sequence[Passage], kind: str = "unanswerable") -> Row:
    return Row(id=name, kind=kind, prompt=write(Arm.RAFT, question, passages), completion=NO_ANSWER)


def _without(example: Example, found: Mapping[str, Sequence[Passage]], shown: int) -> Row | None:
    """The same question, its own document taken away."""
    others = [p for p in found.get(example.id, ()) if p.document != example.document and p.text][:shown]
    facts = example.facts or ((example.answer,),)
    told = any(all(holds(p.text, spellings) for spellings in facts) for p in others)
    return _refusing(example.id, example.question, others, "missing") if others and not told else None


def voice_stems(examples: Sequence[Example], found: Mapping[str, Sequence[Passage]] | None = None) -> frozenset[str]:
    """Return the stems that the voice itself brings: in many answers of a language, and in no passage or question."""
    stems: set[str] = set()
    for tongue in {e.language for e in examples}:
        several = [e for e in examples if e.language == tongue]
        seen: Counter[str] = Counter()
        for example in several:
            passages = (found or {}).get(example.id, example.passages)
            known = set(content(example.question)) | {w for p in passages for w in content(f"{p.title} {p.text}")}
            seen.update(set(content(unmarked(example.answer))) - known)
        stems |= {word for word, n in seen.items() if n >= max(2, VOICE * len(several)) and not re.search(r"\d", word)}
    return frozenset(stems)


def to_passages(raw: Iterable[object], name: str, source: str = "") -> tuple[Passage, ...]:
    """Turn what an import calls passages into ours: texts, or objects with title and text.

    One that names no document is of `source`, the document that the example says it comes from.
    """
    made = []
    for n, one in enumerate(raw, 1):
        got = one if isinstance(one, Mapping) else {"text": str(one)}
        text, title = str(got.get("text", "")), str(got.get("title", ""))
        document = str(got.get("document") or title or source or f"{name}/{n}")
        made.append(
            Passage(
                chunk=str(got.get("chunk") or f"{name}/{n}"),
                document=document,
                title=title,
                url="",
                text=text,
                score=0.0,
                cosine=None,
            )
        )
    return tuple(made)
