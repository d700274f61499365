"""The pages of one site below one address, by their links or its sitemap: few, slowly, and as the site allows."""

import asyncio
import html
import re
import time
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from core.errors import BotError, InputError, RefusedError
from infra.knowledge.drafts import Fetch, Parse
from infra.knowledge.fetch import Fetched

PAGES: Final = 200  # of one crawl; a larger site is added part by part
DEPTH: Final = 5  # links from the first page
PAUSE: Final = 0.2  # seconds between two requests; the site's own wish counts up to
LONGEST_PAUSE: Final = 5.0
SECONDS: Final = 1_200.0  # for all pages
AGENT: Final = "Vocero"
SITEMAP: Final = re.compile(rb"<(?:\w+:)?(?:urlset|sitemapindex)\b")
LOCATION: Final = re.compile(r"<(?:\w+:)?loc>\s*([^<\s]{1,2000})\s*</")
NOT_PAGES: Final = frozenset(
    "png jpg jpeg gif webp svg ico css js mjs map woff woff2 ttf mp3 mp4 webm avi mov zip gz tar exe dmg iso".split()
)
TOO_DEEP: Final = f"A crawl goes at most {DEPTH} links deep: use --depth 1 to {DEPTH}."
FORBIDDEN: Final = "the site's robots.txt asks programs not to read this page: add it by hand, or upload the file"


@dataclass(slots=True)
class Crawl:
    """One walk through a site; `again` hands out what was fetched on it, so that no page is asked for twice."""

    fetch: Fetch
    parse: Parse
    pause: float = PAUSE
    start: str = ""  # the first page, as it is yielded
    _kept: dict[str, Fetched | BotError] = field(default_factory=dict)

    async def pages(self, start: str, depth: int) -> AsyncGenerator[str]:
        """Yield the addresses of pages, the first first; one that cannot be had too, since that is worth telling."""
        if not 0 <= depth <= DEPTH:
            raise InputError(TOO_DEEP)
        rules, until = await self._rules(start), time.monotonic() + SECONDS
        self.start = urldefrag(start)[0]
        waiting, seen = deque([(self.start, 0)]), {self.start}
        for _ in range(PAGES):
            if not waiting or time.monotonic() > until:
                return
            page, level = waiting.popleft()
            await self._visit(page, rules)
            kept = self._kept[page]
            if not (isinstance(kept, Fetched) and SITEMAP.search(kept.content[:4096])):
                yield page
            if level < depth and isinstance(kept, Fetched):
                for link in await self._links(page, kept):
                    if link not in seen and below(link, start):
                        seen.add(link)
                        waiting.append((link, level + 1))

    async def again(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:  # noqa: ARG002
        """Return what the walk found at an address, once."""
        kept = self._kept.pop(url)
        if isinstance(kept, BotError):
            raise kept
        return kept

    async def _visit(self, page: str, rules: RobotFileParser) -> None:
        if not rules.can_fetch(AGENT, page):
            self._kept[page] = RefusedError(FORBIDDEN)
            return
        wish = float(rules.crawl_delay(AGENT) or 0)
        await asyncio.sleep(min(max(self.pause, wish), LONGEST_PAUSE))
        try:
            self._kept[page] = await self.fetch(page)
        except BotError as error:
            self._kept[page] = error

    async def _links(self, page: str, fetched: Fetched) -> list[str]:
        if SITEMAP.search(fetched.content[:4096]):
            return [html.unescape(found) for found in LOCATION.findall(fetched.content.decode("utf-8", "replace"))]
        try:
            parsed = await self.parse(fetched.content, name=fetched.url or page, media_type=fetched.media_type)
        except InputError:
            return []  # the learning will say what is the matter
        return list(parsed.links)

    async def _rules(self, start: str) -> RobotFileParser:
        """Read the site's robots.txt; without one, or out of reach, everything is allowed."""
        rules = RobotFileParser()
        lines: list[str] = []
        try:
            found = await self.fetch(urljoin(start, "/robots.txt"))
            lines = found.content[:500_000].decode("utf-8", "replace").splitlines()
        except BotError:
            pass
        rules.parse(lines)
        return rules


def below(link: str, start: str) -> bool:
    """Whether a page belongs to the crawl: on the same site, in the folder of the first page or under it."""
    there, here = urlsplit(link), urlsplit(start)
    folder = here.path if here.path.endswith("/") else here.path.rpartition("/")[0] + "/"
    if here.path.endswith(".xml"):
        folder = "/"  # a sitemap speaks for its whole site
    same = there.scheme in ("http", "https") and there.netloc.casefold() == here.netloc.casefold()
    kind = PurePosixPath(there.path).suffix.removeprefix(".").lower()
    return same and (there.path or "/").startswith(folder) and kind not in NOT_PAGES
