"""What a release says to its database, written down so that later schemas can be tried with it.

`python -m tests.deploy.release VERSION` writes tests/deploy/releases/VERSION.json: the names of its migrations, and
every statement of its code that a plain PREPARE accepts. Do it once, when the version is released.
"""

import ast
import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg

from infra.postgres.migrate import migrations

ROOT = Path(__file__).parents[2]
RELEASES = Path(__file__).parent / "releases"
FOLDERS = ("infra/postgres", "infra/knowledge")
STATEMENT = re.compile(r"\s*(select|insert|update|delete|with)\b", re.IGNORECASE)
OURS = re.compile(r"\bvocero(_jobs)?\.[a-z]")
PLACE = re.compile(r"%(%|[sbt]|\((\w+)\)[sbt])")


def statements() -> list[str]:
    """Return the statements of the code as PREPARE takes them, each once, in order."""
    found = {
        to_prepared(text) for folder in FOLDERS for file in (ROOT / folder).rglob("*.py") for text in said_in(file)
    }
    return sorted(found)


def said_in(file: Path) -> Iterator[str]:
    """Yield the statements in a file: its constants, and what its functions say literally."""
    module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    names = {name: value for name, value in vars(module).items() if isinstance(value, str)}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        text = literal(node, names)
        if text and STATEMENT.match(text) and OURS.search(text) and "{" not in text:
            yield text


def literal(node: ast.AST, names: dict[str, str]) -> str:
    """Return a string as it is when the code runs; empty when it depends on more than the module's constants."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(str(part.value))
            elif isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name) and part.value.id in names:
                parts.append(names[part.value.id])
            else:
                return ""
        return "".join(parts)
    return ""


def to_prepared(text: str) -> str:
    """Return a statement with numbered places, on one line."""
    places: list[str] = []

    def place(found: re.Match[str]) -> str:
        if found[1] == "%":
            return "%"
        name = found[2] or f" {len(places)}"
        if name not in places:
            places.append(name)
        return f"${places.index(name) + 1}"

    return " ".join(PLACE.sub(place, text).split())


def refused(url: str, given: list[str]) -> dict[str, str]:
    """Return the statements that a database would not even prepare, each with its reason."""
    found = {}
    with psycopg.connect(url, autocommit=True) as connection:
        for n, text in enumerate(given):
            try:
                connection.execute(f"prepare s{n} as {text}".encode())
            except psycopg.Error as error:
                found[text] = f"{error.sqlstate}: {error.diag.message_primary}"
    return found


def main(version: str) -> None:
    """Write a release down, from a database of its own."""
    import asyncio

    from infra.postgres.migrate import migrate
    from tests.postgres import APPLICATION, Server

    with Server() as server:
        urls = server.database()
        asyncio.run(migrate(urls.admin, APPLICATION))
        said = statements()
        without = refused(urls.application, said)
    kept = [text for text in said if text not in without]
    RELEASES.mkdir(exist_ok=True)
    body = {"version": version, "migrations": [path.stem for path in migrations()], "statements": kept}
    (RELEASES / f"{version}.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    print(f"{len(kept)} statements; {len(without)} that PREPARE alone cannot judge:")
    print("\n".join(f"  {reason}: {text[:100]}" for text, reason in without.items()))


if __name__ == "__main__":
    main(sys.argv[1])
