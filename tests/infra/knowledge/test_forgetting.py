"""Forgetting is real: a marked word is in no table, no job and no key of Redis, and the receipt says how we know."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from psycopg import AsyncConnection, sql

from core.audience import EVERYONE
from core.bot import Bot
from core.chat import Exchange
from core.documents import Notice, Place, Source
from core.errors import RefusedError, UnknownError
from core.examples import Example
from core.grounding import STRICT
from core.inbox import Arrival
from core.messages import Answer, Arm, Done, Outcome, Passage, Question
from infra.embedded import Wanted, join
from infra.knowledge.engine import KnowledgeEngine
from infra.memory import Conversations
from infra.postgres.examples import PostgresExamples
from infra.postgres.exchanges import PostgresExchanges
from infra.postgres.inbox import PostgresInbox
from infra.postgres.journal import Journal
from infra.postgres.pool import Database
from infra.postgres.turns import PostgresTurns
from infra.postgres.voices import PostgresVoices
from infra.redis.answers import RedisAnswers
from infra.redis.store import RedisStore
from infra.redis.turns import RedisTurns
from tests.infra.knowledge.teaching import Company
from tests.postgres import Urls

MARK = "xylophonemark"


class NoVoices:
    """No voice adapter is live."""

    async def live(self, workspace: str) -> tuple[Arm, str | None]:
        """Return the default arm."""
        return Arm.RAG, None


@pytest.fixture(scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisStore]:
    """A client of a real Redis."""
    async with join(tmp_path_factory.mktemp("redis"), Wanted(redis=True)) as endpoints:
        assert endpoints.redis_url
        async with RedisStore(endpoints.redis_url) as opened:
            yield opened


@pytest.fixture
def company(database: Database) -> Company:
    """A workspace of its own for each test."""
    return Company(database)


@pytest.fixture
def bot(company: Company, store: RedisStore) -> Bot:
    """The bot on real Postgres and real Redis; it quotes."""
    return Bot(
        knowledge=KnowledgeEngine(company.database, company.embedder),
        librarian=company.librarian,
        embedder=company.embedder,
        memory=Conversations(PostgresTurns(company.database), RedisTurns(store)),
        cache=RedisAnswers(store),
        journal=Journal(company.database),
        voices=NoVoices(),
        guard=STRICT,
    )


async def ask(bot: Bot, company: Company, text: str, user: str = "u1", conversation: str = "c1") -> Answer:
    asked = Question(text=text, workspace=company.workspace, audience=EVERYONE, user=user, conversation=conversation)
    async with aclosing(bot.answer(asked)) as events:
        return [event.answer async for event in events if isinstance(event, Done)][-1]


async def traces(postgres: Urls, mark: str, but: tuple[str, ...] = ()) -> dict[str, int]:
    """In how many rows of which tables, ours and the queue's, any column holds the mark."""
    listed = "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    found, forms = {}, [f"%{mark}%", f"%{mark.encode().hex()}%"]  # as text, and as bytes are shown
    async with await AsyncConnection.connect(postgres.admin) as admin:
        cursor = await admin.execute(f"{listed} where n.nspname in ('vocero', 'vocero_jobs') and c.relkind = 'r'")
        for schema, table in await cursor.fetchall():
            counted = sql.SQL("select count(*) from {} t where t::text ilike any (%s)").format(
                sql.Identifier(schema, table)
            )
            row = await (await admin.execute(counted, (forms,))).fetchone()
            if row and row[0] and table not in but:
                found[table] = row[0]
    return found


async def keys(store: RedisStore, mark: str) -> list[bytes]:
    """The keys of Redis that hold the mark in their name or value."""

    async def look(redis: object) -> list[bytes]:
        found = []
        async for key in redis.scan_iter():  # type: ignore[attr-defined]
            kind = await redis.type(key)  # type: ignore[attr-defined]
            held = await (redis.lrange(key, 0, -1) if kind == b"list" else redis.get(key))  # type: ignore[attr-defined]
            if mark.encode() in (key + repr(held).encode()).lower():
                found.append(key)
        return found

    return await store.insist(look)  # type: ignore[arg-type]


