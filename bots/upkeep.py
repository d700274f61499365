"""`vocero upkeep` and `vocero language`: keeping the store in shape, and reading it in the right language."""

import time
from dataclasses import asdict
from typing import Annotated

import typer

from bots.cli import WORKSPACE, Json, Workspace, print_json, quiet, readable, run

BY = "command line"


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: vocero upkeep --admin-url postgresql://postgres@db/vocero")(upkeep)
    app.command(epilog="Example: vocero language spanish --workspace slack/T1")(language)


def upkeep(
    admin_url: Annotated[str, typer.Option(help="The role that migrates; default: the bot's.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Rebuild every index, worn or not.")] = False,
    wipe: Annotated[
        bool,
        typer.Option("--wipe", help="Write all anew, so that no byte of what was forgotten is left; locks tables."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Trim, rebuild worn indexes, vacuum: once a night; the bot answers meanwhile."""
    from bots.wiring import database_health, open_endpoints
    from infra.postgres.upkeep import Upkept, note
    from infra.postgres.upkeep import upkeep as do
    from infra.postgres.wiping import wipe as write_anew
    from infra.settings import read_settings

    say, settings, receipts = quiet(as_json), read_settings(), 0

    async def work() -> Upkept:
        async with open_endpoints(settings, say=say, model=False, redis=False) as ends:
            await database_health(ends)
            named = settings.admin_database_url
            main = admin_url or (named.get_secret_value() if named else None) or ends.admin or ends.database
            apart = [(one.admin_url or one.url).get_secret_value() for one in ends.apart]
            done = Upkept()
            nonlocal receipts
            for owner in (main, *apart):
                done += await do(owner, everything=everything, turn_days=settings.memory_days, say=say)
                receipts += await (write_anew(owner, say=say) if wipe else note(owner))
            return done

    began = time.monotonic()
    done = run(work())
    if as_json:
        print_json({**asdict(done), "receipts": receipts, "seconds": round(time.monotonic() - began, 1)})
    else:
        rebuilt = f"{len(done.reindexed)} indexes rebuilt, {len(done.vacuumed)} tables vacuumed"
        gone = f"; the bytes of {receipts} forgettings are gone" if wipe else ""
        print(f"{done.trimmed} cached vectors trimmed, {done.turns} turns past their days deleted, {rebuilt}{gone}")


def language(
    name: Annotated[str, typer.Argument(metavar="LANGUAGE", help="english, spanish, german, ...; simple: no stems.")],
    workspace: Workspace = WORKSPACE,
    as_json: Json = False,
) -> None:
    """Read a workspace's documents in another language, so that full text knows its word forms."""
    from bots.wiring import open_database
    from infra.postgres.language import speak
    from infra.settings import read_settings

    async def work() -> int:
        async with open_database(read_settings(), say=quiet(as_json)) as database:
            return await speak(database, readable(workspace, "workspace"), readable(name, "language"), by=BY)

    changed = run(work())
    if as_json:
        print_json({"workspace": workspace, "language": name, "chunks": changed})
    else:
        print(f"{workspace} is read in {name}: {changed} chunks read again")
