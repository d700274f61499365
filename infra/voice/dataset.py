"""The dataset: what exactly is trained on, written down with its digest and the ids that are kept from training."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from core import extract
from core.audience import EVERYONE
from core.documents import Place, State
from core.errors import InputError
from core.examples import FEWEST, HELD, Example, Mix, Row, Split, rows, split, voice_stems
from core.messages import Passage
from core.ports import Embedder, Knowledge, Librarian
from core.vectors import Sentences
from infra.voice.scrub import scrub
from infra.voice.sources import Material

WATCHED: Final = 0.12  # of the training side only watches the loss, so that stopping early sees nothing held back
WATCHED_REFUSING: Final = 1 / 3  # of the watched rows refuse, as far as there are any: fewer would show no loss of them
SPARE: Final = 4  # examples more than the share held back asks for: whole clusters are held, of both kinds
PLAIN_TASKS: Final = Path(__file__).with_name("plain.jsonl")
RETRIEVED: Final = 8  # passages for each question, as `core.bot` asks for; the prompt shows the first few


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What is trained on and what only watches the loss, the examples behind them, and what was taken out."""

    train: tuple[Row, ...]
    watch: tuple[Row, ...]
    split: Split
    scrubbed: Mapping[str, int]
    stems: frozenset[str]
    documents: frozenset[str] = frozenset()  # whose passages stand in the rows

    def manifest(self, *, mix: Mix, seed: int, source: str) -> dict[str, Any]:
        """Return what is to be known of it: shares, digests, the ids held back, what was dropped and why."""
        return {
            "source": source,
            "mix": mix.value,
            "seed": seed,
            "sha256": hashlib.sha256("".join(map(to_line, self.train)).encode()).hexdigest(),
            "rows": dict(sorted(Counter(row.kind for row in self.train).items())),
            "watching": sorted({row.id for row in self.watch}),
            "trained_on": sorted({row.id for row in self.train if row.kind != "plain"}),
            "documents": sorted(self.documents),
            "held_back": sorted(e.id for e in self.split.held),
            "held_documents": sorted({e.document or e.source for e in self.split.held if e.document or e.source}),
            "sources": sorted({e.source for e in self.split.train if e.source}),
            "dropped": dict(self.split.dropped),
            "scrubbed": dict(self.scrubbed),
            "voice_stems": sorted(self.stems),
        }


def clean(examples: Sequence[Example]) -> tuple[list[Example], Counter[str]]:
    """Take secrets and personal data out of every text; return what is left and how many of each kind there were."""
    taken: Counter[str] = Counter()
    cleaned = []
    for example in examples:
        texts = []
        for text in (example.answer, example.question):
            kept, found = scrub(text)
            taken += found
            texts.append(kept)
        # a fact is a part of the answer: it is cleaned like it, and counted there
        facts = tuple(tuple(scrub(spelling)[0] for spelling in spellings) for spellings in example.facts)
        passages = tuple(_clean(passage, taken) for passage in example.passages)
        cleaned.append(replace(example, answer=texts[0], question=texts[1], facts=facts, passages=passages))
    return cleaned, taken


def build(material: Material, found: Mapping[str, Sequence[Passage]], *, mix: Mix, seed: int, shown: int) -> Dataset:
    """Return the dataset of a mix. InputError when there are too few examples, saying what to do instead."""
    examples, taken = clean(material.examples)
    found = {name: [_clean(p, taken) for p in passages] for name, passages in found.items()}
    parts = split(examples, seed=seed)
    if len(parts.train) < FEWEST:
        raise InputError(
            f"{len(parts.train)} examples are left to train on and {FEWEST} are the fewest: approve "
            f"{_more(parts)} more, or let the bot answer with passages alone, which needs none."
        )
    inner = split(parts.train, seed=seed, held=WATCHED)
    made = rows(inner.train, found, mix=mix, seed=seed, shown=shown, plain=plain_tasks())
    watch = rows(inner.held, found, mix=mix, seed=seed, shown=shown, refusing=WATCHED_REFUSING)
    if not made:
        raise InputError("No example's answer stands in its passages: use --mix style, or add the documents.")
    stems = voice_stems(parts.train, found)
    trained = {row.id for row in made if row.kind != "plain"}
    read = {p.document for name in trained for p in found.get(name, ())[:shown] if mix is Mix.RAFT}
    read |= {e.document for e in inner.train if e.id in trained and e.document}
    return Dataset(
        train=tuple(made), watch=tuple(watch), split=parts, scrubbed=taken, stems=stems, documents=frozenset(read)
    )


def _more(parts: Split) -> int:
    """How many examples of documents of their own are enough, since a part of them will be held back, too."""
    return math.ceil(FEWEST / (1 - HELD)) + SPARE - len(parts.train) - len(parts.held)


def plain_tasks() -> list[tuple[str, str]]:
    """Return plain tasks with their answers; none of them is among those that the comparison asks."""
    lines = PLAIN_TASKS.read_text(encoding="utf-8").splitlines()
    return [(task["question"], task["answer"]) for task in map(json.loads, lines)]


def _clean(passage: Passage, taken: Counter[str]) -> Passage:
    (title, titled), (text, found) = scrub(passage.title), scrub(passage.text)
    taken += titled + found
    return replace(passage, title=title, text=text)


def to_line(row: Row) -> str:
    """Return a row as the training reads it."""
    messages = [{"role": m.role, "content": m.content} for m in row.prompt.messages]
    whole = {"id": row.id, "kind": row.kind, "messages": messages, "completion": row.completion}
    return json.dumps(whole, ensure_ascii=False) + "\n"


def write_rows(folder: Path, dataset: Dataset) -> None:
    """Write both sides. InputError when the disk refuses."""
    write_text(folder, "train.jsonl", "".join(map(to_line, dataset.train)))
    write_text(folder, "watch.jsonl", "".join(map(to_line, dataset.watch)))


def write_text(folder: Path, name: str, text: str) -> None:
    """Write one file of a training. InputError when the disk refuses."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{folder} cannot be written ({error.strerror}): make room, or name another --out; it resumes."
        ) from error


async def narrowed(
    examples: Sequence[Example], found: Mapping[str, Sequence[Passage]], embedder: Embedder
) -> AsyncIterator[tuple[str, list[Passage]]]:
    """Yield each example's passages as a small model is shown them: with their closest excerpts alone."""
    vectors = Sentences(embedder)
    for example in examples:
        passages = found.get(example.id, ())
        ranked = await extract.score(example.question, passages, vectors)
        yield example.id, list(extract.narrowed(passages, ranked))


async def learned(material: Material, librarian: Librarian, workspace: str) -> AsyncIterator[tuple[str, str]]:
    """Learn the documents in a workspace of their own; yield each name with our id of it. InputError if one fails."""
    for name, source in material.documents.items():
        done = await librarian.learn(source, Place(workspace=workspace))
        if done.state is State.FAILED:
            raise InputError(f"The document {name} cannot be learned: {done.reason}")
        yield name, done.document


async def retrieved(
    examples: Sequence[Example], names: Mapping[str, str], knowledge: Knowledge, workspace: str
) -> AsyncIterator[tuple[str, list[Passage]]]:
    """Yield each example's passages as the bot would find them, in that order, under the examples' own names."""
    ours = {document: name for name, document in names.items()}
    for example in examples:
        if not names:
            yield example.id, list(example.passages)
            continue
        found = await knowledge.retrieve(example.question, workspace=workspace, audience=EVERYONE, limit=RETRIEVED)
        passages = [replace(p, document=ours.get(p.document, p.document)) for p in found.passages]
        yield example.id, passages
