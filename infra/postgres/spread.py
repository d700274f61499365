"""Workspaces spread over several databases: each lives whole in the one that a map names, the others in the main one.

The map is a TOML file, read once at the start:

    [[database]]
    workspaces = ["slack/T012AB", "discord/1234"]
    url = "postgresql://vocero:...@east/vocero"       # the plain role, as VOCERO_DATABASE_URL
    admin_url = "postgresql://owner:...@east/vocero"  # optional: who migrates and keeps it in shape
"""

import asyncio
import tomllib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from typing_extensions import override

from core import budgets
from core.errors import KnowledgeDown, SetupError
from infra.postgres.pool import Connection, Database, Row

EACH: Final = 4  # connections to each database apart: there may be many
log = structlog.get_logger()


class Apart(BaseModel):
    """A database beside the main one, and who lives there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workspaces: tuple[str, ...] = Field(min_length=1)
    url: SecretStr
    admin_url: SecretStr | None = None


class _Map(BaseModel):
    model_config = ConfigDict(extra="forbid")

    database: tuple[Apart, ...]


def read_map(file: Path | None) -> tuple[Apart, ...]:
    """Return what the map says, nothing without one. SetupError with the reason, which never holds an address."""
    if file is None:
        return ()
    try:
        found = _Map.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))).database
    except OSError as error:
        raise SetupError(f"VOCERO_DATABASE_MAP names {file}, which cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise SetupError(f"{file} is not right at {where}: {error.errors()[0]['msg']}; see docs/scaling.md.") from None
    except ValueError as error:
        raise SetupError(f"{file} is no TOML: see docs/scaling.md.") from error
    names = [name for one in found for name in one.workspaces]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SetupError(f"{file} names {twice} twice: a workspace lives in one database.")
    return found


class Spread(Database):
    """The main database, and in front of the others: a statement goes where its workspace lives."""

    def __init__(self, url: str, apart: Sequence[Apart]) -> None:
        super().__init__(url)
        self._others = [Database(one.url.get_secret_value(), connections=EACH) for one in apart]
        self._homes: Mapping[str, Database] = {
            name: database for one, database in zip(apart, self._others, strict=True) for name in one.workspaces
        }
        self._opened = AsyncExitStack()

    @override
    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for database in self._others:
                await stack.enter_async_context(database)
            await super().__aenter__()
            self._opened = stack.pop_all()
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        await self._opened.aclose()

    @property
    @override
    def members(self) -> tuple[Database, ...]:
        return self, *self._others

    @override
    def at(self, workspace: str) -> Database:
        return self._homes.get(workspace, self)

    @override
    async def fetch(self, statement: str, values: Sequence[object]) -> list[Row]:
        home = self._homes.get(values[0]) if values and isinstance(values[0], str) else None
        return await (home.fetch(statement, values) if home else super().fetch(statement, values))

    @override
    async def everywhere(self, statement: str, values: Sequence[object]) -> list[Row]:
        """Return the rows of all; one that is away is left out while any other answers. KnowledgeDown."""
        asked = (super().fetch(statement, values), *(other.fetch(statement, values) for other in self._others))
        rows: list[Row] = []
        down: list[KnowledgeDown] = []
        for found in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(found, KnowledgeDown):
                down.append(found)
            elif isinstance(found, BaseException):
                raise found
            else:
                rows += found
        if len(down) == len(asked):
            raise down[0]
        if down:
            log.warning("databases_away", away=len(down), of=len(asked))
        return rows

    @asynccontextmanager
    @override
    async def _transaction(
        self, begin: str, workspace: str, *, patience: float = budgets.DATABASE_READ
    ) -> AsyncIterator[Connection]:
        home = self._homes.get(workspace)
        opened = home._transaction if home else super()._transaction  # noqa: SLF001 - one of its own kind
        async with opened(begin, workspace, patience=patience) as connection:
            yield connection
