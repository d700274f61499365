"""The whole bot on real servers, one of them behind a proxy that breaks."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import psycopg
import pytest

from bots.wiring import Vocero, open_vocero
from core.documents import Place, State, to_pasted
from core.errors import BotError
from core.messages import Question
from infra.embedded import Wanted, join
from infra.postgres.migrate import migrate
from infra.settings import read_settings
from tests.fakes.brain import Bag
from tests.fakes.tei import FakeTei
from tests.fakes.tgi import FakeTgi
from tests.faults.proxy import Proxy
from tests.postgres import APPLICATION, Server, Urls

SPACE = "slack/FAULTS"
TEXT = "# Refund policy\n\nRefunds take 14 days after the goods arrive. The hire desk opens at 9:30 on Saturdays."
ASKED = "How long do refunds take after the goods arrive?"
SAID = "Refunds take 14 days after the goods arrive [1]. The hire desk opens at 9:30 on Saturdays [1]."


@dataclass(frozen=True)
class Servers:
    """Where the real servers are; `ports` by dependency."""

    urls: Urls
    redis: str
    tgi: FakeTgi
    tei: FakeTei

    @property
    def ports(self) -> dict[str, int]:
        """The port of each dependency."""
        return {
            "postgres": urlsplit(self.urls.application).port or 0,
            "redis": urlsplit(self.redis).port or 0,
            "model": self.tgi.port,
            "embedder": self.tei.port,
        }


@pytest.fixture(scope="module")
async def servers(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """One of each, taught one document."""
    urls = postgres_server.database()
    await migrate(urls.admin, APPLICATION)
    async with AsyncExitStack() as stack:
        ends = await stack.enter_async_context(join(tmp_path_factory.mktemp("redis"), Wanted(redis=True)))
        assert ends.redis_url
        tgi = await stack.enter_async_context(FakeTgi(text=SAID, delay=0.03))
        found = Servers(urls, ends.redis_url, tgi, await stack.enter_async_context(FakeTei(to_vector=Bag().vector)))
        async with opened(found) as (vocero, _):
            learned = await vocero.bot.learn(to_pasted(TEXT), Place(workspace=SPACE))
            assert learned.state is State.INDEXED
        with psycopg.connect(urls.admin, autocommit=True) as admin:  # the bar was fitted on real vectors, not on ours
            admin.execute(
                "insert into vocero.bar (workspace, least, n, answered, refused)"
                " select id, 0, 1, 1, 0 from vocero.workspace where name = %s",
                (SPACE,),
            )
        yield found


@asynccontextmanager
async def opened(servers: Servers, broken: str = "") -> AsyncIterator[tuple[Vocero, Proxy]]:
    """Open the bot as `vocero run` does, with this dependency behind a proxy that is still whole."""
    ports = servers.ports
    async with Proxy(ports.get(broken, 1)) as proxy:
        given = {
            "database_url": servers.urls.application,
            "redis_url": servers.redis,
            "model_url": servers.tgi.url,
            "embedding_url": servers.tei.url,
        }
        given = {k: v.replace(f":{ports.get(broken)}", f":{proxy.port}") for k, v in given.items()}
        async with open_vocero(read_settings(**given), say=lambda _: None) as vocero:
            yield vocero, proxy


def question(conversation: str = "", **more: object) -> Question:
    """Return the question that the document answers; never from the cache."""
    base = Question(text=ASKED, workspace=SPACE, conversation=conversation, cached=False)
    return replace(base, **more)  # type: ignore[arg-type]


__all__ = ["BotError", "Servers", "opened", "question"]
