"""What an admin teaches by chat: learned at once when it is quick, else through the queue, with a word at the end."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from core.bot import Bot
from core.documents import Learned, Notice, Place, Source, State
from core.errors import UnknownError
from core.phrases import phrase
from core.ports import Librarian

QUICK_BYTES: Final = 100_000  # of one content: a second of the embedded model; more is left to a worker
QUICK_SOURCES: Final = 3  # attachments; more are left to a worker


def quick(sources: Sequence[Source], *, depth: int = 0) -> bool:
    """Whether all of it is done in seconds: no address, which may drip, no large file, few of them."""
    small = all(source.content is not None and len(source.content) <= QUICK_BYTES for source in sources)
    return small and len(sources) <= QUICK_SOURCES and not depth


async def teach(
    bot: Bot,
    librarian: Librarian,
    sources: Sequence[Source],
    place: Place,
    *,
    by: str,
    depth: int = 0,
    notice: Notice | None = None,
) -> list[Learned]:
    """Learn here, or leave it to a worker where one lives and somebody can be told the end. KnowledgeDown."""
    if notice and not quick(sources, depth=depth) and await librarian.worker_lives():
        return await librarian.submit_all(sources, place, by=by, depth=depth, notice=notice)
    if not depth:
        return [await bot.learn(source, place, by=by) for source in sources]
    return [one for source in sources async for one in librarian.crawl(source.url or "", place, depth=depth, by=by)]


def to_line(learned: Learned, tongue: str) -> str:
    """Return how one source ended, or that it waits."""
    title = to_name(learned.title or learned.source)
    if learned.state is State.FAILED:
        return phrase("not_learned", tongue, title=title, reason=learned.reason)
    if learned.state is State.QUEUED:
        return phrase("queued", tongue, title=title)
    key = "unchanged" if learned.state is State.UNCHANGED else "learned"
    values = {"title": title, "document": learned.document, "chunks": learned.chunks}
    return phrase(key, tongue, seconds=f"{learned.seconds:.1f}", **values)


async def to_end(librarian: Librarian, workspace: str, ends: Sequence[Mapping[str, Any]], tongue: str) -> str:
    """Return how those that waited ended, from what a notice holds: ids and numbers, no word of any document."""
    return "\n".join([await _end(librarian, workspace, end, tongue) for end in ends])


async def _end(librarian: Librarian, workspace: str, end: Mapping[str, Any], tongue: str) -> str:
    name, state = str(end["document"]), str(end["state"])
    title = ""
    with suppress(UnknownError):
        title = to_name((await librarian.document(workspace, name))[0].title) if state != "forgotten" else ""
    if state in ("forgotten", State.REMOVED.value) or not title:
        return phrase("taken_away", tongue, title=title or f"`{name}`")
    learned = Learned(
        document=name,
        source=name,
        state=State(state),
        chunks=int(end.get("chunks") or 0),
        reason=str(end.get("reason") or ""),
        seconds=float(end.get("seconds") or 0),
        title=title,
    )
    pages, failed = int(end.get("pages") or 0), int(end.get("failed") or 0)
    crawled = f" {phrase('crawled', tongue, pages=pages, failed=failed)}" if pages or failed else ""
    return to_line(learned, tongue) + crawled


def to_name(text: str) -> str:
    """Return a name without the marks of Markdown."""
    return " ".join(text.translate({ord(mark): " " for mark in "*_~`[]<>|\n"}).split())
