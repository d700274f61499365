"""A small company to teach: an embedder of words, a reader of Markdown, the parts joined as the wiring joins them."""

import hashlib
import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.audience import WORKSPACE
from core.documents import Learned, Place, Source
from core.errors import InputError
from infra.knowledge.engine import KnowledgeEngine
from infra.knowledge.fetch import Fetched, PassingError
from infra.knowledge.librarian import Librarian
from infra.knowledge.readers.parsed import Parsed, Section
from infra.postgres.pool import Database

DIMENSIONS = 64
_numbers = itertools.count()


@dataclass
class WordEmbedder:
    """Embeds a text as the sum of its words' directions: texts that share words are near."""

    name: str = "words@1"
    dimensions: int = DIMENSIONS
    embedded: int = 0
    error: Exception | None = None
    vector: list[float] | None = None

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if self.error:
            raise self.error
        self.embedded += len(texts)
        return [self.vector or to_vector(text, self.dimensions) for text in texts]


def to_vector(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Return a unit vector that depends on the words alone."""
    total = [1e-3] * dimensions
    for word in re.findall(r"\w+", text.lower()):
        digest = hashlib.shake_128(word.encode()).digest(dimensions)
        total = [value + byte / 127.5 - 1 for value, byte in zip(total, digest, strict=True)]
    length = math.sqrt(sum(value * value for value in total))
    return [value / length for value in total]


async def read_markdown(content: bytes, *, name: str, media_type: str = "") -> Parsed:
    """Read bytes as one section of Markdown; `broken` bytes are refused as a reader refuses a damaged file."""
    text = content.decode()
    if text.startswith("broken"):
        raise InputError("the file is damaged: save it again")
    if text.startswith("crash"):
        raise ZeroDivisionError("a reader's own mistake")
    links = tuple(re.findall(r"https://[\w./]+", text))
    return Parsed(title=name, media_type="text/markdown", sections=(Section(anchor="", markdown=text),), links=links)


@dataclass(slots=True)
class Web:
    """Pages by URL; what is missing cannot be fetched."""

    pages: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    down: bool = False

    async def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        self.fetched.append(url)
        if self.down:
            raise PassingError("the site cannot be reached: check the address, and try again later")
        if url not in self.pages:
            raise InputError("the page cannot be fetched: it answered 404")
        known = self.etags.get(url, "")
        changed = not known or known != etag
        content = self.pages[url] if changed else b""
        return Fetched(
            url=url, content=content, media_type="text/markdown", etag=known, last_modified="", changed=changed
        )


@dataclass(slots=True)
class Company:
    """One workspace of its own, so that tests of a module share a database and nothing else."""

    database: Database
    embedder: WordEmbedder = field(default_factory=WordEmbedder)
    web: Web = field(default_factory=Web)
    workspace: str = field(default_factory=lambda: f"test/{next(_numbers)}")

    @property
    def librarian(self) -> Librarian:
        return Librarian(self.database, self.embedder, fetch=self.web.fetch, parse=read_markdown)

    @property
    def engine(self) -> KnowledgeEngine:
        return KnowledgeEngine(self.database, self.embedder)

    async def teach(
        self, name: str, text: str, *, scope: str = WORKSPACE, to: str = "", force: bool = False
    ) -> Learned:
        """Learn one text into the collection of a scope."""
        place = Place(workspace=self.workspace, scope=scope, collection=to)
        return await self.librarian.learn(Source(name=name, content=text.encode()), place, by="test/U1", force=force)
