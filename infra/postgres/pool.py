"""The connections to PostgreSQL, with their budgets. Workspace and scopes are told by SET LOCAL only, so that a pooler
in transaction mode may stand between; a connection carries nothing from one use to the next."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from pgvector.psycopg.halfvec import register_halfvec_info
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.types import TypeInfo
from psycopg.waiting import wait_async
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from core import budgets
from core.errors import KnowledgeDown
from infra.postgres.errors import DOWN, to_error, translated

CONNECTIONS: Final = 8  # for one process; 16 callers on 8 connections kept p95 under 40 ms
SLACK: Final = 1.0  # seconds beyond the server's own timeout: then it is not slow, it is silent
# Seconds for which the pool tries by itself to replace a lost connection. It waits ever longer in between, and would
# come back eight seconds after an outage of ten; so it soon leaves that to the next caller, who tries at once.
RECONNECT: Final = 0.5
WAITING: Final = 5 * CONNECTIONS  # beyond: refused at once rather than served late

Row = tuple[Any, ...]
Connection = AsyncConnection[Row]

_TELL: Final = "select set_config('vocero.workspace', %s, true), set_config('vocero.scopes', %s, true)"


def to_options() -> dict[str, Any]:
    """Return what every connection is opened with. A silent server is noticed in seconds, not at TCP's two hours."""
    return {
        "autocommit": True,
        "connect_timeout": 2,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "tcp_user_timeout": 3000,
        "application_name": "vocero",
        "options": f"-c statement_timeout={_ms(budgets.DATABASE_READ)} -c lock_timeout=2000"
        " -c idle_in_transaction_session_timeout=10000",
    }


async def connect(url: str) -> Connection:
    """Open one connection outside the pool. KnowledgeDown."""
    with translated():
        return await AsyncConnection.connect(url, **to_options())


class Silence(psycopg.OperationalError):
    """The server said nothing for longer than it would have let the statement run."""


class Patient(AsyncConnection[Row]):
    """A connection that gives a silent server up, and whose caller may leave at once.

    The stock one, when a wait is abandoned, first asks the server to cancel and waits up to ten seconds for it: longer
    than anything that stands behind it. Here the connection is closed; the server ends what it still does by itself.
    """

    patience = budgets.DATABASE_READ + SLACK

    async def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Run what libpq has to say to the server. Silence."""
        try:
            async with asyncio.timeout(self.patience if timeout is None else timeout):
                return await wait_async(gen, self.pgconn.socket, interval=interval)
        except TimeoutError as error:
            self.pgconn.finish()
            raise Silence("the server is silent") from error
        except asyncio.CancelledError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


class Database:
    """The pool; `async with` opens and closes it. Every method raises `BotError` only."""

    def __init__(self, url: str, *, connections: int = CONNECTIONS) -> None:
        self._url = url
        self._pool: AsyncConnectionPool[Patient] = AsyncConnectionPool(
            url,
            connection_class=Patient,
            kwargs=to_options(),
            min_size=min(2, connections),
            max_size=connections,
            timeout=budgets.POOL_WAIT,
            max_waiting=WAITING,
            reconnect_timeout=RECONNECT,
            configure=_configure,
            open=False,
        )

    async def __aenter__(self) -> Self:
        await self.knock()  # the pool hides why it cannot connect
        with translated():
            await self._pool.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.close()

    @property
    def connections(self) -> dict[str, int]:
        """How many connections there are, how many of them are free, and how many callers wait for one."""
        told = self._pool.get_stats()
        return {
            "open": told.get("pool_size", 0),
            "free": told.get("pool_available", 0),
            "waiting": told.get("requests_waiting", 0),
        }

    async def knock(self) -> None:
        """Open one more connection than the pool's and close it: a pool that has none free may have lost them all.

        KnowledgeDown.
        """
        await (await connect(self._url)).close()

    @property
    def members(self) -> "tuple[Database, ...]":
        """Every database behind this one, itself the first: several where workspaces are spread."""
        return (self,)

    def at(self, workspace: str) -> "Database":  # noqa: ARG002 - here all live in one
        """Return the database where a workspace lives."""
        return self

    async def everywhere(self, statement: str, values: Sequence[object]) -> list[Row]:
        """Return the rows of a statement that is about no workspace, from wherever workspaces live."""
        return await self.fetch(statement, values)

    async def fetch(self, statement: str, values: Sequence[object]) -> list[Row]:
        """Run one prepared statement in one round trip and return its rows; asked twice if the connection had died.

        What is about one workspace has its name as the first value. For statements that may be repeated only: reads,
        and writes that do nothing the second time.
        """
        try:
            return await self._fetch(statement, values)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if not _lost(error):
                raise to_error(error) from error
        except (psycopg.Error, UnicodeEncodeError) as error:
            raise to_error(error) from error
        with translated():
            await self._pool.check()  # the others of a restarted server have died, too
            return await self._fetch(statement, values)

    @asynccontextmanager
    async def reading(self, workspace: str) -> AsyncIterator[Connection]:
        """Open a transaction that sees one moment of one workspace and writes nothing."""
        begin = "begin isolation level repeatable read read only"
        async with self._transaction(begin, workspace) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self, workspace: str) -> AsyncIterator[Connection]:
        """Open a transaction that may change one workspace; it commits at the end of the block."""
        begin = f"begin; set local statement_timeout = {_ms(budgets.DATABASE_WRITE)}"
        async with self._transaction(begin, workspace, patience=budgets.DATABASE_WRITE) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(
        self, begin: str, workspace: str, *, patience: float = budgets.DATABASE_READ
    ) -> AsyncIterator[Connection]:
        with translated():
            connection = await self._begin(begin, workspace)
            connection.patience = patience + SLACK
            try:
                yield connection
            except BaseException:
                await self._end(connection, "rollback")
                raise
            await self._end(connection, "commit")

    async def _begin(self, begin: str, workspace: str) -> Patient:
        """Take a connection and begin on it; a dead one is noticed here, before any work, and replaced once."""
        for last in (False, True):
            connection = await self._pool.getconn()
            try:
                await connection.execute(begin)
                await connection.execute(_TELL, (workspace, ""))
            except BaseException as error:
                await self._pool.putconn(connection)
                if last or not (isinstance(error, psycopg.OperationalError) and _lost(error)):
                    raise
                await self._pool.check()
            else:
                return connection
        raise KnowledgeDown(DOWN)

    async def _end(self, connection: Patient, word: str) -> None:
        connection.patience = budgets.DATABASE_READ + SLACK
        try:
            if not connection.closed and not connection.broken:
                await connection.execute(word)
        finally:
            await self._pool.putconn(connection)

    async def _fetch(self, statement: str, values: Sequence[object]) -> list[Row]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(statement, values, prepare=True, binary=True)
            return await cursor.fetchall()


async def _configure(connection: Connection) -> None:
    """Teach a new connection the one vector type in use."""
    info = await TypeInfo.fetch(connection, "halfvec")
    if info is not None:  # `check` says what is missing; a pool that cannot open would hide it
        register_halfvec_info(connection, info)


def _lost(error: psycopg.Error) -> bool:
    """Whether the connection died under the statement, rather than the statement or the wait for one failing."""
    if isinstance(error, (PoolClosed, PoolTimeout, TooManyRequests, Silence)):
        return False
    return error.sqlstate is None or (error.sqlstate[:2] in ("08", "57") and error.sqlstate != "57014")


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
