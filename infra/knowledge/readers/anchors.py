"""The places inside a page that a link can name: every heading with an id begins a section of its own."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urljoin

from bs4 import Tag

from infra.knowledge.readers.clean import has_words
from infra.knowledge.readers.parsed import Section

HEADINGS = re.compile("^h[1-6]$")
BEGIN, END = "\x02", "\x03"  # around an id on its way through Markdown; no reader lets them through
MARKED = re.compile(rf"^(#{{1,6}}) {BEGIN}([^{END}\n]*){END}[ \t]*(.*)$", re.MULTILINE)
ID = re.compile(r"[^\s#\x00-\x20]{1,200}")
MOST_LINKS = 1_000


def links_of(page: Tag, base: str) -> tuple[str, ...]:
    """Return where a page leads, as whole addresses without fragments, each once, in its order."""
    if not base:
        return ()
    found = (absolute(str(link["href"]), base) for link in page.find_all("a", href=True))
    return tuple(dict.fromkeys(urldefrag(link)[0] for link in found if link))[:MOST_LINKS]


def absolute(href: str, base: str) -> str:
    """Return an address as one that leads somewhere from a chat; empty if it does not."""
    try:
        whole = urljoin(base, href.strip()) if base and not href.startswith("#") else href.strip()
    except ValueError:
        return ""
    return whole if re.match(r"(?i)(https?://|mailto:)", whole) else ""


def mark(page: Tag) -> None:
    """Write each heading's id in front of its words, for `to_sections`, and take its permalink sign away."""
    for heading in page.find_all(HEADINGS):
        name = _id(heading)
        for link in heading.find_all("a", href=re.compile("^#")):
            if not has_words(link.get_text()):
                link.decompose()
        heading.insert(0, f"{BEGIN}{name if ID.fullmatch(name) else ''}{END}")


def _id(heading: Tag) -> str:
    """Find what names a heading: itself, something in it, or the section that it opens."""
    inside = heading.find(lambda tag: tag.has_attr("id") or (tag.name == "a" and tag.has_attr("name")))
    permalink = heading.find("a", href=re.compile("^#."))
    around = heading.find_parent(["section", "div", "article"])
    opens = isinstance(around, Tag) and around.find(HEADINGS) is heading
    candidates = (
        heading.get("id"),
        inside.get("id") or inside.get("name") if isinstance(inside, Tag) else None,
        str(permalink["href"])[1:] if isinstance(permalink, Tag) else None,
        around.get("id") if opens and isinstance(around, Tag) else None,
    )
    return next((str(name) for name in candidates if name), "")


@dataclass(slots=True)
class _Open:
    """A section that is being read; `level` is that of its first heading."""

    anchor: str = ""
    level: int = 0
    above: tuple[str, ...] = ()
    parts: list[str] = field(default_factory=list)
    bare: bool = True

    def add(self, heading: str, body: str) -> None:
        self.parts += [heading, body.strip("\n")]
        self.bare = self.bare and not body.strip()


def to_sections(markdown: str) -> Iterator[Section]:
    """Cut marked Markdown where an id is, so that a citation leads to the place."""
    before, *rest = MARKED.split(markdown)
    now, path = _Open(), list[tuple[int, str]]()
    now.add("", before)
    for hashes, anchor, title, body in zip(*(rest[n::4] for n in range(4)), strict=True):
        level = len(hashes)
        path = [entry for entry in path if entry[0] < level]
        if anchor or level < now.level:
            if not (now.bare and level > now.level):  # else its headings stand above the next section
                yield _closed(now)
            now = _Open(anchor=anchor, level=level, above=tuple(name for _, name in path))
        now.add(f"{hashes} {title}", body)
        path.append((level, title.strip()))
    yield _closed(now)


def _closed(section: _Open) -> Section:
    text = "\n\n".join(part for part in section.parts if part)
    return Section(anchor=section.anchor, markdown=text, above=section.above)
