"""What is not in the code cannot be abused: nothing that runs text, no tools for a model, no secret in a prompt."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PARTS = ("core", "infra", "adapters", "bots")
RUNS_TEXT = {"eval", "exec", "compile", "__import__"}
UNSAFE = {
    ("pickle", "load"), ("pickle", "loads"), ("marshal", "loads"), ("shelve", "open"), ("yaml", "load"),
    ("os", "system"), ("os", "popen"), ("torch", "load"),
}  # fmt: skip


def calls() -> Iterator[tuple[Path, ast.Call]]:
    """Yield every call of the product."""
    for part in PARTS:
        for path in (ROOT / part).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield path, node


def test_nothing_runs_text() -> None:
    """No eval, no pickle, no shell: what was read stays data."""
    found = []
    for path, call in calls():
        name = call.func
        if isinstance(name, ast.Name) and name.id in RUNS_TEXT:
            found.append((path.name, name.id))
        if (
            isinstance(name, ast.Attribute)
            and isinstance(name.value, ast.Name)
            and (name.value.id, name.attr) in UNSAFE
        ):
            safe = any(k.arg == "weights_only" and getattr(k.value, "value", False) for k in call.keywords)
            found += [] if safe else [(path.name, f"{name.value.id}.{name.attr}")]
        found += [(path.name, "shell") for k in call.keywords if k.arg == "shell" and getattr(k.value, "value", False)]
        if any(k.arg == "trust_remote_code" and getattr(k.value, "value", True) for k in call.keywords):
            found.append((path.name, "trust_remote_code"))
    assert found == []


def test_the_model_has_no_tools() -> None:
    """No request offers a tool, and what a model says is never read as a command."""
    models = (ROOT / "infra" / "models", ROOT / "infra" / "embedded", ROOT / "core")
    for path in (path for folder in models for path in folder.rglob("*.py")):
        words = {n.value for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Constant)}
        assert not words & {"tools", "tool_choice", "functions", "function_call"}, path.name
    for path, call in calls():
        assert "models" not in path.parts or not any(k.arg in ("tools", "tool_choice") for k in call.keywords), (
            path.name
        )
    for part in ("bot.py", "speaking.py", "grounding.py", "flight.py"):
        tree = ast.parse((ROOT / "core" / part).read_text(encoding="utf-8"))
        imported = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        assert not [module for module in imported if "commands" in module or "orders" in module], part


def test_the_prompts_hold_nothing_secret() -> None:
    """They are files of this repository, short enough to be read by anyone, and the test reads them."""
    for path in (ROOT / "core" / "prompts").glob("*.md"):
        text = path.read_text(encoding="utf-8").casefold()
        assert len(text) < 4_000
        assert not [word for word in ("password", "token", "secret", "api key", "xox") if word in text], path.name
