"""A workspace to try things in: empty, one's own, and gone afterwards, however it ended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from core.errors import UnavailableError, UnknownError
from infra.postgres import documents
from infra.postgres.errors import translated
from infra.postgres.pool import Connection, connect

SLOTS: Final = 8  # trials at a time on one database; their names are fixed, so that what a killed one left is found
_LOCK: Final = 0x7670  # first half of the advisory lock's key; the second is the slot
_FULL: Final = f"{SLOTS} measurements run on this database already: try again when one of them has ended."


@asynccontextmanager
async def trial(url: str) -> AsyncIterator[str]:
    """Yield the name of an empty workspace and drop it afterwards; what killed trials left is dropped first.

    UnavailableError when all slots are taken, KnowledgeDown.
    """
    async with _slot(url) as mine:
        for slot in range(1, SLOTS + 1):
            await _drop(url, slot, locked=slot == mine)
        try:
            await _make(url, mine)
            yield to_name(mine)
        finally:
            await _drop(url, mine, locked=True)


def to_name(slot: int) -> str:
    """Return the name of a slot's workspace."""
    return f"eval/{slot}"


@asynccontextmanager
async def _slot(url: str) -> AsyncIterator[int]:
    """Hold the first free slot; an open transaction holds it, so that it ends with this process, pooler or not."""
    connection = await connect(url)
    try:
        with translated():
            await connection.execute("begin; set local idle_in_transaction_session_timeout = 0")
            for slot in range(1, SLOTS + 1):
                if await _lock(connection, slot):
                    break
            else:
                raise UnavailableError(_FULL)
        yield slot
    finally:
        await connection.close()


async def _lock(connection: Connection, slot: int) -> bool:
    row = await (await connection.execute("select pg_try_advisory_xact_lock(%s, %s)", (_LOCK, slot))).fetchone()
    return row is not None and bool(row[0])


async def _make(url: str, slot: int) -> None:
    """Let the workspace be there before anything is learned in it: it may be asked without a document."""
    connection = await connect(url)
    try:
        with translated():
            async with connection.transaction():
                await connection.execute("select set_config('vocero.workspace', %s, true)", (to_name(slot),))
                await connection.execute("insert into vocero.workspace (name) values (%s)", (to_name(slot),))
    finally:
        await connection.close()


async def _drop(url: str, slot: int, *, locked: bool) -> None:
    """Delete what stands in a slot, unless another process is at work in it."""
    name = to_name(slot)
    connection = await connect(url)
    try:
        with translated():
            async with connection.transaction():
                if locked or await _lock(connection, slot):
                    await connection.execute("select set_config('vocero.workspace', %s, true)", (name,))
                    await _delete(connection, name)
    finally:
        await connection.close()


async def _delete(connection: Connection, name: str) -> None:
    try:
        workspace = await documents.workspace_id(connection, name)
    except UnknownError:
        return
    await documents.lock(connection, workspace)
    await connection.execute("set local statement_timeout = 0")
    await connection.execute("delete from vocero.data_chunk where workspace = %s", (workspace,))
    await connection.execute("delete from vocero.workspace where id = %s", (workspace,))
