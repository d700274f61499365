"""The passages behind an answer, for one reader: what they may see now, and only as long as it stands as it was."""

from collections.abc import Iterable
from typing import Final

from core.audience import Audience
from core.chat import Cited
from core.documents import Chunk, Document, State
from core.errors import UnknownError
from core.orders import Said
from core.phrases import phrase
from core.ports import Librarian
from core.teaching import to_name

SHOWN: Final = 1_500  # characters of one passage


async def to_passages(
    cited: Iterable[Cited], librarian: Librarian, *, workspace: str, audience: Audience, tongue: str
) -> Said:
    """Return the passages as Markdown; the audience is asked now, whatever it was at the answer. KnowledgeDown."""
    known: dict[str, tuple[Document, dict[str, Chunk]] | None] = {}
    parts, urls = [], set()
    for one in cited:
        if one.document not in known:
            known[one.document] = await _document(one.document, librarian, workspace, audience)
        found = known[one.document]
        if found is None:
            parts.append(phrase("source_gone", tongue, n=one.n))
            continue
        document, chunks = found
        urls.update({document.url} - {""})
        title = " › ".join([to_name(document.title or document.source)[:200], document.url]).removesuffix(" › ")
        if (chunk := chunks.get(one.chunk)) is None:
            parts.append(phrase("source_changed", tongue, n=one.n, title=title))
        else:
            parts.append(f"**[{one.n}]** {title}\n{_quoted(chunk)}")
    return Said("\n\n".join(parts), frozenset(urls))


async def _document(
    name: str, librarian: Librarian, workspace: str, audience: Audience
) -> tuple[Document, dict[str, Chunk]] | None:
    try:
        document, chunks = await librarian.document(workspace, name)
    except UnknownError:
        return None
    if document.state is State.REMOVED or not audience.may_see(document.scope):
        return None
    return document, {chunk.id: chunk for chunk in chunks}


def _quoted(chunk: Chunk) -> str:
    text = chunk.text.strip()
    if len(text) > SHOWN:
        text = text[: SHOWN - 1].rsplit(" ", 1)[0] + "…"
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