async def test_a_forgotten_document_is_in_no_table_no_job_and_no_key(
    bot: Bot, company: Company, postgres: Urls, store: RedisStore
) -> None:
    """Learned, edited, submitted again, asked about and cited: afterwards only the audit knows its id."""
    await company.teach("kept.md", "The kept drum plays.")
    place = Place(workspace=company.workspace)
    source = Source(name=f"{MARK}.md", content=f"# {MARK}\n\nThe {MARK} plays at nine.".encode(), title=f"On {MARK}")
    learned = await bot.learn(source, place)
    edited = Source(name=source.name, content=f"The {MARK} plays at ten.".encode(), title=f"On {MARK}")
    await bot.learn(edited, place)
    answer = await ask(bot, company, f"The {MARK} plays at ten?")
    assert answer.outcome is Outcome.EXTRACTIVE
    again = Source(name=source.name, content=f"The {MARK} plays at noon.".encode())
    await company.librarian.submit(again, place)
    held = await traces(postgres, MARK)
    assert {"document", "data_chunk", "turn", "lexeme_count", "pending", "previous", "previous_chunk"} <= set(held)
    assert await keys(store, MARK)
    assert "procrastinate_jobs" in await traces(postgres, learned.document)

    receipt = await bot.forget("document", f"On {MARK}", workspace=company.workspace, by="test/U1")

    gone = dict(receipt.gone)
    counted = ("documents", "chunks", "jobs", "waiting contents", "earlier versions", "answer records", "turns")
    assert [gone[kind] > 0 for kind in counted] == [True] * len(counted)
    assert await traces(postgres, MARK) == {}
    assert await keys(store, MARK) == []
    assert set(await traces(postgres, learned.document)) == {"audit"}
    assert [(before > 0, after) for _, before, after in receipt.probes] == [(True, 0)]
    assert MARK not in repr(receipt)
    assert any("upkeep" in what for what in receipt.pending)
    assert (await ask(bot, company, f"The {MARK} plays at ten?")).outcome is Outcome.ABSTAINED
    assert (await bot.learn(source, place)).reason.startswith("It was forgotten on")


async def leave_traces(company: Company, person: str, conversation: str, mark: str) -> None:
    """What a person leaves besides turns and log rows: an answer's place, a verdict, an example, a gap."""
    async with company.database.writing(company.workspace) as connection:
        for statement in (
            "insert into vocero.exchange (workspace, name, message, conversation, person)"
            " select id, %(mark)s, %(mark)s, %(conversation)s, %(person)s from vocero.workspace",
            "insert into vocero.feedback (workspace, exchange, person, good)"
            " select id, %(mark)s, %(person)s, true from vocero.workspace",
            "insert into vocero.example (workspace, name, question, answer, conversation, approved_by)"
            " select id, %(mark)s, %(mark)s, %(mark)s, %(conversation)s, 'admin' from vocero.workspace",
            "insert into vocero.gap (workspace, scopes, person, conversation, question)"
            " select id, '{workspace}', %(person)s, %(conversation)s, %(mark)s from vocero.workspace",
        ):
            await connection.execute(statement, {"mark": mark, "person": person, "conversation": conversation})


async def test_a_forgotten_person_is_nowhere_and_others_stay(
    bot: Bot, company: Company, postgres: Urls, store: RedisStore
) -> None:
    """Turns, log rows, gaps, verdicts, places and examples of theirs go; another person's stay."""
    await company.teach("drum.md", "The drum plays at nine.")
    for person in ("marked-person", "other-person"):
        for _ in range(2):  # the second one finds the first, and leaves a copy in Redis
            await ask(bot, company, "When does the drum play?", user=person, conversation=f"c {person}")
        await leave_traces(company, person, f"c {person}", f"mark of {person}")
    assert await keys(store, "marked-person")
    receipt = await bot.forget("user", "marked-person", workspace=company.workspace)
    gone = dict(receipt.gone)
    assert (gone["turns"], gone["examples"], gone["feedback"], gone["gaps"], gone["answer records"]) == (4, 1, 1, 1, 2)
    assert await traces(postgres, "marked-person") == {}
    assert await keys(store, "marked-person") == []
    assert {"exchange", "feedback", "example", "gap", "answer_log"} <= set(await traces(postgres, "other-person"))
    assert await keys(store, "other-person")


