"""docs/commands.md is what the commands say, and no page names a command or an option that is not there."""

import functools
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bots.cli import to_app
from bots.reference import helps, page

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WORDS = re.compile(r"\bvocero ((?:[a-z-]+ ?)+)")


def test_the_page_of_commands_is_the_one_that_the_code_writes() -> None:
    """After a change: python -m bots.reference > docs/commands.md."""
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == page()


@pytest.mark.parametrize(("name", "text"), list(helps()), ids=[name for name, _ in helps()])
def test_every_command_has_a_sentence_and_an_example(name: str, text: str) -> None:
    """A command that does something says what, and shows one way to type it."""
    assert len(text.splitlines()) > 3
    if "COMMAND [ARGS]" not in text:
        assert f"Example: {name}" in " ".join(text.split()), text


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_and_options_named_in_a_page_exist(path: Path) -> None:
    """Each line of a console block that begins with `vocero` is one that could be typed."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:console|bash|sh)?\n(.*?)```", text, re.DOTALL) if path.name != "commands.md" else []
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    for line in lines + re.findall(r"`(vocero [^`\n]+)`", text):
        for part in re.split(r"\s[|&;]+\s", re.sub(r"\s#.*", "", line)):
            if part.startswith("vocero ") and "…" not in part and "..." not in part:
                assert_typed(part, path.name)


@functools.cache
def tree() -> Any:
    """Return the command line, made once."""
    return get_command(to_app())


def assert_typed(line: str, where: str) -> None:
    """Follow a line's words down the tree of commands, then look for its options."""
    command = tree()
    words = shlex.split(line.replace("`", ""), comments=True)[1:]
    while words and hasattr(command, "commands"):
        if not (names := set(re.split(r"[|,]", words[0]))) <= set(command.commands):
            assert words[0].startswith(("-", "COMMAND")), f"{where}: {line}"
            return
        command, words = command.commands[min(names)], words[1:]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options |= {"--help", "-h"}
    given = {word.split("=")[0] for word in words if re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word)}
    assert given <= options, f"{where}: {line}"
