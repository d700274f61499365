"""What the `vocero voice` commands do."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bots.wiring import open_database, open_endpoints, open_vocero
from core.errors import InputError, SetupError
from core.examples import Mix
from core.messages import Passage
from core.prompt import PASSAGES
from infra.embedded import voices as kept
from infra.embedded.credentials import Credentials
from infra.embedded.home import Home, at, prepare
from infra.models import loading
from infra.settings import Settings, read_settings
from infra.voice import adapter as trained
from infra.voice import dataset, memory, sources, stages, training
from infra.voice.adapter import Adapter, read_adapter
from infra.voice.preferences import read_preferences
from infra.voice.preview import preview

Say = Callable[[str], None]
Show = Callable[[str, int, int, dict[str, Any]], None]


def home_of(settings: Settings) -> Home:
    """Return the home, made if it is not there."""
    home = at(settings.home)
    prepare(home, database=False)
    return home


def base_file(settings: Settings) -> Path:
    """Return the model that is served here, as a file. SetupError when it is served elsewhere."""
    from infra.embedded.weights import bundled, check_gguf

    if settings.model_url and settings.model_file is None:
        raise SetupError("Training starts from a GGUF file: set VOCERO_MODEL_FILE to that of the served model.")
    if settings.model_file is not None:
        check_gguf(settings.model_file.expanduser())
        return settings.model_file.expanduser().resolve()
    return bundled(Credentials(home_of(settings)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A training as it is asked for."""

    examples: str
    out: Path
    level: str = "adapter"
    mix: Mix = Mix.RAFT
    steps: int = 0  # 0: as many as the mix takes
    seed: int = 0
    four_bit: bool = False


async def train(wanted: Wanted, *, say: Say, show: Show, tell: Say) -> dict[str, Any]:
    """Build the dataset as the bot would retrieve, tell what is in it, train, and return the manifest.

    `tell` hears, before anything is trained, what was taken out and left out.
    """
    if wanted.level not in memory.LEVELS:
        raise InputError(f"{wanted.level!r} is no level: use {', '.join(memory.LEVELS)}.")
    material, settings = sources.read(wanted.examples), read_settings()
    python = stages.interpreter()  # said before anything else is done
    job = to_job(wanted, settings)
    parameters = training.check_base(job).parameters
    asked = wanted.four_bit or stages.may_have_gpu()
    machine = await stages.machine(python) if asked else stages.Machine()
    training.check_machine(job, machine)
    small = not (settings.model_url or settings.model_file)
    async with shelved(material, settings, say=say, show=show) as (vocero, found, _names, _workspace):
        narrow = dataset.narrowed(material.examples, found, vocero.embedder)
        read = {name: passages async for name, passages in narrow} if small else found
        built = dataset.build(material, read, mix=wanted.mix, seed=wanted.seed, shown=PASSAGES)
    need = training.check_memory(job, built, parameters, machine)
    for line in preview(built, str(wanted.out)):
        tell(line)
    tell(f"about {need / 1e9:.1f} GB of {'the memory of ' + machine.gpu if machine.gpu else 'memory'} are needed")
    return await _trained(job, built, say=say, show=show)


def to_job(wanted: Wanted, settings: Settings) -> training.Job:
    """Return the training with everything that was left open. SetupError when there is no base."""
    return training.Job(
        out=wanted.out.expanduser().absolute(),
        base=base_file(settings),
        cache=home_of(settings).path / "training",
        mix=wanted.mix,
        level=wanted.level,
        steps=wanted.steps or training.STEPS[wanted.mix],
        seed=wanted.seed,
        source=wanted.examples,
        four_bit=wanted.four_bit,
    )


async def _trained(job: training.Job, built: dataset.Dataset, *, say: Say, show: Show) -> dict[str, Any]:
    manifest: dict[str, Any] = {}
    async for event in training.train(job, built, threads=threads()):
        match event["event"]:
            case "unpacking":
                show("unpacking the base model, once", 0, 0, {})
            case "resumed":
                say("going on where it was")
            case "step":
                show("training", event["step"], job.steps, {"loss": event["loss"]})
            case "adapter":
                manifest = dict(event["manifest"])
    return manifest


async def prefer(
    start: Path, pairs: Path, out: Path, steps: int, seed: int, *, show: Show, tell: Say
) -> dict[str, Any]:
    """Let an adapter learn what people preferred, and return the new manifest; `tell` hears what was taken out."""
    settings, adapter, folder = read_settings(), read_adapter(start), out.expanduser().absolute()  # noqa: ASYNC240
    if folder == adapter.folder.absolute():
        raise InputError("The new adapter needs a folder of its own: name another --out.")
    if not (adapter.folder / "peft").is_dir():
        raise InputError(f"{start} has no peft folder: name the folder that vocero voice train wrote.")
    known = read_preferences(pairs, adapter.arm, adapter.held_back)
    taken = ", ".join(f"{n} {kind}" for kind, n in known.scrubbed.items())
    tell(f"{len(known.lines)} preferences; taken out before training: {taken or 'nothing'}")
    base, cache = base_file(settings), home_of(settings).path / "training"
    wanted = steps or training.STEPS[Mix.STYLE]
    manifest: dict[str, Any] = {}
    events = training.prefer(adapter, known, folder, base, cache, steps=wanted, seed=seed, threads=threads())
    async for event in events:
        match event["event"]:
            case "unpacking":
                show("unpacking the base model, once", 0, 0, {})
            case "step":
                show("preferring", event["step"], wanted, {"loss": event["loss"], "margin": event["margin"]})
            case "adapter":
                manifest = dict(event["manifest"])
    return manifest