async def test_a_forgotten_conversation_is_nowhere(
    bot: Bot, company: Company, postgres: Urls, store: RedisStore
) -> None:
    """All that was asked and kept in it goes, whoever asked."""
    await company.teach("drum.md", "The drum plays at nine.")
    await ask(bot, company, "When does the drum play, in-thread-mark?", conversation="thread-mark")
    await leave_traces(company, "p1", "thread-mark", "in-thread-mark")
    receipt = await bot.forget("conversation", "thread-mark", workspace=company.workspace)
    assert dict(receipt.gone)["turns"] == 2
    assert await traces(postgres, "thread-mark") == {}
    assert await traces(postgres, "in-thread-mark") == {}
    assert await keys(store, "thread-mark") == []


async def test_forgetting_what_nobody_knows_says_so(bot: Bot, company: Company) -> None:
    """An unknown document is an error; an unknown person leaves an honest receipt of zeros."""
    await company.teach("a.md", "A fact.")
    with pytest.raises(UnknownError):
        await bot.forget("document", "nothing.md", workspace=company.workspace)
    receipt = await bot.forget("user", "nobody", workspace=company.workspace)
    assert {count for _, count in receipt.gone} == {0}


def to_manifest(name: str, *trained: str) -> dict[str, object]:
    """The manifest of an adapter that was trained on these examples."""
    dataset = {"sha256": "d", "trained_on": list(trained)}
    return {"name": name, "base": {"sha256": "b"}, "file": {"sha256": name}, "dataset": dataset}


async def approved(
    company: Company, name: str, *, document: str = "", conversation: str = "", by: str = "admin"
) -> None:
    """An approved example, with its lineage."""
    async with company.database.writing(company.workspace) as connection:
        await connection.execute(
            "insert into vocero.example (workspace, name, question, answer, passages, conversation, approved_by)"
            " select id, %s, 'q', 'a', %s, %s, %s from vocero.workspace",
            (name, json.dumps([{"document": document}] if document else []), conversation, by),
        )


