"""Cut a document's Markdown into chunks along its headings, then along its sentences; tables and code stay whole where
they fit. LlamaIndex's parsers with our own tokenizers: nltk's data and tiktoken are never opened."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from llama_index.core.node_parser import MarkdownNodeParser, SentenceSplitter
from llama_index.core.schema import BaseNode, Document

from core.errors import InputError
from infra.knowledge.readers.parsed import Section

SIZE: Final = 1000  # characters, about 220 tokens of English: the embedder reads 256 and drops the rest
TOKENS: Final = 236  # leaves room for title and headings, which are embedded with the text
HEADER: Final = 120  # characters of title and headings that are embedded; longer ones would crowd out the text
MOST: Final = 20_000  # chunks of one document: twice what the largest text that is read can give
_SEPARATOR: Final = "\x1f"  # between headings; no reader lets it through
_HEADING: Final = re.compile(r"#{1,6}\s+(.*?)\s*#*\s*(?:\n|$)")
_FENCE: Final = re.compile(r"^[ \t]*(`{3,}|~{3,}).*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)\n?", re.MULTILINE | re.DOTALL)
_TABLE: Final = re.compile(r"(?:^[ \t]*\|.*\|[ \t]*(?:\n|\Z)){2,}", re.MULTILINE)
_SENTENCE: Final = re.compile(r"(?<=[.!?…])[\"')\]”’»]*\s+|(?<=[。！？])|\n+")
_TOKEN: Final = re.compile(r"[^\W_]+|[^\w\s]|_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A chunk before it is stored: `path` is the headings above, outermost first, without the document's own title."""

    text: str
    path: tuple[str, ...]
    anchor: str

    def to_embed(self, title: str) -> str:
        """Return what the embedder reads: the text with its place in front."""
        header = " › ".join(part for part in (title, *self.path) if part)[:HEADER]
        return f"{header}\n{self.text}" if header else self.text


def split(sections: Sequence[Section], *, title: str, size: int = SIZE) -> list[Piece]:
    """Return the chunks in reading order. InputError for a text of more chunks than one document may have."""
    pieces: list[Piece] = []
    for section in sections:
        pieces.extend(_pieces(section, title, size))
        if len(pieces) > MOST:
            raise InputError(f"The document has more than {MOST:,} chunks: split it into several.")
    if not pieces and any(section.markdown.strip("# \n") for section in sections):
        return [Piece(text=title, path=(), anchor="")]  # a title is all that the document says
    return pieces


def to_size(text: str) -> int:
    """Return a text's length in the unit that chunks are measured in: characters, or more where tokens are short.

    Prose has four to five characters a token; code, numbers and scripts without spaces fewer, and would be cut off by
    the embedder at the same length.
    """
    return max(len(text), math.ceil(tokens(text) * SIZE / TOKENS))


def tokens(text: str) -> int:
    """Estimate the word pieces of a text, for English on the high side; of code, 1 chunk in 25 still exceeds it."""
    return sum(map(_cost, _TOKEN.findall(text)))


def _cost(part: str) -> int:
    if not part.isascii():
        return len(part)
    if part.islower() or part.istitle() or len(part) < 4:
        return 1 if len(part) < 7 else len(part) // 5 + 1
    return len(part) // 3 + 1  # CamelCase, digits, capitals: no word that the embedder knows


def _pieces(section: Section, title: str, size: int) -> Iterator[Piece]:
    parser = MarkdownNodeParser(include_prev_next_rel=False, header_path_separator=_SEPARATOR, id_func=_node_id)
    nodes = parser.get_nodes_from_node(Document(text=_close_fences(section.markdown), id_="section"))
    found = [_heading(node, section.above, title) for node in nodes]
    splitter = _splitter(size)
    for (path, body), (after, _) in pairwise([*found, ((), "")]):
        if body:
            for text in splitter.split_text(_repeat_heads(body, size)):
                yield Piece(text=text, path=path, anchor=section.anchor)
        elif path and after[: len(path)] != path:  # a heading with nothing under it is all that is said there
            yield Piece(text=path[-1], path=path[:-1], anchor=section.anchor)


def _heading(node: BaseNode, above: tuple[str, ...], title: str) -> tuple[tuple[str, ...], str]:
    """Return the headings above a node's text, its own included, and the text below its own."""
    text = node.get_content().strip()
    path = [*above, *(part for part in str(node.metadata.get("header_path", "")).split(_SEPARATOR) if part)]
    own = _HEADING.match(text)
    if own:
        path.append(own.group(1))
        text = text[own.end() :].strip()
    if path and path[0].casefold() == title.casefold():
        path = path[1:]
    return tuple(part.strip() for part in path if part.strip()), text


def _splitter(size: int) -> SentenceSplitter:
    return SentenceSplitter(
        chunk_size=size,
        chunk_overlap=0,
        tokenizer=lambda text: range(to_size(text)),  # only its length is read
        chunking_tokenizer_fn=to_units,
        paragraph_separator=_SEPARATOR,
        id_func=_node_id,
    )


def to_units(text: str) -> list[str]:
    """Return what should not be torn, in order, nothing lost: code, tables, sentences; of a lone block its lines."""
    blocks = sorted([match.span() for pattern in (_FENCE, _TABLE) for match in pattern.finditer(text)])
    if blocks and blocks[0] == (0, len(text)):
        return text.splitlines(keepends=True)
    units: list[str] = []
    at = 0
    for start, end in blocks:
        if start < at:  # a table inside a block of code
            continue
        units.extend(_sentences(text[at:start]))
        units.append(text[start:end])
        at = end
    units.extend(_sentences(text[at:]))
    return units


def _sentences(text: str) -> list[str]:
    cuts = [0, *(match.end() for match in _SENTENCE.finditer(text)), len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if end > start]


def _repeat_heads(body: str, size: int) -> str:
    """Cut tables that do not fit into several, each under the head of the first."""
    return _TABLE.sub(lambda table: _cut_table(table.group(), size), body) if "|" in body else body


def _cut_table(table: str, size: int) -> str:
    lines = table.rstrip("\n").split("\n")
    head, rows = lines[:2], lines[2:]
    if to_size(table) <= size or not set(head[1]) <= set("|:- \t") or to_size("\n".join(head)) > size // 2:
        return table
    room = size - to_size("\n".join(head)) - 2
    tables, used = [[*head]], 0
    for row in rows:
        if used and used + to_size(row) + 1 > room:
            tables.append([*head])
            used = 0
        tables[-1].append(row)
        used += to_size(row) + 1
    return "\n\n".join("\n".join(part) for part in tables) + "\n"


def _close_fences(markdown: str) -> str:
    """The Markdown parser knows only ``` fences: write ~~~ as those, so that a # inside code is no heading."""
    return re.sub(r"^([ \t]*)~~~+", r"\1```", markdown.replace(_SEPARATOR, " "), flags=re.MULTILINE)


def _node_id(number: int, parent: BaseNode) -> str:
    return f"{parent.node_id}#{number}"
