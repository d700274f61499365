"""Tokens at rest: nowhere in a dump, sealed for their owner, and a key can be changed while the bot works."""

import asyncio
import json

import psycopg
import pytest
from cryptography.fernet import Fernet

from bots.cli import main
from core.errors import SetupError
from infra.postgres.installations import Installations, reseal
from infra.postgres.pool import Database
from infra.sealing import Sealer
from tests.postgres import Urls

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
TEAMS = [f"slack/T{n}" for n in range(6)]
SECRET = {"access_token": "xoxb-planted-secret", "refresh": "xoxe-planted-secret"}


def installs(database: Database, *keys: str) -> Installations:
    """Return the installations as a process with these keys sees them."""
    return Installations(database, Sealer(keys), app="1.2", platform="slack")


@pytest.fixture(autouse=True)
async def installed(database: Database) -> None:
    """Six workspaces that installed the app while the old key was the only one."""
    for team in TEAMS:
        await installs(database, OLD).keep(team, SECRET)


async def dump(urls: Urls) -> str:
    """Return every row of every table as text, as the superuser sees them."""
    async with await psycopg.AsyncConnection.connect(urls.admin) as admin:
        statement = (
            "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = relnamespace"
            " where relkind = 'r' and nspname in ('vocero', 'vocero_jobs')"
        )
        tables = await (await admin.execute(statement)).fetchall()
        assert len(tables) > 20
        rows = [await (await admin.execute(f"select t::text from {name} t")).fetchall() for (name,) in tables]  # type: ignore[arg-type]
    return "\n".join(str(row) for table in rows for row in table)


async def test_a_dump_holds_no_token(database: Database, postgres: Urls) -> None:
    """Neither in clear nor as hexadecimal bytes."""
    held = await dump(postgres)
    assert TEAMS[0] in held
    assert not [word for word in ("xoxb", "xoxe", "planted-secret") if word in held or word.encode().hex() in held]


async def test_a_key_is_changed_while_tokens_are_read(database: Database) -> None:
    """First the new key joins, then all is sealed with it, then the old one goes: no read fails at any moment."""
    reading, failed = True, 0

    async def read() -> int:
        nonlocal failed
        n = 0
        while reading:
            for team in TEAMS:
                found = await installs(database, NEW, OLD).find(team)
                failed += found != SECRET
                n += 1
            await asyncio.sleep(0)
        return n

    reader = asyncio.create_task(read())
    assert await reseal(database, Sealer([NEW, OLD])) == len(TEAMS)
    await installs(database, NEW, OLD).keep("slack/TLATE", SECRET)
    await asyncio.sleep(0.05)
    reading = False
    assert await reader
    assert failed == 0
    for team in [*TEAMS, "slack/TLATE"]:
        assert await installs(database, NEW).find(team) == SECRET
        with pytest.raises(SetupError, match="No key"):
            await installs(database, OLD).find(team)


async def test_a_lost_key_is_named(database: Database) -> None:
    """Where no key fits the command says so and changes nothing."""
    with pytest.raises(SetupError, match="No key of VOCERO_SECRET_KEYS opens the token of slack/T"):
        await reseal(database, Sealer([NEW]))
    assert await installs(database, OLD).find(TEAMS[0]) == SECRET


def test_the_command(
    postgres: Urls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database: Database
) -> None:
    """`vocero rekey` says how many; without keys it says what is missing."""
    monkeypatch.setenv("VOCERO_DATABASE_URL", postgres.application)
    monkeypatch.setenv("VOCERO_SECRET_KEYS", f"{NEW},{OLD}")
    monkeypatch.setattr("sys.argv", ["vocero", "rekey", "--json"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert json.loads(capsys.readouterr().out)["resealed"] >= len(TEAMS)
    monkeypatch.setenv("VOCERO_SECRET_KEYS", "")
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    assert "VOCERO_SECRET_KEYS is not set" in capsys.readouterr().err
