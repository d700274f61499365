"""The demo's own voice: trained on the handbook, compared, and kept only if that says so. `make sample-voice`."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bots import comparing, voicing
from core.errors import BotError, InputError, SetupError
from infra import handbook
from infra.embedded import voices as kept
from infra.settings import Settings, read_settings
from infra.voice import adapter as trained
from infra.voice.adapter import Adapter, read_adapter
from infra.voice.sources import HANDBOOK

FOLDER: Final = handbook.HERE / "voice"
SEED: Final = 0
MOST_BYTES: Final = 10_000_000  # of the adapter's file: it is cloned with the code


async def build(out: Path, say: Callable[[str], None]) -> str:
    """Train and compare in a folder, and keep the adapter if the gate lets it pass; return the verdict. InputError."""

    def show(what: str, done: int, of: int, more: dict[str, Any]) -> None:
        if of and done in (1, of):
            say(f"{what} {done}/{of} " + " ".join(f"{key} {value:.2f}" for key, value in more.items()))

    wanted = voicing.Wanted(examples=HANDBOOK, out=out / "handbook", seed=SEED)
    await voicing.train(wanted, say=say, show=show, tell=say)
    asked = comparing.Asked(examples=HANDBOOK, raft_adapter=out / "handbook", out=out / "report", seed=SEED)
    report = await comparing.compare(asked, say=say, show=show)
    adapter = read_adapter(out / "handbook")
    if not report["gate"]["passed"]:
        raise InputError(f"Not kept. {report['verdict']}")
    keep(adapter)
    return str(report["verdict"])


def keep(adapter: Adapter) -> None:
    """Put an adapter, its manifest and what its comparison found in place of what is shipped. InputError."""
    if adapter.file.stat().st_size > MOST_BYTES:
        raise InputError(f"{adapter.file} has over {MOST_BYTES:,} bytes: train it with a lower rank.")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for file in (adapter.file, adapter.folder / trained.MANIFEST, adapter.folder / trained.GATE):
        shutil.copyfile(file, FOLDER / file.name)


def installed(settings: Settings, workspace: str) -> Adapter | None:
    """Put the shipped voice beside the embedded model, and return it; None where there is none for this model."""
    if settings.model_url or settings.model_file or not (FOLDER / trained.MANIFEST).exists():
        return None
    try:
        adapter = read_adapter(FOLDER)
        home = voicing.home_of(settings)
        kept.install(home, adapter.file, workspace=workspace, base=adapter.base, model_file=None)
    except (BotError, OSError):
        return None  # the demo answers as well without
    return adapter


async def introduce(settings: Settings, adapter: Adapter, workspace: str, *, say: Callable[[str], None]) -> None:
    """Let the shipped voice speak, unless somebody promoted or withdrew one there before."""
    from bots.wiring import open_database
    from infra.postgres.voices import PostgresVoices

    async with open_database(settings, say=say) as database:
        voices = PostgresVoices(database)
        if not await voices.listed(workspace):
            await voices.promote(workspace, adapter.manifest, adapter.arm, by="demo", forced=False)


def main() -> None:
    """Build it anew: some minutes, and torch (`make setup-voice`)."""
    read_settings()
    out = Path(sys.argv[1] if len(sys.argv) > 1 else ".sample-voice")
    try:
        print(asyncio.run(build(out, lambda sentence: print(sentence, file=sys.stderr))))
    except (BotError, SetupError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
