"""The one file that knows every part: it reads the settings, joins the parts and hands out the bot."""

import asyncio
import functools
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bots.watching import Watching
from core.bot import Bot
from core.bulletin import Bulletin
from core.chat import Exchanges, Lessons
from core.ending import end
from core.errors import BotError, SetupError, UnavailableError
from core.grounding import SERVED, STRICT
from core.inbox import Inbox
from core.limits import Limiter
from core.near import Nearby
from core.ports import Embedder, Knowledge, Librarian, Memory
from core.rooms import Rooms
from infra import embedded
from infra.embedded.home import at
from infra.embedded.model_server import SLOTS as MODEL_SLOTS
from infra.embedded.voices import installed
from infra.heap import settled
from infra.logs import configure
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.knowledge.librarian import Librarian as OurLibrarian
    from infra.knowledge.rerank import Reranking
    from infra.knowledge.worker import Workers
    from infra.models.failures import EmbedderFailure
    from infra.postgres.bars import PostgresBars
    from infra.postgres.guilds import PostgresGuilds
    from infra.postgres.installations import Installations
    from infra.postgres.pool import Database
    from infra.postgres.spread import Apart
    from infra.redis.store import RedisStore
    from infra.telemetry.observed import Telemetry

PATIENCE: Final = 1.0  # seconds of silence before a person is told what takes so long
PASSING: Final = ("refused", "timeout", "overloaded", "cut")  # what an embedder may have at the start; it may pass
SERVED_AT_ONCE: Final = 32  # generations at a time on each served model, of the 128 that TGI takes; others wait