def threads() -> int:
    """Return how many threads train: all cores we may use."""
    import os

    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@asynccontextmanager
async def shelved(
    material: sources.Material, settings: Settings, *, say: Say, show: Show
) -> AsyncIterator[tuple[Any, dict[str, list[Passage]], dict[str, str], str]]:
    """Learn the material's documents in a workspace that is gone afterwards, and ask every question's passages."""
    from infra.postgres.trial import trial

    async with AsyncExitStack() as stack:
        ends = await stack.enter_async_context(open_endpoints(settings, say=say, model=False, redis=False))
        vocero = await stack.enter_async_context(open_vocero(settings, say=say, model=False, redis=False))
        workspace = await stack.enter_async_context(trial(ends.database))
        names: dict[str, str] = {}
        async for name, ours in dataset.learned(material, vocero.librarian, workspace):
            names[name] = ours
            show("learning", len(names), len(material.documents), {})
        found: dict[str, list[Passage]] = {}
        async for name, passages in dataset.retrieved(material.examples, names, vocero.knowledge, workspace):
            found[name] = passages
            show("searching", len(found), len(material.examples), {})
        yield vocero, found, names, workspace


def token_of(settings: Settings) -> str | None:
    """Return the model server's key."""
    return settings.model_token.get_secret_value() if settings.model_token else None


async def promote(given: str, workspace: str, force: bool, by: str, *, say: Say) -> str:
    """Make an adapter live, if the comparison says so; return what to tell."""
    from infra.postgres.voices import PostgresVoices

    settings = read_settings()
    adapter = read_adapter(_folder(settings, given))
    if settings.model_file or not settings.model_url:  # of a model that is only served there is no file to digest
        trained.check_base(adapter, trained.digest(base_file(settings)))
    check_gate(adapter, force)
    home = home_of(settings)
    _keep(home, adapter, settings, workspace)
    if settings.model_url:
        await loading.load(
            settings.model_url, adapter.name, adapter.folder.resolve() / "peft", token=token_of(settings)
        )
    async with open_database(settings, say=say) as database:
        await PostgresVoices(database).promote(workspace, adapter.manifest, adapter.arm, by=by, forced=force)
    if settings.model_url:
        return f"{adapter.name} is live in {workspace}: every model server was asked and answers with it"
    return f"{adapter.name} is live in {workspace}: what is started from now on speaks with it"


def check_gate(adapter: Adapter, force: bool) -> None:
    """Refuse an adapter that was not compared, or that the comparison advises against. InputError."""
    found = adapter.gate()
    if force or (found and found.get("passed")):
        return
    if found is None:
        option = "--raft-adapter" if adapter.arm == "raft" else "--adapter"
        raise InputError(
            f"{adapter.name} was not compared yet: run vocero voice compare --examples "
            f"{adapter.manifest['dataset']['source']} {option} {adapter.folder}, or promote it with --force."
        )
    raise InputError(f"{adapter.name} is not worth it: {'; '.join(found['reasons'])}. Promote it anyway with --force.")


async def withdraw(given: str, workspace: str, by: str, *, say: Say) -> str:
    """Let an adapter speak no more; return what to tell."""
    from infra.postgres.voices import PostgresVoices

    settings = read_settings()
    name = read_adapter(Path(given)).name if (Path(given) / trained.MANIFEST).exists() else given
    async with open_database(settings, say=say) as database:
        await PostgresVoices(database).withdraw(workspace, name, by=by)
    if not settings.model_url:
        kept.remove(home_of(settings), name, workspace=workspace)
    return f"{name} is withdrawn from {workspace}"


async def list_voices(workspace: str, *, say: Say) -> list[dict[str, Any]]:
    """Return a workspace's adapters."""
    from infra.postgres.voices import PostgresVoices

    async with open_database(read_settings(), say=say) as database:
        return [asdict(one) for one in await PostgresVoices(database).listed(workspace)]


def _folder(settings: Settings, given: str) -> Path:
    """Return the folder a word stands for: itself, or one that was promoted before."""
    known = home_of(settings).path / "voices" / "known" / given
    return known if "/" not in given and known.is_dir() and not Path(given).is_dir() else Path(given)


def _keep(home: Home, adapter: Adapter, settings: Settings, workspace: str) -> None:
    """Put an adapter where the embedded model loads it, and keep it with its manifest, so that its name brings it back.

    InputError when the disk refuses; nothing has changed then.
    """
    import shutil

    folder = home.path / "voices" / "known" / adapter.name
    try:
        if folder.resolve() != adapter.folder.resolve():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for file in (adapter.file, adapter.folder / trained.MANIFEST, adapter.folder / trained.GATE):
                if file.exists():
                    shutil.copyfile(file, folder / file.name)
            if (adapter.folder / "peft").is_dir():
                shutil.copytree(adapter.folder / "peft", folder / "peft", dirs_exist_ok=True)
        if not settings.model_url:
            kept.install(home, adapter.file, workspace=workspace, base=adapter.base, model_file=settings.model_file)
    except OSError as error:
        raise InputError(
            f"{home.path} cannot take the adapter ({error.strerror}): make room there, and again."
        ) from error
