"""Where examples come from: the sample handbook, or lines of JSON; with the documents that they are answered from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.documents import Source
from core.errors import InputError
from core.examples import Example, to_passages
from infra import handbook
from infra.voice.texts import read_texts

HANDBOOK: Final = "handbook"
LONGEST: Final = 20_000  # characters of one field; a longer one is a document and no answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Examples and the documents that answer them; `documents` maps the name in an example to what is learned."""

    name: str
    examples: tuple[Example, ...]
    documents: Mapping[str, Source]


def read(where: str) -> Material:
    """Read `handbook`, a JSONL file or a folder of brand texts. InputError names the line that is wrong."""
    if where == HANDBOOK:
        return _handbook()
    if Path(where).is_dir():
        return Material(name=Path(where).resolve().name, examples=read_texts(Path(where)), documents={})
    return _lines(Path(where))


def _handbook() -> Material:
    examples = tuple(
        Example(
            id=q.id,
            question=q.standalone or q.question,
            answer=q.answer,
            document=q.document or "",
            facts=q.facts,
            answerable=q.document is not None,
        )
        for q in handbook.questions()
    )
    files = {
        path.name: Source(name=f"handbook:{path.name}", content=path.read_bytes()) for path in handbook.documents()
    }
    return Material(name=HANDBOOK, examples=examples, documents=files)


def _lines(file: Path) -> Material:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text: save it so.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}): name a JSONL file, or handbook.") from error
    examples = tuple(_examples(file, text))
    if not examples:
        raise InputError(f"{file} is empty: write one object with question and answer a line.")
    documents: dict[str, Source] = {}
    for passage in (p for e in examples for p in e.passages):
        content = passage.text.encode("utf-8", "replace")
        at = documents.get(passage.document)
        if at is None:
            title = passage.title or passage.text[:60]
            documents[passage.document] = Source(
                name=passage.document, content=content, media_type="text/markdown", title=title
            )
        elif at.content and content not in at.content:
            documents[passage.document] = Source(
                name=at.name, content=at.content + b"\n\n" + content, media_type=at.media_type, title=at.title
            )
    return Material(name=file.stem, examples=examples, documents=documents)


def _examples(file: Path, text: str) -> Iterator[Example]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield to_example(line, f"{file}, line {number}", f"{file.stem}:{number}")


def to_example(line: str, where: str, name: str) -> Example:
    """Turn one line into an example. InputError says what is wrong in it."""
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where}: this is no JSON; write one object with question and answer a line.") from error
    if not isinstance(row, dict):
        raise InputError(f"{where}: this is no object; write {{'question': ..., 'answer': ...}}.")
    for key in ("question", "answer"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise InputError(f"{where}: {key} is missing or no text.")
        if len(row[key]) > LONGEST:
            raise InputError(f"{where}: {key} has {len(row[key]):,} characters, and {LONGEST:,} are the most.")
    given = row.get("passages") or []
    if not isinstance(given, list):
        raise InputError(f"{where}: passages is no list.")
    return _to_example(row, to_passages(given, name, str(row.get("source") or "")), str(row.get("id") or name))


def _to_example(row: dict[str, Any], passages: tuple[Any, ...], name: str) -> Example:
    document = str(row.get("source") or row.get("document") or (passages[0].document if passages else ""))
    known = {p.document for p in passages}
    answerable = row.get("answerable")
    if not isinstance(answerable, bool):
        answerable = True if passages else None
    return Example(
        id=name,
        question=row["question"].strip(),
        answer=row["answer"].strip(),
        document=document if document in known else (passages[0].document if passages else document),
        facts=tuple(tuple(map(str, spellings)) for spellings in row.get("facts") or ()),
        passages=passages,
        answerable=answerable,
        source=str(row.get("origin") or ""),
    )
