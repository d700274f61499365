"""The `vocero` command. Light to import: every command loads what it needs when it runs."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, TypeVar

import typer

from core.errors import BotError, InputError

T = TypeVar("T")
WORKSPACE: Final = "local"
STOPPED: Final = 130  # exit code after Ctrl-C or SIGTERM, as shells expect it

Workspace = Annotated[str, typer.Option("--workspace", "-w", help="local, slack/TEAM_ID or discord/GUILD_ID.")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", help="What every reader may see: workspace, channel:ID.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command line; every error ends as one sentence on standard error and an exit code that is not 0."""
    # Measured: embedding on two worker threads is fastest when the matrix library itself stays on one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        to_app()(standalone_mode=True)
    except BotError as error:
        fail(str(error))
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def to_app() -> typer.Typer:
    """Return the command line with all its commands."""
    from bots import ask, backup, documents, evaluate, operate, reindex, rekey, upkeep, voice

    app = typer.Typer(
        name="vocero",
        help="A bot that answers from your own documents, in your own voice, with sources, or says it does not know.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for part in (ask, backup, documents, evaluate, operate, reindex, rekey, upkeep, voice):
        part.add_to(app)
    return app


def fail(sentence: str) -> None:
    """Print one sentence on standard error and exit with 1."""
    print(f"vocero: {sentence}", file=sys.stderr)
    sys.exit(1)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; SIGTERM stops it as Ctrl-C does, so that every `async with` closes what it opened."""

    async def guarded() -> T:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        sys.exit(STOPPED)


def print_json(value: object) -> None:
    """Print a value as JSON on one line a list item, so that both people and programs can read it."""
    if isinstance(value, list):
        rows = ",\n".join(json.dumps(row, ensure_ascii=False, default=str) for row in value)
        print(f"[{rows}]")
    else:
        print(json.dumps(value, ensure_ascii=False, default=str))


def readable(text: str, what: str) -> str:
    """Return an argument as text; InputError when its bytes are no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"The {what} is not valid UTF-8 text: check the terminal's encoding.") from error
    return text


def quiet(as_json: bool) -> Callable[[str], None]:
    """Return where progress sentences go: a terminal sees them, a program's JSON is left alone."""
    from adapters.terminal import say

    return say if sys.stderr.isatty() and not as_json else (lambda _: None)
