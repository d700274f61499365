"""Each rung of the ladder, by taking the part away: the answer comes all the same, and says what is missing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection
from redis.asyncio import Redis
from typing_extensions import override

from bots.wiring import Vocero, open_vocero
from core.documents import Place, State, to_pasted
from core.errors import EmbedderDown
from core.messages import Answer, Done, Outcome, Question
from infra.embedded import Wanted, join
from infra.models.breaker import OPEN
from infra.postgres.migrate import migrate
from infra.settings import read_settings
from tests.fakes.brain import Bag
from tests.fakes.tei import FakeTei
from tests.fakes.tgi import FakeTgi
from tests.postgres import APPLICATION, Server, Urls

pytestmark = pytest.mark.slow

TEXT = "# Refunds\n\nRefunds take five working days."
ASKED = "How many working days do refunds take?"
SAID = "Refunds take five working days [1]."
W = "ladder"


@pytest.fixture(scope="module")
async def urls(postgres_server: Server) -> Urls:
    """A migrated database."""
    urls = postgres_server.database()
    await migrate(urls.admin, APPLICATION)
    return urls


@pytest.fixture(scope="module")
async def redis_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A real Redis."""
    async with join(tmp_path_factory.mktemp("redis"), Wanted(redis=True)) as endpoints:
        assert endpoints.redis_url
        yield endpoints.redis_url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of it that may do anything."""
    async with Redis.from_url(redis_url) as client:
        yield client
        await client.config_set("maxmemory", "256mb")
        await client.config_set("maxmemory-policy", "volatile-lru")


@pytest.fixture
async def model() -> AsyncIterator[FakeTgi]:
    """A model that says what the document says."""
    async with FakeTgi(text=SAID) as fake:
        yield fake


@pytest.fixture
async def tei() -> AsyncIterator[FakeTei]:
    """An embedder whose vectors mean something."""
    async with FakeTei(to_vector=Bag().vector) as fake:
        yield fake


@asynccontextmanager
async def opened(
    urls: Urls, home: Path, redis_url: str, model: FakeTgi, tei: str, *, rewrite: bool = False
) -> AsyncIterator[Vocero]:
    """A bot on these parts, taught if it can be."""
    settings = read_settings(
        home=home,
        database_url=urls.application,
        redis_url=redis_url,
        model_url=model.url,
        embedding_url=tei,
        embedded_without="redis",
        rewrite=rewrite,
    )
    async with open_vocero(settings, say=lambda _: None) as vocero:
        yield vocero


async def taught(vocero: Vocero) -> None:
    """Teach the one document."""
    learned = await vocero.bot.learn(to_pasted(TEXT), Place(workspace=W))
    assert learned.state in (State.INDEXED, State.UNCHANGED), learned.reason


async def ask(vocero: Vocero, text: str = ASKED, *, cached: bool = False, conversation: str = "") -> Answer:
    """Ask and return the answer."""
    question = Question(text=text, workspace=W, cached=cached, conversation=conversation)
    async with aclosing(vocero.bot.answer(question)) as events:
        return [event.answer async for event in events if isinstance(event, Done)][-1]


async def test_an_embedder_that_is_down_at_the_start_stops_nothing(
    urls: Urls, tmp_path: Path, redis_url: str, model: FakeTgi, tei: FakeTei
) -> None:
    """The bot starts and says so, answers by words and says so, and uses the embedder as soon as it is there."""
    async with opened(urls, tmp_path, redis_url, model, tei.url) as vocero:
        await taught(vocero)
        assert vocero.notes == ()
    absent = FakeTei(to_vector=Bag().vector)
    async with absent:
        pass  # its port is known now, and nobody listens
    async with opened(urls, tmp_path, redis_url, model, absent.url) as vocero:
        assert any("searched by words only" in note for note in vocero.notes)
        answer = await ask(vocero)
        assert (answer.outcome, answer.text) == (Outcome.ANSWERED, "Refunds take five working days. [1]")
        [note] = answer.notes
        assert note.startswith("Searched by words only: The embedding server cannot be reached")
        assert (
            (await ask(vocero, "¿Cuántos días tardan los refunds, en working days?"))
            .notes[0]
            .startswith("He buscado solo por palabras")
        )
        failed = await vocero.bot.learn(to_pasted("A new fact about stoves."), Place(workspace=W))
        assert failed.state is State.FAILED
        async with FakeTei(port=absent.port, to_vector=Bag().vector):
            await asyncio.sleep(OPEN)
            learned = await vocero.bot.learn(to_pasted("A new fact about stoves."), Place(workspace=W))
            assert learned.state is State.INDEXED, learned.reason
            answer = await ask(vocero)
            assert (answer.outcome, answer.notes) == (Outcome.ANSWERED, ())
        assert (await ask(vocero)).notes[0].startswith("Searched by words only")


async def test_an_embedder_that_will_never_do_is_said_at_the_start(
    urls: Urls, tmp_path: Path, redis_url: str, model: FakeTgi
) -> None:
    """A server that serves something else is a wrong setting, not a moment's trouble."""
    async with FakeTei(kind="reranker") as wrong:
        with pytest.raises(EmbedderDown, match="does not serve embeddings"):
            async with opened(urls, tmp_path, redis_url, model, wrong.url):
                pass


