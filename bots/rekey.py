"""`vocero rekey`: seal every stored token with the newest key, so that an older one may be thrown away."""

import typer

from bots.cli import Json, print_json, quiet, run


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: vocero rekey, with the new key before the old one: VOCERO_SECRET_KEYS=NEW,OLD")(rekey)


def rekey(as_json: Json = False) -> None:
    """Seal every stored token with the first of VOCERO_SECRET_KEYS; the bot answers meanwhile."""
    from bots.wiring import open_database
    from infra.postgres.installations import reseal
    from infra.sealing import Sealer
    from infra.settings import read_settings

    settings = read_settings()
    sealer = Sealer([key.get_secret_value() for key in settings.secret_keys])

    async def work() -> int:
        async with open_database(settings, say=quiet(as_json)) as database:
            return await reseal(database, sealer)

    done = run(work())
    if as_json:
        print_json({"resealed": done})
    else:
        print(f"{done} tokens are sealed with the newest key: the others of VOCERO_SECRET_KEYS may go")