@pytest.mark.parametrize("kind", ["document", "user", "conversation"])
async def test_an_adapter_that_learned_from_what_is_forgotten_speaks_no_more(
    bot: Bot, company: Company, kind: str
) -> None:
    """The receipt names it, it is withdrawn and cannot be promoted again; one that learned from others stays live."""
    document = (await company.teach("a.md", "A fact.")).document
    await approved(company, "e1", document=document, conversation="c-told", by="p-told")
    await approved(company, "e2", document="another")
    voices = PostgresVoices(company.database)
    await voices.promote(company.workspace, to_manifest("warm", "e1", "e2"), Arm.RAFT, by="admin", forced=False)
    name = {"document": document, "user": "p-told", "conversation": "c-told"}[kind]
    receipt = await bot.forget(kind, name, workspace=company.workspace)
    assert dict(receipt.gone)["examples"] == 1
    assert dict(receipt.gone)["withdrawn adapter warm"] == 1
    assert any("adapter warm was trained on it" in what for what in receipt.pending)
    assert await voices.live(company.workspace) == (Arm.RAG, None)
    assert [(v.state, v.rebuild) for v in await voices.listed(company.workspace)] == [("withdrawn", True)]
    with pytest.raises(RefusedError, match="trained anew"):
        await voices.promote(company.workspace, to_manifest("warm", "e1", "e2"), Arm.RAFT, by="admin", forced=True)
    await voices.promote(company.workspace, to_manifest("calm", "e2"), Arm.RAFT, by="admin", forced=False)
    await bot.forget("conversation", "another one", workspace=company.workspace)
    assert await voices.live(company.workspace) == (Arm.RAFT, "calm")


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("/handbook/tents.md", "/handbook/tents.md"),
        ("/handbook/tents.md", "tents.md"),
        ("handbook:tents.md", "tents.md"),
        ("https://example.org/tents", "Tents"),
    ],
)
async def test_an_imported_example_goes_with_its_document_however_it_calls_that(
    bot: Bot, company: Company, name: str, called: str
) -> None:
    """By source, file name or title, at the example itself or at its passage; and the adapter that read it, too."""
    examples = PostgresExamples(company.database)
    text = "A Heron sleeps six."
    source = Source(name=name, content=text.encode(), title="Tents")
    document = (await company.librarian.learn(source, Place(workspace=company.workspace), by="admin")).document
    passage = Passage(chunk="p1", document=called, title="", url="", text=text, score=0.0, cosine=None)
    told = [
        Example(id="", question="How many sleep in a Heron?", answer="Six!", document=called),
        Example(id="", question="And who reads of it?", answer="We do!", passages=(passage,)),
        Example(id="", question="What of another?", answer="It stays!", document="other-tents.md"),
    ]
    assert await examples.add(company.workspace, told, by="admin") == 3
    voices = PostgresVoices(company.database)
    manifest = to_manifest("warm")
    manifest["dataset"] = {"sha256": "d", "trained_on": [], "documents": [called]}
    await voices.promote(company.workspace, manifest, Arm.RAFT, by="admin", forced=False)
    gone = dict((await bot.forget("document", document, workspace=company.workspace)).gone)
    assert (gone["examples"], gone["withdrawn adapter warm"]) == (2, 1)
    assert [kept.example.answer for kept in await examples.listed(company.workspace)] == ["It stays!"]


async def test_a_person_is_forgotten_where_only_their_key_says_who(bot: Bot, company: Company, postgres: Urls) -> None:
    """A delivery whose conversation is theirs alone, a remark, a notice, their name on a voice: all without it."""
    person, told = "slack/T1/U0MARKED", "slack/T1/C1/U0MARKED"
    voices = PostgresVoices(company.database)
    await company.teach("drum.md", "The drum plays at nine.")
    await voices.promote(company.workspace, to_manifest("warm"), Arm.RAFT, by=person, forced=False)
    exchanges = PostgresExchanges(company.database)
    name = await exchanges.show(company.workspace, Exchange(message="m1", conversation="c1", person="slack/T1/U2"))
    await exchanges.judge(company.workspace, name, person, good=False, why="Wrong U0MARKED.")
    inbox = PostgresInbox(company.database)
    work = await inbox.accept(Arrival(workspace=company.workspace, event_key="e1", conversation=told, payload={}))
    assert work
    await inbox.settle(work)
    notice = Notice(key="k", person=person, conversation=told, address={"user": "U0MARKED"})
    source = Source(name="b.md", content=b"A fact.")
    await company.librarian.submit_all([source], Place(workspace=company.workspace), by=person, notice=notice)
    assert {"adapter", "feedback", "inbox", "notice", "document", "pending"} <= set(await traces(postgres, "U0MARKED"))
    await bot.forget("user", person, workspace=company.workspace)
    assert set(await traces(postgres, "U0MARKED")) <= {"audit"}  # who promoted the voice
    assert await inbox.accept(work.arrival) is None  # a repeated delivery is still known


async def test_a_receipt_can_be_had_again(bot: Bot, company: Company) -> None:
    """As it was, with the counts of Redis, and without the id of a person."""
    document = (await company.teach("a.md", "A fact.")).document
    receipt = await bot.forget("document", document, workspace=company.workspace)
    kept = await company.librarian.receipt(company.workspace, "document", document)
    assert (kept.gone, kept.pending, kept.probes, kept.wiped) == (receipt.gone, receipt.pending, receipt.probes, None)
    with pytest.raises(UnknownError, match="was forgotten here"):
        await company.librarian.receipt(company.workspace, "user", document)
