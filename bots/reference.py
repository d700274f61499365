"""The page of all commands, as their --help says it: `python -m bots.reference > docs/commands.md`."""

from collections.abc import Iterator
from typing import Any, Final

from typer.main import get_command

from bots.cli import to_app

WIDTH: Final = 100
HEAD: Final = """\
# Commands

Written from the code: `python -m bots.reference > docs/commands.md`. Every command has `--help` with an example; exit
code 0 is success only, errors are one sentence with the remedy on standard error. Settings stand in
[.env.example](../.env.example).
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(_section(name, text) for name, text in helps())])


def helps() -> Iterator[tuple[str, str]]:
    """Yield each command's name with what its --help prints, in the order of the command line."""
    root: Any = get_command(to_app())
    yield from _walk("vocero", root, None)


def _walk(name: str, command: Any, above: Any) -> Iterator[tuple[str, str]]:
    context = command.make_context(
        name.rsplit(maxsplit=1)[-1],
        [],
        parent=above,
        resilient_parsing=True,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
    )
    yield name, command.get_help(context)
    for one, below in getattr(command, "commands", {}).items():
        yield from _walk(f"{name} {one}", below, context)


def _section(name: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return f"## {name}\n\n```\n{lines}\n```\n"


if __name__ == "__main__":
    print(page(), end="")
