"""A judged set: documents, questions, and which document answers which question, as people judged it.

A folder with `corpus.jsonl` (id, title, text), `queries.jsonl` (id, text, and perhaps `turns`: what was said before, as
[["user" or "agent", text], ...]; `answerable`: true, false or null; `answer`: a right one), either of them perhaps
gzipped, and `qrels.tsv` (query, document, grade).
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.messages import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A document of the set."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question of the set; `grades` by document; `answerable` and `answer` where they are known."""

    id: str
    text: str
    turns: tuple[Turn, ...]
    grades: Mapping[str, float]
    answerable: bool | None = None
    answer: str = ""

    @property
    def before(self) -> tuple[Turn, ...]:
        """The turns before the question, which some sets repeat as the last of them."""
        return self.turns[:-1] if self.turns and self.turns[-1].text == self.text else self.turns

    @property
    def relevant(self) -> frozenset[str]:
        """The documents that were judged to help."""
        return frozenset(document for document, grade in self.grades.items() if grade > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The documents, and the questions that one measure asks."""

    corpus: tuple[Text, ...]
    queries: tuple[Query, ...]


def read_judged(folder: Path) -> Judged:
    """Read a judged set for its rankings. InputError that names file and line of what cannot be used."""
    judged = _read(folder)
    queries = tuple(query for query in judged.queries if query.relevant)
    if not queries:
        raise InputError(f"{folder / 'qrels.tsv'} calls no document relevant to any question: there is no measure.")
    return Judged(corpus=judged.corpus, queries=queries)


def read_answerable(folder: Path) -> Judged:
    """Read a judged set for the questions known to be answerable or not. InputError."""
    judged = _read(folder, graded=False)
    queries = tuple(query for query in judged.queries if query.answerable is not None)
    kinds = {query.answerable for query in queries}
    if kinds != {True, False}:
        missing = "answerable: true" if True not in kinds else "answerable: false"
        raise InputError(f"{folder} has no question with {missing}: abstention is measured on both kinds.")
    return Judged(corpus=judged.corpus, queries=queries)


def read_answered(folder: Path) -> Judged:
    """Read a judged set for its questions with a right answer, and those known to have none. InputError."""
    judged = _read(folder, graded=False)
    queries = tuple(query for query in judged.queries if query.answer.strip() or query.answerable is False)
    if not any(query.answerable is not False for query in queries):
        raise InputError(f"{folder} has no question with an answer: give its queries an `answer` to compare with.")
    return Judged(corpus=judged.corpus, queries=queries)


def _read(folder: Path, *, graded: bool = True) -> Judged:
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: name one that holds corpus.jsonl, queries.jsonl and qrels.tsv.")
    corpus = {text.id: text for text in _texts(_find(folder, "corpus.jsonl"))}
    asked = {one["id"]: one for one in _rows(_find(folder, "queries.jsonl"))}
    grades: dict[str, dict[str, float]] = {}
    if graded or (folder / "qrels.tsv").is_file():
        grades = _grades(_find(folder, "qrels.tsv"), asked, corpus)
    queries = (
        Query(
            id=name,
            text=row["text"],
            turns=row["turns"],
            grades=grades.get(name, {}),
            answerable=row["answerable"],
            answer=row["answer"],
        )
        for name, row in asked.items()
    )
    return Judged(corpus=tuple(corpus.values()), queries=tuple(queries))


def _find(folder: Path, name: str) -> Path:
    for file in (folder / name, folder / f"{name}.gz"):
        if file.is_file():
            return file
    raise InputError(f"{folder} holds no {name}: a judged set is corpus.jsonl, queries.jsonl and qrels.tsv.")


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, counted from 1."""
    try:
        with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
            yield from ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is no UTF-8 text: convert it first.") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{file} is damaged and cannot be unpacked: fetch it again.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for number, line in _lines(file):
        try:
            row = json.loads(line)
            name, text, title = str(row["id"]), row["text"], row.get("title") or ""
            turns = tuple(_to_turn(who, said) for who, said in row.get("turns") or ())
            answerable, answer = row.get("answerable"), row.get("answer") or ""
            if not all(isinstance(one, str) for one in (text, title, answer)) or answerable not in (True, False, None):
                raise TypeError
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InputError(f"{file}, line {number}: this is no JSON object with an id and a text.") from error
        if name in seen:
            raise InputError(f"{file}, line {number}: the id {name[:80]!r} stands there twice.")
        seen.add(name)
        yield {
            "id": name,
            "text": text,
            "title": title,
            "turns": turns,
            "answerable": None if answerable is None else bool(answerable),
            "answer": answer,
        }
    if not seen:
        raise InputError(f"{file} is empty: there is nothing to measure.")


def _texts(file: Path) -> Iterator[Text]:
    for row in _rows(file):
        yield Text(id=row["id"], title=row["title"], text=row["text"])


def _to_turn(who: str, said: str) -> Turn:
    if not isinstance(said, str):
        raise TypeError
    return Turn(who="user" if who == "user" else "bot", text=said)


def _grades(file: Path, asked: Mapping[str, object], corpus: Mapping[str, object]) -> dict[str, dict[str, float]]:
    grades: dict[str, dict[str, float]] = {}
    for number, line in _lines(file):
        parts = line.rstrip("\r\n").split("\t")
        try:
            query, document, grade = parts[0], parts[1], float(parts[2])
        except (IndexError, ValueError) as error:
            if number == 1:  # the header
                continue
            sentence = f"{file}, line {number}: this is no question, document and grade with tabs between."
            raise InputError(sentence) from error
        if query not in asked:
            raise InputError(f"{file}, line {number}: there is no question {query[:80]!r} among the queries.")
        if document not in corpus:
            raise InputError(f"{file}, line {number}: there is no document {document[:80]!r} in the corpus.")
        grades.setdefault(query, {})[document] = grade
    return grades
