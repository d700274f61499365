"""Conversations on real Postgres and real Redis: kept, copied, bounded, apart, and gone when forgotten."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from psycopg import AsyncConnection

from core.audience import to_audience
from core.documents import Place
from core.errors import KnowledgeDown, UnavailableError
from core.memory import CHARACTERS, TURNS
from core.messages import Answer, Citation, Outcome, Question
from infra.embedded import Wanted, join
from infra.memory import Conversations, NoMemory
from infra.postgres.documents import open_place
from infra.postgres.pool import Database
from infra.postgres.turns import PostgresTurns
from infra.postgres.upkeep import upkeep
from infra.redis.store import RedisStore
from infra.redis.turns import RedisTurns
from tests.postgres import Urls

WORKSPACES = ("slack/T1", "slack/T2")


@pytest.fixture(scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisStore]:
    """Return a client of a real Redis."""
    async with join(tmp_path_factory.mktemp("redis"), Wanted(redis=True)) as endpoints:
        assert endpoints.redis_url
        async with RedisStore(endpoints.redis_url) as opened:
            yield opened


@pytest.fixture
async def turns(database: Database) -> PostgresTurns:
    """Return the truth, for two workspaces."""
    for workspace in WORKSPACES:
        async with database.writing(workspace) as connection:
            await open_place(connection, Place(workspace=workspace))
    return PostgresTurns(database)


@pytest.fixture
def memory(turns: PostgresTurns, store: RedisStore) -> Conversations:
    """Return a memory with its copies."""
    return Conversations(turns, RedisTurns(store))


def question(text: str = "How long?", **more: object) -> Question:
    """Return a question of a conversation in slack/T1."""
    base = Question(text=text, workspace="slack/T1", user="slack/T1/U1", conversation="slack/T1/C1/1")
    return replace(base, **more)  # type: ignore[arg-type]


def answer(text: str = "14 days. [1]", document: str = "d1") -> Answer:
    """Return an answer that cites one document."""
    cited = Citation(n=1, title="Refunds", url="", document=document, chunk=f"{document}.1#0", text="14 days.")
    return Answer(text=text, outcome=Outcome.EXTRACTIVE, citations=(cited,))


async def texts(memory: Conversations, asked: Question) -> list[str]:
    """Return what is remembered of a question's conversation."""
    return [turn.text for turn in await memory.recall(asked)]


async def test_a_conversation_is_recalled_in_order_from_either_store(
    memory: Conversations, turns: PostgresTurns, store: RedisStore
) -> None:
    """Postgres alone, the copy made from it, and the copy that grew say the same; every turn is bounded."""
    asked, alone = question(conversation="order"), Conversations(turns)
    for n in range(4):
        await memory.remember(replace(asked, text=f"question {n}"), answer(f"answer {n}"))
        said = [text for m in range(n + 1) for text in (f"question {m}", f"answer {m}")]
        assert await texts(memory, asked) == await texts(memory, asked) == await texts(alone, asked) == said
    assert await store.insist(lambda r: r.ttl(_key(asked))) > 0
    assert [t.who for t in await memory.recall(asked)] == ["user", "bot"] * 4
    for n in range(TURNS):
        await memory.remember(replace(asked, text=f"{n} " + "x" * 5_000), answer(f"answer {n}"))
    copy = await RedisTurns(store).read(asked)
    assert len(copy.turns) == len(await turns.read(asked)) == TURNS
    assert copy.turns == await turns.read(asked)
    assert max(len(kept.turn.text) for kept in copy.turns) == CHARACTERS
    assert (await memory.recall(asked))[0].who == "summary"


def _key(asked: Question) -> str:
    from infra.redis.turns import _keys

    return _keys(asked)[0]


async def test_what_was_meant_is_kept_beside_what_was_said(memory: Conversations) -> None:
    """A follow-up comes back with the question it was understood as."""
    asked = question("and stoves?", conversation="meant")
    await memory.remember(asked, replace(answer(), understood="How long do refunds take and stoves?"))
    assert [turn.meant for turn in await memory.recall(asked)] == ["How long do refunds take and stoves?", ""]


@pytest.mark.parametrize(
    "other",
    [
        {"audience": to_audience(["workspace", "channel:C1"])},
        {"workspace": "slack/T2"},
        {"conversation": "slack/T1/C1/2"},
        {"conversation": ""},
        {"workspace": "slack/unknown"},
    ],
    ids=["audience", "workspace", "conversation", "none", "unknown"],
)
async def test_memory_never_crosses(memory: Conversations, other: dict[str, object]) -> None:
    """Another audience, workspace or conversation remembers nothing of it, neither from the copy nor from the truth."""
    await memory.remember(question(), answer())
    await memory.remember(question(**other | {"conversation": ""}), answer())
    for _ in range(2):
        assert await memory.recall(question())
        assert await memory.recall(question(**other)) == ()


