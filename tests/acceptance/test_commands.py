"""The commands as a new user meets them: help, the demo, and what they say about themselves."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from bots.cli import to_app
from infra import handbook
from tests.acceptance.conftest import Ran

Vocero = Callable[..., Ran]


def every_command() -> list[list[str]]:
    """Return the words of every command."""
    found: list[list[str]] = []

    def walk(group: typer.core.TyperGroup, words: list[str]) -> None:
        for name, command in group.commands.items():
            if isinstance(command, typer.core.TyperGroup):
                walk(command, [*words, name])
            else:
                found.append([*words, name])

    root = typer.main.get_command(to_app())
    assert isinstance(root, typer.core.TyperGroup)
    walk(root, [])
    return found


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_has_help_with_an_example(vocero: Vocero, words: list[str]) -> None:
    """`--help` says in a sentence what it does and shows one use."""
    ran = vocero(*words, "--help")
    assert ran.code == 0
    assert re.search(r"Example: ", ran.out)
    assert f"vocero {' '.join(words)}" in " ".join(ran.out.split())


@pytest.mark.slow
def test_the_demo_answers_two_and_admits_one(vocero: Vocero) -> None:
    """`vocero demo --once` ends with 0 after two cited answers in the handbook's voice and one honest abstention."""
    ran = vocero("demo", "--once")
    assert ran.code == 0, ran.err
    asked = {q.id: q for q in handbook.questions()}
    for one in (asked[i] for i in handbook.DEMO):
        assert f"> {one.question}" in ran.out
        assert all(any(spelling in ran.out for spelling in fact) for fact in one.facts)
    assert ran.out.count("  [1] ") == 2
    assert ran.out.count("I don't know") == 1
    assert "Kettle's on!" in ran.out  # where its words do not pass the guard, the bot quotes


@pytest.mark.slow
def test_the_demo_fails_when_an_answer_is_wrong(vocero: Vocero, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is a promise: asked only what it cannot answer, it is 1."""
    answerable, _, absent = handbook.DEMO
    monkeypatch.setattr(handbook, "DEMO", (answerable, absent))
    assert vocero("demo", "--once").code == 0
    wrong = {q.id: q for q in handbook.questions()}[absent]
    monkeypatch.setattr(handbook, "questions", lambda: [_pretend(wrong, answerable)])
    monkeypatch.setattr(handbook, "DEMO", (answerable,))
    assert vocero("demo", "--once").code == 1


def _pretend(question: handbook.HandbookQuestion, name: str) -> handbook.HandbookQuestion:
    from dataclasses import replace

    return replace(question, id=name, document="warranty.md")


def test_the_light_commands_start_at_once() -> None:
    """`vocero --help` runs as the installed console script does and imports nothing heavy."""
    script = Path(sys.executable).with_name("vocero")
    ran = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    for word in ("ask", "docs", "demo", "doctor", "forget", "migrate", "run", "search"):
        assert re.search(rf"^  {word}\b", ran.stdout, re.MULTILINE)
