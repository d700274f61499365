"""`vocero demo`, `run`, `doctor` and `migrate`: seeing it work, keeping it running, mending it."""

import importlib
import json
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
    app.command("run", epilog="Example: vocero run slack")(run_parts)
    app.command(epilog="Example: vocero doctor --json")(doctor)
    app.add_typer(slack_app, name="slack")
    app.add_typer(discord_app, name="discord")
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
    if len(set(named)) > 1:
        from bots.together import run_together

        page = ["--port", str(port), "--workspace", workspace]
        run_together([["run", part, *(page if part == "console" else [])] for part in dict.fromkeys(named)])
        return
    from infra.settings import read_settings

    if named[0] == "console":
        from bots.console import serve

        serve(read_settings(), port=port, workspace=workspace)
    else:
        importlib.import_module(f"bots.{named[0]}").serve(read_settings())


slack_app = typer.Typer(help="Set the Slack app up.", no_args_is_help=True, rich_markup_mode=None)


@slack_app.callback()
def _slack() -> None:
    """Set the Slack app up."""


@slack_app.command(epilog="Example: vocero slack manifest > manifest.json")
def manifest(
    agent: Annotated[
        bool, typer.Option("--agent", help="With Slack's agent view, which workspace guests cannot use.")
    ] = False,
    http: Annotated[str, typer.Option("--http", help="The bot's public address, for HTTP mode.")] = "",
) -> None:
    """Print the manifest to create the Slack app from; its scopes are those that the features need."""
    from adapters.slack.manifest import to_manifest
    from infra.settings import read_settings

    print(json.dumps(to_manifest(agent=agent, http=http, oauth=read_settings().slack_oauth), indent=2))


discord_app = typer.Typer(help="Set the Discord app up.", no_args_is_help=True, rich_markup_mode=None)


@discord_app.command(epilog="Example: vocero discord sync --guild 123456789012345678")
def sync(
    guild: Annotated[str, typer.Option("--guild", help="Only to this server, by its id: at once, to try them.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Even if they did not change.")] = False,
) -> None:
    """Send the slash commands to Discord if they changed since; vocero run discord does the same at its start."""
    from bots.discord_setup import send_commands
    from infra.settings import read_settings

    if guild and not guild.isdigit():
        raise InputError("--guild takes the server's id, a number: right-click the server, Copy Server ID.")
    sent = run(send_commands(read_settings(), guild=guild, force=force, say=quiet(False)))
    print("sent" if sent else "nothing has changed")


@discord_app.command("invite-url", epilog="Example: vocero discord invite-url")
def invite_url() -> None:
    """Print the address where a server's admin lets the bot in, with no more rights than it needs."""
    from bots.discord_setup import to_invite_url
    from infra.settings import read_settings

    print(to_invite_url(read_settings()))


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
