"""The librarian: learns, shows, removes, forgets documents. Readers see the old version until the new one is whole."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from core.audience import Audience, to_scope
from core.documents import Chunk, Document, Learned, Place, Receipt, Source
from core.errors import InputError
from core.ports import Embedder
from infra.knowledge.fetch import Fetched
from infra.knowledge.learning import Learning, Parse, Tools
from infra.postgres import chunks, documents
from infra.postgres.forgetting import erase
from infra.postgres.pool import Database
from infra.postgres.text import clean

NAME: Final = 2_000  # characters of a source's name: the longest URL that browsers keep
WORKSPACE: Final = 200  # characters of a workspace's name

UNPROVABLE: Final = (
    "Copies outside Vocero (the original, the chat platform's messages, people's own) are not ours to delete.",
    "Backups of the database made before now still hold it until they expire.",
)
PENDING: Final = ("The bytes leave the database's files with its next vacuum and reindex.",)


class Librarian:
    """The port `Librarian`. `fetch` and `parse` raise InputError or RefusedError with the reason to show."""

    def __init__(
        self, database: Database, embedder: Embedder, *, fetch: Callable[[str], Awaitable[Fetched]], parse: Parse
    ) -> None:
        self._database = database
        self._tools = Tools(database=database, embedder=embedder, fetch=fetch, parse=parse, model=self._register_model)
        self._model: int | None = None

    async def sweep(self) -> int:
        """Mark as failed what is past its deadline in any workspace; return how many. At start, and now and then."""
        return int((await self._database.fetch("select vocero.sweep()", ()))[0][0])

    async def learn(self, source: Source, place: Place, *, by: str = "", force: bool = False) -> Learned:
        """Fetch, read, split, embed and replace in one transaction; a failure is a state with a reason, not an error.

        `force` reads again even what has the same bytes, and lifts what forgetting left behind. InputError when source
        or place make no sense, KnowledgeDown when nothing could be recorded.
        """
        began = time.monotonic()
        _refuse(source, place)
        learning = Learning(tools=self._tools, source=source, place=place, by=by, force=force)
        return replace(await learning.run(), seconds=time.monotonic() - began)

    async def documents(self, workspace: str, audience: Audience | None = None) -> list[Document]:
        """Return all documents (None: whoever may see them), newest change first. UnknownError, KnowledgeDown."""
        async with self._database.reading(workspace) as connection:
            return await documents.listed(connection, workspace, None if audience is None else sorted(audience.scopes))

    async def document(self, workspace: str, document: str) -> tuple[Document, list[Chunk]]:
        """Return one document by id, title or source, with its chunks. UnknownError, KnowledgeDown."""
        async with self._database.reading(workspace) as connection:
            at, found, _ = await documents.find(connection, workspace, document)
            return found, await documents.chunks_of(connection, at)

    async def remove(self, workspace: str, document: str, *, by: str = "") -> Document:
        """Take a document out of every answer; it can be learned again. UnknownError, KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            await documents.lock(connection, await documents.workspace_id(connection, workspace))
            at, found, _ = await documents.find(connection, workspace, document)
            gone = await chunks.delete_chunks(connection, workspace=at.workspace, document=at.id)
            await documents.mark_removed(connection, at)
            await documents.raise_edition(connection, at, chunks=-gone)
            await documents.audit(connection, workspace=at.workspace, action="remove", object_=found.id, by=by)
            return (await documents.find(connection, workspace, found.id))[1]

    async def forget(self, workspace: str, document: str, *, by: str = "") -> Receipt:
        """Delete a document and all that came from it; a tombstone keeps it away. UnknownError, KnowledgeDown."""
        async with self._database.writing(workspace) as connection:
            await documents.lock(connection, await documents.workspace_id(connection, workspace))
            at, found, sha = await documents.find(connection, workspace, document)
            gone = await erase(connection, at, found.id)
            await documents.raise_edition(connection, at, chunks=-dict(gone)["chunks"])
            await documents.bury(connection, workspace=at.workspace, source=found.source, content_sha=sha)
            await documents.audit(connection, workspace=at.workspace, action="forget", object_=found.id, by=by)
        return Receipt(
            kind="document",
            id=found.id,
            workspace=workspace,
            when=datetime.now(UTC),
            gone=gone,
            pending=PENDING,
            unprovable=UNPROVABLE,
        )

    async def _register_model(self) -> int:
        """Return the number of the embedder's model, whose table of vectors is made at the first use."""
        if self._model is None:
            embedder = self._tools.embedder
            statement = "select vocero.register_model(%s, %s)"
            rows = await self._database.fetch(statement, (embedder.name, embedder.dimensions))
            self._model = int(rows[0][0])
        return self._model


def _refuse(source: Source, place: Place) -> None:
    """Raise InputError for what can never be recorded."""
    to_scope(place.scope)
    if not source.name.strip() or len(source.name) > NAME:
        raise InputError(f"A source needs a name of 1 to {NAME:,} characters.")
    if (source.url is None) == (source.content is None):
        raise InputError("A source is a URL or its content, and not both.")
    for name in (source.name, place.workspace, place.name):
        if clean(name) != name:
            raise InputError("Names must be plain text, without NUL: rename the source, workspace or collection.")
    if not place.workspace or len(place.workspace) > WORKSPACE or any(mark.isspace() for mark in place.workspace):
        raise InputError("A workspace is named by up to 200 characters without spaces, such as local or slack/T1.")
