"""The language of a workspace: how its texts become words."""

from core.errors import InputError
from infra.postgres import documents
from infra.postgres.pool import Database
from infra.postgres.text import clean


async def speak(database: Database, workspace: str, language: str, *, by: str = "") -> int:
    """Read all words of a workspace in this language, in one transaction; return how many chunks were read again.

    Readers see the old words until the new ones are whole; nothing is embedded again. InputError for a language that
    PostgreSQL has no text configuration for, UnknownError, KnowledgeDown.
    """
    async with database.writing(workspace) as connection:
        number = await documents.workspace_id(connection, workspace)
        cursor = await connection.execute("select cfgname::text from pg_ts_config order by 1")
        known = [str(name) for (name,) in await cursor.fetchall()]
        if clean(language) not in known:
            raise InputError(f"{clean(language)[:40]!r} is no language that PostgreSQL knows: use {', '.join(known)}.")
        chunks = "select coalesce(sum(chunks), 0) from vocero.collection where workspace = %s"
        row = await (await connection.execute(chunks, (number,))).fetchone()
        await documents.lock(connection, number, rows=int(row[0]) if row else 0)
        row = await (await connection.execute("select vocero.speak(%s::regconfig)", (language,))).fetchone()
        await documents.audit(connection, workspace=number, action="language", object_=language, by=by)
    return int(row[0]) if row else 0
