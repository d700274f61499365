"""SECURITY.md keeps its word: every test that it names exists, and every threat has one."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = [line for line in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@cache
def found_in(path: str) -> frozenset[str]:
    """Return the names of a file's tests."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    defined = (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    return frozenset(node.name for node in defined if node.name.startswith("test_"))


def test_every_threat_has_tests_that_exist() -> None:
    """A renamed or removed test is a row that lies."""
    assert len(ROWS) >= 24
    for row in ROWS:
        named = TEST.findall(row)
        assert named, row
        missing = [f"{path}::{name}" for path, name in named if name not in found_in(path)]
        assert missing == [], row.split("|")[1]


def test_every_security_test_stands_in_the_table() -> None:
    """What is tested in this folder is promised, and what is promised is found."""
    whole = "\n".join(ROWS)
    for path in sorted((ROOT / "tests" / "security").glob("test_*.py")):
        if path.name != Path(__file__).name:
            assert f"tests/security/{path.name}::" in whole, path.name