async def test_a_conversation_a_person_and_a_document_are_forgotten(memory: Conversations) -> None:
    """Each takes exactly its own turns, in every audience, copied or not, and says how many."""
    mine, yours = question(conversation="f1"), question(conversation="f1", user="slack/T1/U2")
    wide = replace(mine, audience=to_audience(["channel:C1"]))
    for asked, document in ((mine, "d1"), (yours, "d2"), (wide, "d3")):
        await memory.remember(asked, answer(document=document))
        await memory.recall(asked)
    assert await memory.forget("slack/T1", document="d2") == 2
    assert len(await memory.recall(mine)) == 2
    await memory.remember(yours, answer(document="d2"))
    assert await memory.forget("slack/T1", user="slack/T1/U2") == 2
    assert len(await memory.recall(mine)) == 2
    assert await memory.forget("slack/T2", conversation="f1") == 0
    assert await memory.forget("slack/T1", conversation="f1") == 4
    assert await memory.recall(mine) == await memory.recall(wide) == ()


async def test_a_slow_reader_puts_back_nothing_that_was_forgotten_or_said(
    memory: Conversations, turns: PostgresTurns, store: RedisStore
) -> None:
    """Who read before a forgetting or a new turn, and copies after it, leaves no copy."""
    asked, copies = question(conversation="slow"), RedisTurns(store)
    await memory.remember(asked, answer("old"))
    marks = (await copies.read(asked)).marks
    read = await turns.read(asked)
    assert marks is not None
    await memory.forget("slack/T1", conversation="slow")
    await copies.fill(asked, read, marks)
    assert await memory.recall(asked) == ()
    marks = (await copies.read(asked)).marks
    assert marks is not None
    await memory.remember(asked, answer("new"))
    await copies.fill(asked, read, marks)
    assert await texts(memory, asked) == ["How long?", "new"]


async def test_a_turn_that_redis_did_not_take_is_not_missing_later(turns: PostgresTurns, store: RedisStore) -> None:
    """A copy that fell behind is dropped and made anew from Postgres."""
    copies, asked = RedisTurns(store), question(conversation="behind")
    memory = Conversations(turns, copies)
    await memory.remember(asked, answer("one"))
    await memory.recall(asked)
    resting, store._again = store._again, asyncio.get_running_loop().time() + 3600
    await memory.remember(asked, answer("two"))
    assert await texts(memory, asked) == ["How long?", "one", "How long?", "two"]
    store._again = resting
    assert await texts(memory, asked) == ["How long?", "one", "How long?", "two"]


async def test_a_copy_that_cannot_be_read_counts_as_none(memory: Conversations, store: RedisStore) -> None:
    """Another release's copy is passed over, and the flushed one is made again."""
    asked = question(conversation="broken")
    await memory.remember(asked, answer())
    await memory.recall(asked)
    await store.insist(lambda r: r.lset(_key(asked), 0, b'{"who": 1}'))  # type: ignore[arg-type]
    assert await texts(memory, asked) == ["How long?", "14 days. [1]"]
    await store.insist(lambda r: r.flushall())
    assert await texts(memory, asked) == ["How long?", "14 days. [1]"]


async def test_turns_past_their_days_are_not_read_and_then_deleted(
    memory: Conversations, turns: PostgresTurns, database: Database, postgres: Urls
) -> None:
    """What is older than the days allowed is gone from memory at once and from the table with the next upkeep."""
    asked = question(conversation="old", user="slack/T1/Uold")
    await memory.remember(asked, answer())
    async with await AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
        await admin.execute("update vocero.turn set created = now() - interval '31 days' where conversation = 'old'")
    assert await memory.recall(asked) == ()
    await memory.remember(replace(asked, conversation="young"), answer())
    assert (await upkeep(postgres.admin)).turns == 2
    assert await turns.forget("slack/T1", user="slack/T1/Uold") == 2


async def test_the_same_exchange_counts_once(database: Database, turns: PostgresTurns) -> None:
    """A statement that is sent again, since its connection died, adds nothing."""
    values = ("slack/T1", "t-same", "once", "f", "u", [], "asked", "", "answered")
    for _ in range(2):
        await database.fetch("select vocero.remember(%s, %s, %s, %s, %s, %s, %s, %s, %s)", values)
    assert await turns.forget("slack/T1", conversation="once") == 2


async def test_without_redis_or_without_postgres(turns: PostgresTurns, postgres: Urls, store: RedisStore) -> None:
    """Without Redis nothing is missing; without Postgres what is copied is known, the rest is said to be unknown."""
    asked = question(conversation="down", text="NUL \x00 and half \ud83d")
    async with RedisStore("redis://127.0.0.1:1/0") as dead:
        half = Conversations(turns, RedisTurns(dead))
        await half.remember(asked, answer())
        assert len(await half.recall(asked)) == 2
        with pytest.raises(UnavailableError, match="Redis is not answering"):
            await half.forget("slack/T1", conversation="down")
    assert await turns.read(asked) == ()  # forgotten all the same; the copies go by themselves
    async with Database(postgres.application) as closed:
        pass
    lost = Conversations(PostgresTurns(closed), RedisTurns(store))
    await lost.remember(asked, answer())
    with pytest.raises(KnowledgeDown):
        await lost.recall(asked)
    with pytest.raises(KnowledgeDown):
        await lost.forget("slack/T1", conversation="down")


async def test_remembering_nothing_is_a_way_to_live() -> None:
    """With no days to keep anything there is nothing to recall or forget."""
    await NoMemory().remember(question(), answer())
    assert await NoMemory().recall(question()) == ()
    assert await NoMemory().forget("slack/T1", user="u") == 0
