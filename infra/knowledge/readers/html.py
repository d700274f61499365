"""Web pages: the part a person came for, without the site's frame around it."""

import re
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag

from infra.knowledge.readers.anchors import links_of, mark, to_sections
from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.markup import drop, soup_of, to_markdown
from infra.knowledge.readers.parsed import Parsed, Section

FRAME = ("nav", "aside", "footer", "menu")
FRAME_ROLES = {"navigation", "banner", "contentinfo", "search", "complementary", "alertdialog", "dialog"}
MAIN_SHARE = 0.3  # a <main> with less than this share of the page's text is a shell filled by scripts
LINKED_SHARE = 0.5  # of the text inside links, on a page without <main>: more is a portal or news page, not a document
SHORTEST = 500  # characters: an extraction below this is suspiciously short, and the whole body is taken


def read(html: str, *, address: str = "") -> Parsed:
    """Read a page: `<main>` or the one `<article>` if it has them, the body without navigation otherwise.

    With its `address`, links are made whole, and where it leads is told.
    """
    soup = soup_of(html)
    title = _text(soup.title)
    stated = soup.find("base", href=True)
    base = urljoin(address, str(stated["href"])) if address and isinstance(stated, Tag) else address
    links = links_of(soup, base)
    body = soup.body or soup
    _drop_frame(body)
    main = _main(body)
    markdown = _extracted(html) if main is body and _linked(body) > LINKED_SHARE else ""
    heading = main.h1 or soup.h1
    title = _text(heading) or title or _text(main.find(re.compile("^h[2-6]$")))
    if markdown:
        sections: tuple[Section, ...] = (Section(anchor="", markdown=markdown),)
    else:
        mark(main)
        sections = tuple(to_sections(to_markdown(main, base)))
    return Parsed(title=title, media_type=Kind.HTML, sections=sections, links=links)


def to_text(html: str) -> str:
    """Return a page that came inside something else, such as a mail, as Markdown."""
    return to_markdown(soup_of(html)) if html.strip() else ""


def _drop_frame(body: Tag) -> None:
    """Take out navigation and the like; not a form around the whole page, nor a header with the page's title."""
    drop(body.find_all(FRAME))
    drop(form for form in body.find_all("form") if len(_text(form)) < SHORTEST)
    drop(body.find_all(lambda tag: bool(FRAME_ROLES.intersection(_roles(tag)))))
    drop(header for header in body.find_all("header") if header.h1 is None)


def _main(body: Tag) -> Tag:
    articles = body.find_all("article")
    found = (
        body.find("main")
        or body.find(lambda tag: "main" in _roles(tag))
        or (articles[0] if len(articles) == 1 else None)
    )
    if isinstance(found, Tag) and len(_text(found)) >= MAIN_SHARE * len(_text(body)):
        return found
    return body


def _roles(tag: Tag) -> set[str]:
    return set(str(tag.get("role", "")).split())


def _linked(body: Tag) -> float:
    """Give the share of the body's text that is in links."""
    return sum(len(_text(link)) for link in body.find_all("a")) / (len(_text(body)) or 1)


def _extracted(html: str) -> str:
    """Let trafilatura find the article in a page full of links; it knows sites, but flattens small plain pages."""
    import trafilatura

    text = trafilatura.extract(
        html,
        output_format="markdown",
        include_tables=True,
        include_links=True,
        include_formatting=True,
        favor_recall=True,
    )
    return text if text and len(text) >= SHORTEST else ""


def _text(tag: BeautifulSoup | Tag | None) -> str:
    return " ".join(tag.get_text(" ").split()) if tag else ""
