"""Some workspaces in a database of their own, as an operator sets it up: a map, `vocero migrate`, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.conftest import Ran
from tests.postgres import Server

pytestmark = pytest.mark.slow

Vocero = Callable[..., Ran]
APART = "slack/TAPART"


def test_a_workspace_in_a_database_of_its_own(
    vocero: Vocero, postgres_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Migrated, taught, asked, queued, looked after and forgotten by the same commands; the main one never sees it."""
    urls, file = postgres_server.database(), tmp_path / "map.toml"
    file.write_text(f'[[database]]\nworkspaces = ["{APART}"]\nurl = "{urls.application}"\nadmin_url = "{urls.admin}"\n')
    monkeypatch.setenv("VOCERO_DATABASE_MAP", str(file))
    early = vocero("docs", "list", "-w", APART)
    assert early.code == 1
    assert "vocero migrate" in early.err
    assert f"({APART})" in vocero("migrate").out
    assert "1 more" in next(row["detail"] for row in vocero("doctor", "--json").json if row["name"] == "database")
    vocero("docs", "add", "-", "-w", APART, "--title", "Hire", stdin=b"Stoves are hired out by the week.")
    assert "by the week" in vocero("ask", "How long are stoves hired out for?", "-w", APART).out
    with psycopg.connect(urls.admin) as connection:
        assert connection.execute("select name from vocero.workspace").fetchall() == [(APART,)]
    assert "turns past their days" in vocero("upkeep").out
    monkeypatch.delenv("VOCERO_DATABASE_MAP")
    assert vocero("docs", "list", "-w", APART).code == 1
    monkeypatch.setenv("VOCERO_DATABASE_MAP", str(file))
    [document] = vocero("docs", "list", "-w", APART, "--json").json
    assert vocero("forget", "document", document["id"], "-w", APART, "--json").code == 0
    with psycopg.connect(urls.admin) as connection:
        assert connection.execute("select count(*) from vocero.data_chunk").fetchone() == (0,)