async def test_a_model_that_goes_leaves_the_documents_to_speak(
    urls: Urls, tmp_path: Path, redis_url: str, tei: FakeTei
) -> None:
    """The answer is quoted and says why; it is not kept, so that the model is asked again when it is back."""
    fake = FakeTgi(text=SAID)
    async with fake, opened(urls, tmp_path, redis_url, fake, tei.url) as vocero:
        await taught(vocero)
        assert (await ask(vocero)).outcome is Outcome.ANSWERED
        await fake._runner.cleanup()
        other = "Refunds take how many working days?"  # nothing is kept of this one
        answer = await ask(vocero, other, cached=True)
        assert (answer.outcome, answer.text) == (Outcome.EXTRACTIVE, "“Refunds take five working days.” [1]")
        assert "language model is not answering" in answer.notes[0]
        async with FakeTgi(text=SAID, port=fake.port):
            assert (await ask(vocero, other, cached=True)).outcome is Outcome.ANSWERED


@pytest.mark.parametrize("trouble", ["killed", "silent", "flushed", "full"])
async def test_redis_may_go_in_any_way(
    urls: Urls, tmp_path: Path, redis_url: str, redis: Redis, model: FakeTgi, tei: FakeTei, trouble: str
) -> None:
    """Answers and follow-ups go on, since conversations are in Postgres; nothing is said, since nothing is missing."""
    pipe = Pipe(redis_url)
    async with pipe, opened(urls, tmp_path, pipe.url, model, tei.url) as vocero:
        await taught(vocero)
        before = await ask(vocero, cached=True, conversation=trouble)
        assert before.outcome is Outcome.ANSWERED
        await getattr(pipe, trouble)(redis)
        for _ in range(2):
            again = await ask(vocero, cached=True, conversation=trouble)
            assert (again.outcome, again.text, again.notes) == (Outcome.ANSWERED, before.text, ())
        follow = await ask(vocero, "and how many for those?", conversation=trouble)
        assert follow.understood == f"{ASKED} and how many for those?"
        assert follow.notes == ()


class Pipe:
    """What stands between the bot and Redis, and may be cut or stopped up."""

    def __init__(self, redis_url: str) -> None:
        self._credentials, _, self._target = redis_url.removesuffix("/0").rpartition("@")
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Pipe":
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.url = f"{self._credentials}@127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.killed(None)

    async def killed(self, _: object) -> None:
        """Refuse connections and drop those there are."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def silent(self, _: object) -> None:
        """Accept everything and answer nothing."""
        self._open.clear()

    async def flushed(self, redis: Redis) -> None:
        """Lose everything."""
        await redis.flushall()

    async def full(self, redis: Redis) -> None:
        """Take no write any more."""
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("maxmemory", "1")

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._target.partition(":")
        theirs = await asyncio.open_connection(host, int(port))
        ways = [self._carry(reader, theirs[1]), self._carry(theirs[0], writer)]
        self._tasks |= {asyncio.create_task(way) for way in ways}

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while block := await reader.read(65_536):
                await self._open.wait()
                writer.write(block)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


async def test_a_conversation_that_cannot_be_read_is_said(
    urls: Urls, tmp_path: Path, redis_url: str, redis: Redis, model: FakeTgi, tei: FakeTei
) -> None:
    """The question is answered as it stands, and the asker is told that nothing before it was seen."""
    async with opened(urls, tmp_path, redis_url, model, tei.url) as vocero:
        await taught(vocero)
        await ask(vocero, conversation="locked")
        await redis.flushall()
        async with await AsyncConnection.connect(urls.admin) as admin:
            await admin.execute("lock table vocero.turn in access exclusive mode")
            answer = await ask(vocero, conversation="locked")
            await admin.rollback()
        assert answer.outcome is Outcome.ANSWERED
        assert answer.notes == ("I cannot see what was said before in this conversation right now.",)
        assert (await ask(vocero, conversation="locked")).notes == ()


async def test_without_postgres_there_is_a_sentence(
    tmp_path: Path, redis_url: str, model: FakeTgi, tei: FakeTei
) -> None:
    """The asker is told what is down, at once and every time; when it is back the answer comes."""
    with Server(settings={"synchronous_commit": "on", "full_page_writes": "on"}) as server:  # it keeps what it said
        urls = server.database()
        await migrate(urls.admin, APPLICATION)
        async with opened(urls, tmp_path, redis_url, model, tei.url) as vocero:
            await taught(vocero)
            server.stop()
            for _ in range(2):
                answer = await ask(vocero, conversation="down")
                assert answer.outcome is Outcome.FAILED
                assert answer.text.startswith("The database")
            server.start()
            async with asyncio.timeout(60):
                while (await ask(vocero)).outcome is not Outcome.ANSWERED:  # noqa: ASYNC110 - no event tells
                    await asyncio.sleep(0.2)


class Rewording(FakeTgi):
    """A model that can also say what a follow-up means."""

    @override
    def says(self, body: dict[str, Any]) -> str:
        asked = body["messages"][-1]["content"]
        return "How many working days do refunds take to a card?" if "The last question" in asked else self.text


async def test_a_follow_up_is_understood_in_the_models_words(
    urls: Urls, tmp_path: Path, redis_url: str, tei: FakeTei
) -> None:
    """With VOCERO_REWRITE: shown to the asker, and without it the rule's wording is."""
    async with Rewording(text=SAID) as model:
        for rewrite, shown in (
            (True, "How many working days do refunds take to a card?"),
            (False, f"{ASKED} And to a card?"),
        ):
            async with opened(urls, tmp_path, redis_url, model, tei.url, rewrite=rewrite) as vocero:
                await taught(vocero)
                await ask(vocero, conversation=f"talk/{rewrite}")
                answer = await ask(vocero, "And to a card?", conversation=f"talk/{rewrite}")
                assert (answer.outcome, answer.understood) == (Outcome.ANSWERED, shown)