Health = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocero:
    """A running bot with the parts that commands speak to directly; `notes` says what is missing or embedded."""

    bot: Bot
    knowledge: Knowledge
    librarian: Librarian
    embedder: Embedder
    notes: tuple[str, ...]
    chat: "Chat"
    bars: "PostgresBars"
    worker: Callable[[], "Workers"]  # made when wanted
    nightly: Callable[[], AbstractAsyncContextManager[bool]]  # keeps the store in shape for the block; whether we may
    health: "Mapping[str, Health]"  # by service: each says that it is well, or raises BotError with the remedy
    sample: "Callable[[], Awaitable[None]]"  # brings the gauges of the database up to date

    @property
    def rooms(self) -> Rooms:
        """What keeps the channels' settings."""
        return self.chat.rooms


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """What chat platforms need beside the bot."""

    inbox: Inbox
    rooms: Rooms
    exchanges: Exchanges
    lessons: Lessons
    memory: Memory
    installations: "Callable[[Sequence[str], str, str], Installations]"  # by keys, app and platform
    guilds: "PostgresGuilds"
    limits: Limiter
    bulletin: Bulletin


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where the services answer, whoever runs them; None for one that is absent or was not asked for."""

    database: str
    admin: str | None = None
    apart: "tuple[Apart, ...]" = ()  # databases of some workspaces' own
    redis: str | None = None
    models: tuple[str, ...] = ()
    model: str | None = None
    model_token: str | None = None
    adapters: tuple[str, ...] | None = None  # loaded beside the embedded model; None: a served model says for itself
    notes: tuple[str, ...] = ()


@asynccontextmanager
async def open_vocero(
    settings: Settings,
    *,
    say: Callable[[str], None],
    model: bool = True,
    redis: bool = True,
    telemetry: "Telemetry | None" = None,
) -> AsyncIterator[Vocero]:
    """Start or join everything the settings ask for and yield the bot; `say` gets a sentence for each longer step.

    `model` and `redis` False leave those alone, for commands that have no use for them. `telemetry` watches all of it.
    """
    configure(settings.log_format)
    async with AsyncExitStack() as stack:
        # LlamaIndex takes seconds to import: meanwhile the servers start
        patience = asyncio.get_running_loop().call_later(PATIENCE, say, "loading the engine")
        stack.callback(patience.cancel)
        loading = asyncio.create_task(asyncio.to_thread(importlib.import_module, "infra.knowledge.engine"))
        stack.push_async_callback(asyncio.wait, [loading])
        ends = await stack.enter_async_context(open_endpoints(settings, say=say, model=model, redis=redis))
        await _prepared(ends)
        await loading
        patience.cancel()
        vocero = await _join(settings, ends, stack, model=model, telemetry=telemetry)
        with settled() if telemetry else nullcontext():  # what is watched runs for long
            yield vocero


@asynccontextmanager
async def open_endpoints(
    settings: Settings, *, say: Callable[[str], None], model: bool = True, redis: bool = True
) -> AsyncIterator[Ends]:
    """Yield where every service answers: at the address that was set, else embedded and kept alive for the block."""
    from infra.postgres.spread import read_map

    wanted = embedded.Wanted(
        database=settings.database_url is None,
        redis=redis and settings.redis_url is None,
        model=model and not settings.model_url,
        model_file=settings.model_file,
        adapters=tuple(installed(at(settings.home), settings.model_file)) if model and not settings.model_url else (),
        without=settings.embedded_without,
    )
    ends = Ends(
        database=settings.database_url.get_secret_value() if settings.database_url else "",
        apart=read_map(settings.database_map),
        redis=settings.redis_url.get_secret_value() if settings.redis_url else None,
        models=settings.model_url,
        model=settings.model,
        model_token=settings.model_token.get_secret_value() if settings.model_token else None,
    )
    if not (wanted.database or wanted.redis or wanted.model):
        yield ends
        return
    async with embedded.join(settings.home, wanted, say=say) as ours:
        yield replace(
            ends,
            database=ours.database_url or ends.database,
            admin=ours.admin_database_url,
            redis=ours.redis_url or ends.redis,
            models=(ours.model_url,) if ours.model_url else ends.models,
            model=ours.model_name if ours.model_url else ends.model,
            model_token=ours.model_token if ours.model_url else ends.model_token,
            adapters=tuple(file.stem for file in wanted.adapters) if wanted.model else None,
            notes=ours.notes,
        )


async def _join(
    settings: Settings, ends: Ends, stack: AsyncExitStack, *, model: bool, telemetry: "Telemetry | None"
) -> Vocero:
    from infra.knowledge.engine import KnowledgeEngine
    from infra.knowledge.fetch import fetch
    from infra.knowledge.librarian import Librarian as OurLibrarian
    from infra.knowledge.private import to_private
    from infra.knowledge.scans import Readers
    from infra.models.tgi import TgiSpeaker
    from infra.postgres.bars import PostgresBars
    from infra.postgres.journal import Journal
    from infra.postgres.voices import PostgresVoices
    from infra.redis.answers import NoAnswers, RedisAnswers
    from infra.redis.leases import RedisLeases
    from infra.redis.questions import RedisQuestions

    database = await stack.enter_async_context(_checked(ends))
    seen = Watching(telemetry)
    opened, lacking = await _open_embedder(settings, stack)
    embedder = seen.embedder(opened)
    knowledge = seen.knowledge(KnowledgeEngine(database, embedder, rerankers=open_rerankers(settings)))
    parser = await stack.enter_async_context(Readers())
    fetching = functools.partial(fetch, private=to_private(settings.private_hosts))
    librarian = OurLibrarian(database, embedder, parse=parser.parse, fetch=fetching, told=seen.learned)
    await librarian.sweep()
    speaker = None
    if model and ends.models:
        at_once = SERVED_AT_ONCE if settings.model_url else MODEL_SLOTS
        speaker = TgiSpeaker(ends.models, model=ends.model, token=ends.model_token, concurrency=at_once)
        stack.push_async_callback(speaker.close)
        await speaker.introduce()
    store = await _open_redis(ends, stack, failed=seen.redis_failed)
    memory = _to_memory(settings, database, store)
    served = bool(settings.model_url or settings.model_file)
    cache = RedisAnswers(store) if store else NoAnswers()
    near = Nearby(RedisQuestions(store), cache, embedder) if store and settings.near_answers else None
    bars = PostgresBars(database)
    bot = Bot(
        knowledge=knowledge,
        librarian=librarian,
        embedder=embedder,
        memory=memory,
        cache=cache,
        journal=Journal(database),
        voices=PostgresVoices(database, loaded=ends.adapters),
        guard=SERVED if served else STRICT,
        speaker=seen.speaker(speaker),
        voiced=served,
        leases=RedisLeases(store) if store else None,
        witness=seen.witness,
        nearby=near,
        bars=bars,
        rewriter=seen.speaker(speaker) if served and settings.rewrite else None,
    )
    chat = _to_chat(settings, database, memory, seen)
    return Vocero(
        bot=bot,
        knowledge=knowledge,
        librarian=librarian,
        embedder=embedder,
        notes=(*ends.notes, *lacking, *_opened(settings)),
        chat=chat,
        bars=bars,
        worker=lambda: _to_workers(ends, database, librarian),
        nightly=lambda: _nightly(settings, ends, database),
        health=_to_health(settings, ends, database),
        sample=lambda: seen.sample(database),
    )


def _to_health(settings: Settings, ends: Ends, database: "Database") -> Mapping[str, Health]:
    from infra.postgres.pulse import check_writable

    async def writable() -> str:
        await check_writable(database)
        return "PostgreSQL takes writes"

    async def apart() -> str:
        for member in others:
            await check_writable(member)
        return f"{len(others)} databases of some workspaces' own take writes"

    _, *others = database.members
    looks: dict[str, Health] = {"database": writable, "embeddings": lambda: embedder_health(settings)}
    if others:  # one that is away is a trouble, but the others' workspaces are answered: no reason to be unready
        looks["databases apart"] = apart
    if ends.redis:  # one that nobody wants is no trouble
        looks["redis"] = lambda: redis_health(ends)
    if ends.models:
        looks["model"] = lambda: model_health(ends)
    return looks


@asynccontextmanager
async def _nightly(settings: Settings, ends: Ends, database: "Database") -> AsyncIterator[bool]:
    """Do the upkeep when it is due, as the role that migrates; where nobody told us that one, an operator does it."""
    from infra.postgres.nightly import Nightly

    named = settings.admin_database_url
    owners = [named.get_secret_value() if named else ends.admin, *map(_owner, ends.apart)]
    tasks = [
        asyncio.create_task(Nightly(database=member, owner_url=owner, hour=settings.upkeep_hour).run())
        for member, owner in zip(database.members, owners, strict=True)
        if owner
    ]
    try:
        yield len(tasks) == len(owners)
    finally:
        await end(*tasks)


def _opened(settings: Settings) -> tuple[str, ...]:
    """Return what an operator should be reminded of."""
    names = ", ".join(settings.private_hosts)
    return (f"Documents may also be fetched from these private hosts: {names}.",) if names else ()


def _to_workers(ends: Ends, database: "Database", librarian: "OurLibrarian") -> "Workers":
    from infra.knowledge.worker import Worker, Workers

    urls = [ends.database, *(one.url.get_secret_value() for one in ends.apart)]
    return Workers([Worker(url, member, librarian) for url, member in zip(urls, database.members, strict=True)])


def _to_chat(settings: Settings, database: "Database", memory: Memory, seen: Watching) -> Chat:
    from infra.postgres.bulletin import PostgresBulletin
    from infra.postgres.exchanges import PostgresExchanges
    from infra.postgres.guilds import PostgresGuilds
    from infra.postgres.inbox import PostgresInbox
    from infra.postgres.installations import Installations
    from infra.postgres.lessons import PostgresLessons
    from infra.postgres.paces import PostgresPaces
    from infra.postgres.rooms import PostgresRooms
    from infra.sealing import Sealer

    return Chat(
        inbox=seen.inbox(PostgresInbox(database)),
        rooms=PostgresRooms(database),
        exchanges=PostgresExchanges(database),
        lessons=PostgresLessons(database),
        memory=memory,
        guilds=PostgresGuilds(database),
        limits=Limiter(PostgresPaces(database), settings.limits),
        bulletin=PostgresBulletin(database),
        installations=lambda keys, app, platform: Installations(database, Sealer(keys), app=app, platform=platform),
    )


async def open_embedder(settings: Settings, stack: AsyncExitStack) -> Embedder:
    """Return the embedder that the settings name, closed with the stack. EmbedderDown."""
    embedder, down = await _try_embedder(settings, stack)
    if down:
        raise down
    return embedder


async def _open_embedder(settings: Settings, stack: AsyncExitStack) -> tuple[Embedder, tuple[str, ...]]:
    """Return the embedder, and a note when it is down: it is asked again with every question. EmbedderDown."""
    embedder, down = await _try_embedder(settings, stack)
    if down and down.kind not in PASSING:
        raise down
    return embedder, (f"no embeddings: {down} Until it does, documents are searched by words only",) if down else ()


async def _try_embedder(settings: Settings, stack: AsyncExitStack) -> "tuple[Embedder, EmbedderFailure | None]":
    if settings.embedding_url is None:
        from infra.embedded.minilm import MiniLM

        return MiniLM(), None
    from infra.models.failures import EmbedderFailure
    from infra.models.tei import TeiEmbedder

    served = TeiEmbedder(settings.embedding_url, model=settings.embedding_model)
    stack.push_async_callback(served.close)
    try:
        await served.prepare()
    except EmbedderFailure as down:
        return served, down
    return served, None


def open_rerankers(settings: Settings) -> "list[Reranking]":
    """Return the reranker that the settings name, if they do. SetupError."""
    if settings.rerank_url is None:
        return []
    from infra.knowledge.rerank import Reranking
    from infra.models.rerank import TeiReranker

    return [Reranking(TeiReranker(settings.rerank_url))]


async def _open_redis(ends: Ends, stack: AsyncExitStack, *, failed: Callable[[], None]) -> "RedisStore | None":
    from infra.redis.store import RedisStore

    return await stack.enter_async_context(RedisStore(ends.redis, failed=failed)) if ends.redis else None


def _to_memory(settings: Settings, database: "Database", store: "RedisStore | None") -> Memory:
    from infra.memory import Conversations, NoMemory
    from infra.postgres.turns import PostgresTurns
    from infra.redis.turns import RedisTurns

    if not settings.memory_days:
        return NoMemory()
    turns = PostgresTurns(database, days=settings.memory_days)
    return Conversations(turns, RedisTurns(store) if store else None)


@asynccontextmanager
async def open_database(settings: Settings, *, say: Callable[[str], None]) -> AsyncIterator["Database"]:
    """Yield the database alone, for commands that only look something up or note it."""
    async with open_endpoints(settings, say=say, model=False, redis=False) as ends:
        await _prepared(ends)
        async with _checked(ends) as database:
            yield database


@asynccontextmanager
async def _checked(ends: Ends) -> AsyncIterator["Database"]:
    """Yield the database, or the several that workspaces are spread over. SetupError with the remedy, KnowledgeDown."""
    from infra.postgres.migrate import check
    from infra.postgres.pool import Database
    from infra.postgres.spread import Spread

    await check(ends.database)
    for one in ends.apart:
        try:
            await check(one.url.get_secret_value())
        except BotError as error:
            raise type(error)(f"The database of {one.workspaces[0]}: {error}") from error
    async with Spread(ends.database, ends.apart) if ends.apart else Database(ends.database) as database:
        yield database


async def _prepared(ends: Ends) -> None:
    """Bring the embedded database to this version's schema; those of others are their operators' to migrate."""
    if ends.admin:
        await _to_head(ends.admin, ends.database)


async def bring_to_head(settings: Settings, *, admin_url: str, say: Callable[[str], None]) -> list[str]:
    """Apply the missing migrations as the role that may, and return their names."""
    async with open_endpoints(settings, say=say, model=False, redis=False) as ends:
        done = await _to_head(admin_url or ends.admin or ends.database, ends.database)
        for one in ends.apart:
            url = one.url.get_secret_value()
            done += [f"{name} ({one.workspaces[0]})" for name in await _to_head(_owner(one) or url, url)]
        return done


def _owner(one: "Apart") -> str | None:
    return one.admin_url.get_secret_value() if one.admin_url else None


async def _to_head(admin: str, database: str) -> list[str]:
    from infra.postgres.migrate import migrate

    role = urlsplit(database).username
    if not role:
        raise SetupError("VOCERO_DATABASE_URL names no role: write it as postgresql://ROLE:PASSWORD@HOST/DATABASE.")
    return await migrate(admin, role)


async def database_health(ends: Ends) -> str:
    """Return a sentence about the database; SetupError or KnowledgeDown with the remedy."""
    await _prepared(ends)
    async with _checked(ends) as database:
        apart = len(database.members) - 1
    where = " (embedded)" if ends.admin else ""
    return f"PostgreSQL answers, the schema is up to date, the role is plain{where}" + (
        f"; {apart} more of some workspaces' own" if apart else ""
    )


async def write_health(ends: Ends) -> str:
    """Write a megabyte and take it back; KnowledgeDown with the remedy when the database keeps nothing."""
    from infra.postgres.pulse import try_write

    async with _checked(ends) as database:
        for member in database.members:
            await try_write(member)
    return "a megabyte was written and taken back"


async def redis_health(ends: Ends) -> str:
    """Return a sentence about Redis; UnavailableError with the remedy."""
    from infra.redis.store import RedisStore

    if ends.redis is None:
        raise UnavailableError(
            "none: answers are not cached, and equal questions are answered once in each process; set VOCERO_REDIS_URL."
        )
    async with RedisStore(ends.redis) as store:
        if not await store.answers():
            raise UnavailableError("Redis does not answer: check VOCERO_REDIS_URL; the bot works without, more slowly.")
        if await store.refuses_when_full():
            raise UnavailableError("Redis takes nothing new once it is full: set its maxmemory-policy to volatile-lru.")
    return "Redis answers"


async def model_health(ends: Ends) -> str:
    """Return a sentence about the model server; UnavailableError with the remedy."""
    from infra.models.tgi import TgiSpeaker

    if not ends.models:
        raise UnavailableError("none: answers are quoted from the documents; set VOCERO_MODEL_URL.")
    speaker = TgiSpeaker(ends.models, model=ends.model, token=ends.model_token)
    try:
        trouble = await speaker.health()
        if trouble:
            raise UnavailableError(f"{trouble} Until then answers are quoted from the documents.")
        return f"{speaker.name} answers"
    finally:
        await speaker.close()


async def reranker_health(settings: Settings) -> str:
    """Return a sentence about the reranker; UnavailableError with the remedy."""
    from infra.models.rerank import TeiReranker

    if trouble := await TeiReranker(settings.rerank_url or "").health():
        raise UnavailableError(f"{trouble} Until then passages stand in the order of the search.")
    return "the reranker answers"


async def embedder_health(settings: Settings) -> str:
    """Return a sentence about the embedder; EmbedderDown with the remedy."""
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(settings, stack)
        await embedder.embed(["ready?"])
        return f"{embedder.name}, {embedder.dimensions} dimensions"
