"""`vocero run worker`: documents from the queue, until told to stop."""

import asyncio
import signal
from collections.abc import Callable

from bots.oversight import overseen
from infra.logs import configure
from infra.settings import Settings

Say = Callable[[str], None]


def serve(settings: Settings) -> None:
    """Work until Ctrl-C or SIGTERM; then finish what is in hand, or hand it back."""
    configure(settings.log_format)
    asyncio.run(_serve(settings, _say))


def _say(sentence: str) -> None:
    print(sentence, flush=True)


async def _serve(settings: Settings, say: Say) -> None:
    from bots.wiring import open_vocero

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with (
        overseen(settings, "worker", say=say) as oversight,
        open_vocero(settings, say=say, model=False, redis=False, telemetry=oversight.telemetry) as vocero,
    ):
        oversight.open(vocero)
        for note in vocero.notes:
            say(note)
        say("The worker takes documents (Ctrl-C ends it).")
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: oversight.close())
        async with vocero.nightly() as keeps:
            if not keeps:
                say("Nobody keeps the database in shape: set VOCERO_ADMIN_DATABASE_URL, or run vocero upkeep nightly.")
            await vocero.worker().run(stop)
        say("The worker has ended.")
