"""`vocero backup` and `vocero restore`: all that is kept, in one file and back."""

import time
from pathlib import Path
from typing import Annotated

import typer

from bots.cli import Json, print_json, quiet, run

Admin = Annotated[str, typer.Option(help="A superuser, or a role with BYPASSRLS that owns the tables.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: vocero backup vocero.dump --admin-url postgresql://postgres@db/vocero")(backup)
    app.command(epilog="Example: vocero restore vocero.dump --admin-url postgresql://postgres@db/vocero")(restore)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; readable by its owner only.")],
    admin_url: Admin = "",
    as_json: Json = False,
) -> None:
    """Write everything in the database to a file, while the bot goes on."""
    from bots.wiring import open_endpoints
    from infra.postgres.backup import backup as write
    from infra.settings import read_settings

    began = time.monotonic()

    async def work() -> int:
        say = quiet(as_json)
        async with open_endpoints(read_settings(), say=say, model=False, redis=False) as ends:
            return await write(admin_url or ends.admin or ends.database, file)

    size = run(work())
    if as_json:
        print_json({"file": str(file), "bytes": size, "seconds": round(time.monotonic() - began, 1)})
    else:
        print(f"{file}: {size:,} bytes")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What vocero backup wrote.")],
    admin_url: Admin = "",
    as_json: Json = False,
) -> None:
    """Bring an empty database to what a backup holds, then to this version's schema."""
    from bots.wiring import bring_to_head, open_endpoints
    from infra.postgres.backup import restore as read
    from infra.settings import read_settings

    settings = read_settings()

    async def work() -> list[str]:
        say = quiet(as_json)
        async with open_endpoints(settings, say=say, model=False, redis=False) as ends:
            await read(admin_url or ends.admin or ends.database, file)
            return await bring_to_head(settings, admin_url=admin_url, say=say)

    applied = run(work())
    if as_json:
        print_json({"file": str(file), "applied": applied})
    else:
        print("\n".join(["restored", *(f"applied {name}" for name in applied)]))
