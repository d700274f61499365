"""`vocero demo`, `run`, `doctor` and `migrate`: seeing it work, keeping it running, mending it."""

from typing import Annotated

import typer

from bots.cli import Json, print_json, quiet, run
from core.errors import InputError

PORT = 8321
PARTS = ("slack", "discord", "console", "worker")
Port = Annotated[int, typer.Option(min=1, max=65535, help="Where the page is served.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: vocero demo --once")(demo)
    app.command("run", epilog="Example: vocero run console")(run_parts)
    app.command(epilog="Example: vocero doctor --json")(doctor)
    app.command(epilog="Example: vocero migrate --admin-url postgresql://postgres@db/vocero")(migrate)


def demo(
    port: Port = PORT,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
    once: Annotated[bool, typer.Option("--once", help="End after the answers; 0 only if they were right.")] = False,
) -> None:
    """See it work: a sample handbook, three questions answered here, then a chat page."""
    from bots import demo as show
    from infra.settings import read_settings

    settings = read_settings()
    if not once:
        from bots.console import check_port

        check_port("127.0.0.1", port)
    right = run(show.answer_three(settings))
    if once:
        raise typer.Exit(0 if right else 1)
    show.open_page(settings, port=port, browser=not no_open)


def run_parts(
    parts: Annotated[list[str] | None, typer.Argument(help="slack, discord, console, worker.")] = None,
    port: Port = PORT,
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="The console's workspace.")] = "local",
) -> None:
    """Run parts of the bot until told to stop."""
    named = parts or ["console"]
    if unknown := [p for p in named if p not in PARTS]:
        raise InputError(f"{unknown[0]!r} is no part of the bot: name any of {', '.join(PARTS)}.")
    if missing := [p for p in named if p != "console"]:
        raise InputError(f"{missing[0]} is not built yet in this version: run vocero run console.")
    from bots.console import serve
    from infra.settings import read_settings

    serve(read_settings(), port=port, workspace=workspace)


def doctor(as_json: Json = False) -> None:
    """Check everything the bot stands on and say the remedy for what is wrong."""
    from bots.doctor import examine
    from infra.settings import read_settings

    findings = run(examine(read_settings(), say=quiet(as_json)))
    if as_json:
        print_json([f.to_json() for f in findings])
    for finding in () if as_json else findings:
        print(finding.to_line())
    if any(f.bad for f in findings):
        raise typer.Exit(1)


def migrate(
    admin_url: Annotated[
        str, typer.Option(help="A role that may create roles and extensions; default: the bot's.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Bring the database to this version's schema."""
    from bots.wiring import bring_to_head
    from infra.settings import read_settings

    done = run(bring_to_head(read_settings(), admin_url=admin_url, say=quiet(as_json)))
    if as_json:
        print_json({"applied": done})
    else:
        print("\n".join(f"applied {name}" for name in done) or "the schema is up to date")
