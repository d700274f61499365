"""Upgrades without a pause: what an older release says to the database still works on the newest schema."""

import json
import re
from pathlib import Path

import pytest

from infra.postgres.migrate import migrations
from infra.postgres.pool import Database
from tests.deploy.release import RELEASES, refused, to_prepared
from tests.postgres import Urls

RECORDED = sorted(RELEASES.glob("*.json"))
# What takes something away from a release that still runs, or waits for every writer of a table.
CONTRACTS = {
    "takes a table or column away": r"drop (table|column|view|type|schema)\b",
    "renames": r"\brename (to|column)\b",
    "changes a type": r"alter column \w+ (set data )?type\b",
    "demands what older releases do not write": r"alter column \w+ set not null",
    "demands a new column of older releases": r"add column (if not exists )?\w+ (?!.*\bdefault\b)[^,;]*\bnot null\b",
    "takes a function away": r"drop function\b(?!.*-- replaced)",
}
SAID = re.compile(r"^-- contract: \d+\.\d+: .+", re.MULTILINE)


def newest() -> Path:
    """Return the record of the newest release."""
    return max(RECORDED, key=lambda path: [int(part) for part in path.stem.split(".")])


def later() -> list[Path]:
    """Return the migrations that no release had."""
    known = set(json.loads(newest().read_text(encoding="utf-8"))["migrations"])
    return [path for path in migrations() if path.stem not in known]


def wrong(text: str) -> list[str]:
    """Return what a migration does that an older release would not survive."""
    if SAID.search(text):
        return []
    bare = re.sub(r"--(?! replaced).*", "", text)
    return [what for what, pattern in CONTRACTS.items() if re.search(pattern, bare, re.IGNORECASE)]


@pytest.mark.parametrize("record", RECORDED, ids=lambda path: path.stem)
def test_an_older_release_still_runs_on_this_schema(record: Path, database: Database, postgres: Urls) -> None:
    """Every statement that the release says, as the application's role, finds its tables, columns and functions."""
    said = json.loads(record.read_text(encoding="utf-8"))["statements"]
    assert len(said) > 100
    assert refused(postgres.application, said) == {}


def test_a_schema_that_lost_something_would_be_found(database: Database, postgres: Urls) -> None:
    """A statement on a column that is not there is refused."""
    gone = "select nothing_of_this from vocero.document"
    assert list(refused(postgres.application, [gone])) == [gone]
    assert to_prepared("select %s, '100%%', %(a)s, %(a)s") == "select $1, '100%', $2, $2"


def test_every_migration_known_to_a_release_is_still_there() -> None:
    """A released migration is never renamed or taken out: databases remember it by its name."""
    here = {path.stem for path in migrations()}
    for record in RECORDED:
        assert set(json.loads(record.read_text(encoding="utf-8"))["migrations"]) <= here


@pytest.mark.parametrize("path", later() or [None], ids=lambda path: path.stem if path else "none yet")
def test_migrations_after_the_last_release_only_add(path: Path | None) -> None:
    """Expand now, contract a release later: what takes away must say `-- contract: VERSION: why` to be let through."""
    assert wrong(path.read_text(encoding="utf-8") if path else "") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("alter table vocero.document drop column title;", ["takes a table or column away"]),
        ("alter table vocero.document rename column title to name;", ["renames"]),
        ("alter table vocero.document add column size int not null;", ["demands a new column of older releases"]),
        ("alter table vocero.document add column size int not null default 0;", []),
        ("create table vocero.x (a int not null);", []),
        ("-- drop table vocero.x was thought of", []),
        ("-- contract: 0.2: nobody reads it since 0.1\ndrop table vocero.x;", []),
        ("alter table vocero.x alter column a type bigint;", ["changes a type"]),
    ],
)
def test_the_rule_finds_what_takes_away(text: str, found: list[str]) -> None:
    """Each way to break a running release is found, and what only adds is not."""
    assert wrong(text) == found
