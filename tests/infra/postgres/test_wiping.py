"""Forgetting down to the files: after a wipe no byte of a forgotten document is in any file of the database."""

from pathlib import Path

import pytest
from psycopg import AsyncConnection

from core.documents import Place, Source
from infra.postgres.pool import Database
from infra.postgres.upkeep import upkeep
from infra.postgres.wiping import wipe
from tests.infra.knowledge.teaching import Company
from tests.postgres import Server, Urls

pytestmark = pytest.mark.slow

MARK = b"xylophonemark"


async def held(server: Server, admin: AsyncConnection) -> dict[str, int]:
    """How often each file of this database holds the mark, in any of its tables and indexes."""
    await admin.execute("checkpoint")
    row = await (await admin.execute("select oid from pg_database where datname = current_database()")).fetchone()
    assert row is not None
    return counted(server.folder / "data" / "base" / str(row[0]))


def counted(folder: Path) -> dict[str, int]:
    files = (file for file in folder.iterdir() if file.is_file())
    return {file.name: count for file in files if (count := file.read_bytes().count(MARK))}


async def test_no_byte_of_a_forgotten_document_is_left_in_the_files(
    database: Database, postgres: Urls, postgres_server: Server
) -> None:
    """There before, there after forgetting, gone after the wipe; what stays can still be found."""
    company = Company(database)
    await company.teach("kept.md", "The kept drum plays.")
    mark = MARK.decode()
    source = Source(name=f"{mark}.md", content=f"# {mark}\n\nThe {mark} plays.".encode(), title=f"On {mark}")
    await company.librarian.learn(source, Place(workspace=company.workspace))
    await company.librarian.submit(source, Place(workspace=company.workspace), force=True)
    async with await AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
        assert await held(postgres_server, admin)
        receipt = await company.librarian.forget(company.workspace, source.name)
        assert any("upkeep --wipe" in what for what in receipt.pending)
        assert await held(postgres_server, admin)
        await upkeep(postgres.admin)
        assert {"data_chunk", "embedding_1", "document", "procrastinate_jobs"} <= set(await wipe(postgres.admin))
        assert await held(postgres_server, admin) == {}
    _, chunks = await company.librarian.document(company.workspace, "kept.md")
    assert [chunk.text for chunk in chunks] == ["The kept drum plays."]
