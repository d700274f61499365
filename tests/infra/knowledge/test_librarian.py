"""How documents are learned, relearned, taken away and forgotten; every learning ends in a state, with its reason."""

import asyncio
import re
from collections.abc import Sequence

import pytest
from psycopg import AsyncConnection, sql

from core.audience import EVERYONE, Audience
from core.documents import Place, Source, State
from core.errors import EmbedderDown, InputError, KnowledgeDown, UnknownError
from infra.knowledge.learning import BATCH
from infra.knowledge.librarian import Librarian
from infra.knowledge.readers.parsed import Parsed, Section
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company, Web, WordEmbedder, read_markdown, to_vector
from tests.postgres import Urls


@pytest.fixture
def company(database: Database) -> Company:
    """A workspace of its own for each test."""
    return Company(database)


async def found(company: Company, query: str, *, mode: str = "hybrid") -> list[str]:
    passages = await company.engine.retrieve(query, workspace=company.workspace, audience=EVERYONE, limit=9, mode=mode)
    return [passage.text for passage in passages.passages]


async def test_a_taught_text_is_found_and_listed(company: Company) -> None:
    """The result, the list and the search agree."""
    learned = await company.teach("tents.md", "# Tents\n\nThe Heron sleeps six.")
    (document,) = await company.librarian.documents(company.workspace)
    assert (learned.state, learned.chunks, learned.reason, learned.source) == (State.INDEXED, 1, "", "tents.md")
    assert (document.id, document.state, document.chunks, document.revision) == (learned.document, State.INDEXED, 1, 1)
    assert (document.collection, document.scope, document.added_by) == ("general", "workspace", "test/U1")
    assert document.deadline is None
    assert re.fullmatch(r"d[a-z2-7]{8}", document.id)
    assert await found(company, "heron") == ["The Heron sleeps six."]


async def test_the_same_bytes_are_no_work(company: Company) -> None:
    """Unchanged content is neither embedded nor replaced, and the edition stays; force reads it again."""
    first = await company.teach("a.md", "One fact.")
    embedded = company.embedder.embedded
    again = await company.teach("a.md", "One fact.")
    assert (again.state, again.document, again.chunks) == (State.UNCHANGED, first.document, 1)
    assert company.embedder.embedded == embedded
    assert (await company.engine.shelf(company.workspace, EVERYONE)).editions == (("general", 1),)
    forced = await company.teach("a.md", "One fact.", force=True)
    assert (forced.state, forced.document) == (State.INDEXED, first.document)
    assert (await company.engine.shelf(company.workspace, EVERYONE)).editions == (("general", 2),)


async def test_an_edit_embeds_only_what_changed(company: Company) -> None:
    """Of three sections one is new: one text is embedded, and the document keeps its id under a new revision."""
    text = "# A\n\nAlpha stays.\n\n# B\n\nBeta stays.\n\n# C\n\n{}"
    first = await company.teach("a.md", text.format("Gamma was."))
    before = company.embedder.embedded
    second = await company.teach("a.md", text.format("Delta is."))
    assert company.embedder.embedded == before + 1
    assert (second.document, second.chunks) == (first.document, 3)
    document, chunks = await company.librarian.document(company.workspace, first.document)
    assert document.revision == 2
    assert [chunk.id for chunk in chunks] == [f"{document.id}.2#{n}" for n in range(3)]
    assert await found(company, "gamma delta", mode="lexical") == ["Delta is."]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("---\n\n", "no text"),
        ("broken bytes", "damaged"),
        ("crash now", "ZeroDivisionError"),
        ("x " * 3_000_000, "6,000,000 characters"),
    ],
)
async def test_what_cannot_be_learned_fails_with_its_reason(company: Company, text: str, reason: str) -> None:
    """A failure is a state that names its reason, and the state is not left running."""
    learned = await company.teach("bad.md", text)
    (document,) = await company.librarian.documents(company.workspace)
    assert learned.state is document.state is State.FAILED
    assert reason in learned.reason
    assert document.reason == learned.reason
    assert document.deadline is None


async def test_a_failed_relearning_leaves_the_good_version_live(company: Company) -> None:
    """What was known stays known, also while the embedder is away, and the next good version replaces it."""
    await company.teach("a.md", "The old fact.")
    failed = await company.teach("a.md", "broken now")
    assert (failed.state, failed.chunks) == (State.FAILED, 1)
    assert await found(company, "fact") == ["The old fact."]
    company.embedder.error = EmbedderDown("The embedder is away: try again.")
    failed = await company.teach("a.md", "The new fact.")
    assert (failed.state, failed.reason) == (State.FAILED, "The embedder is away: try again.")
    assert await found(company, "fact", mode="lexical") == ["The old fact."]
    company.embedder.error = None
    assert (await company.teach("a.md", "The new fact.")).state is State.INDEXED
    assert await found(company, "fact") == ["The new fact."]


async def test_a_page_is_fetched_and_cited_by_its_url(company: Company) -> None:
    """A URL's passages carry it, with the anchor of their section; a page that is missing fails with the reason."""
    url = "https://docs.example/tents"
    company.web.pages[url] = b"The Wren sleeps four."

    async def read_pages(content: bytes, *, name: str, media_type: str = "") -> Parsed:
        section = Section(anchor="page=2", markdown=content.decode())
        return Parsed(title="Tents", media_type="application/pdf", sections=(section,))

    librarian = Librarian(company.database, company.embedder, fetch=company.web.fetch, parse=read_pages)
    place = Place(workspace=company.workspace)
    learned = await librarian.learn(Source(name=url, url=url), place)
    assert (learned.state, learned.title) == (State.INDEXED, "Tents")
    passages = await company.engine.retrieve("wren", workspace=company.workspace, audience=EVERYONE, limit=1)
    assert passages.passages[0].url == f"{url}#page=2"
    missing = await librarian.learn(Source(name="https://docs.example/no", url="https://docs.example/no"), place)
    assert (missing.state, "404" in missing.reason) == (State.FAILED, True)


async def test_a_title_given_wins_and_counts_as_a_change(company: Company) -> None:
    """The same bytes under another title are learned again, since the title is searched."""
    place = Place(workspace=company.workspace)
    source = Source(name="a.md", content=b"A fact.", title="Leave policy")
    assert (await company.librarian.learn(source, place)).title == "Leave policy"
    assert (await company.librarian.learn(source, place)).state is State.UNCHANGED
    renamed = Source(name="a.md", content=b"A fact.", title="Holiday policy")
    assert (await company.librarian.learn(renamed, place)).state is State.INDEXED
    assert await found(company, "holiday", mode="lexical") == ["A fact."]
    assert await found(company, "leave", mode="lexical") == []


async def test_a_collection_has_one_scope(company: Company) -> None:
    """The same collection for other readers is refused, with both scopes in the sentence."""
    await company.teach("a.md", "A fact.")
    with pytest.raises(InputError, match=r"general.*workspace.*channel:C1"):
        await company.librarian.learn(
            Source(name="b.md", content=b"B"),
            Place(workspace=company.workspace, collection="general", scope="channel:C1"),
        )


@pytest.mark.parametrize(
    ("source", "place"),
    [
        (Source(name="", content=b"x"), Place(workspace="w")),
        (Source(name="x" * 3_000, content=b"x"), Place(workspace="w")),
        (Source(name="a\x00b", content=b"x"), Place(workspace="w")),
        (Source(name="a"), Place(workspace="w")),
        (Source(name="a", content=b"x", url="https://x.example"), Place(workspace="w")),
        (Source(name="a", content=b"x"), Place(workspace="")),
        (Source(name="a", content=b"x"), Place(workspace="w w")),
        (Source(name="a", content=b"x"), Place(workspace="w" * 201)),
        (Source(name="a", content=b"x"), Place(workspace="w", scope="everything")),
        (Source(name="a", content=b"x"), Place(workspace="w", collection="c\ud800")),
    ],
)
async def test_what_makes_no_sense_is_refused_before_anything_is_written(
    company: Company, source: Source, place: Place
) -> None:
    """Names that are none, two contents or none, unknown scopes: a sentence, and no workspace is made."""
    with pytest.raises(InputError):
        await company.librarian.learn(source, place)
    with pytest.raises(UnknownError):
        await company.librarian.documents("w")


async def test_texts_may_hold_any_characters(company: Company) -> None:
    """NUL is left out of what is stored; quotes, percent signs, emoji and right-to-left text come back as they were."""
    text = "O'Reilly \\ %s {} 100% 🎉 שלום \x1f end"
    await company.teach("a.md", f"{text}\x00")
    (stored,) = await found(company, "reilly")
    assert stored == text.replace("\x1f", " ")


async def test_documents_are_named_by_id_source_or_title(company: Company) -> None:
    """The id wins over the source and the source over the title; a title that two share must be told apart."""
    place = Place(workspace=company.workspace)
    for name in ("a", "b"):
        await company.librarian.learn(Source(name=name, content=name.encode(), title="Same"), place)
    named = await company.librarian.learn(Source(name="Same", content=b"c", title="Other"), place)
    assert (await company.librarian.document(company.workspace, "Same"))[0].id == named.document
    assert (await company.librarian.document(company.workspace, "Other"))[0].id == named.document
    await company.librarian.forget(company.workspace, named.document)
    with pytest.raises(InputError, match="by its id"):
        await company.librarian.document(company.workspace, "Same")
    with pytest.raises(UnknownError, match=r"nothing\.md"):
        await company.librarian.document(company.workspace, "nothing.md")


async def test_a_list_for_an_audience_holds_what_all_may_see(company: Company) -> None:
    """A channel's documents are listed to that channel, all of them to the admin."""
    await company.teach("a.md", "A")
    await company.teach("b.md", "B", scope="channel:C1")
    listed = [
        sorted(document.source for document in await company.librarian.documents(company.workspace, audience))
        for audience in (None, EVERYONE, Audience(frozenset({"channel:C1"})))
    ]
    assert listed == [["a.md", "b.md"], ["a.md"], ["b.md"]]


async def test_unknown_workspaces_are_named_everywhere(company: Company) -> None:
    """Every command but learning refuses a workspace that nothing was added to."""
    librarian = company.librarian
    for attempt in (
        librarian.documents("nowhere"),
        librarian.document("nowhere", "a"),
        librarian.remove("nowhere", "a"),
        librarian.forget("nowhere", "a"),
    ):
        with pytest.raises(UnknownError, match="no workspace 'nowhere'"):
            await attempt


async def test_a_removed_document_is_gone_until_it_is_learned_again(company: Company) -> None:
    """No mode finds it, its words no longer count, and the same bytes come back at once without embedding."""
    await company.teach("a.md", "The quokka.")
    await company.teach("b.md", "The zebra.")
    removed = await company.librarian.remove(company.workspace, "a.md")
    assert (removed.state, removed.chunks) == (State.REMOVED, 0)
    for mode in ("hybrid", "dense", "lexical"):
        assert "The quokka." not in await found(company, "quokka", mode=mode)
    assert (await company.engine.shelf(company.workspace, EVERYONE)).chunks == 1
    before = company.embedder.embedded
    again = await company.teach("a.md", "The quokka.")
    assert (again.state, again.document) == (State.INDEXED, removed.id)
    assert company.embedder.embedded == before
    assert (await found(company, "quokka"))[0] == "The quokka."


async def test_words_are_counted_exactly_through_every_change(company: Company, postgres: Urls) -> None:
    """After learning, editing, removing and forgetting, the counts are what a recount gives, with no zero left."""
    for n in range(4):
        await company.teach(f"{n}.md", f"# Part {n}\n\nshared words and own{n} own{n}\n\n# More\n\nshared again {n}")
    await company.teach("1.md", "edited shared")
    await company.librarian.remove(company.workspace, "2.md")
    await company.librarian.forget(company.workspace, "3.md")
    counted = """select word, chunks from vocero.lexeme_count l join vocero.workspace w on w.id = l.workspace
        where w.name = %s order by 1"""
    recount = """select word, count(*)::int from vocero.data_chunk c join vocero.workspace w on w.id = c.workspace,
        unnest(tsvector_to_array(text_search_tsv)) word where w.name = %s group by word order by 1"""
    async with await AsyncConnection.connect(postgres.admin) as admin:
        kept = await (await admin.execute(counted, (company.workspace,))).fetchall()
        assert kept == await (await admin.execute(recount, (company.workspace,))).fetchall()
    assert ("edit", 1) in kept


MARK = "xylophonemark"


async def test_forgetting_leaves_no_trace_but_the_audit(company: Company, postgres: Urls) -> None:
    """A marked word in name, title, headings and text is in no column of any table; the receipt counts."""
    await company.teach("kept.md", "Kept.")
    place = Place(workspace=company.workspace)
    source = Source(name=f"{MARK}.md", content=f"# {MARK}\n\nThe {MARK} plays.".encode(), title=f"On {MARK}")
    learned = await company.librarian.learn(source, place)
    await company.librarian.learn(Source(name=source.name, content=b"revised", title=f"{MARK} 2"), place)
    assert await traces(postgres, MARK) > 0
    receipt = await company.librarian.forget(company.workspace, f"{MARK} 2", by="test/U1")
    gone = dict(receipt.gone)
    assert (gone["documents"], gone["chunks"], gone["cached vectors"]) == (1, 1, 2)
    assert receipt.pending
    assert receipt.unprovable
    assert (receipt.id, receipt.kind) == (learned.document, "document")
    assert await traces(postgres, MARK) == 0
    assert await traces(postgres, learned.document, but=("audit",)) == 0
    assert await traces(postgres, learned.document) > 0
    assert "Kept." in await found(company, "kept")


async def test_forgetting_takes_records_gaps_and_examples_that_name_the_document(
    company: Company, postgres: Urls
) -> None:
    """What cites it, what it filled and what was made of it goes; what names another document stays."""
    kept, gone = await company.teach("kept.md", "Kept."), await company.teach("gone.md", "Gone.")
    async with company.database.writing(company.workspace) as connection:
        for learned in (kept, gone):
            name = learned.document
            await connection.execute(
                "insert into vocero.answer_log (workspace, name, outcome, arm, mode, cached, language, documents)"
                " select id, %s, 'answered', 'rag', 'model', false, 'en', array[%s] from vocero.workspace",
                (f"a{name}", name),
            )
            await connection.execute(
                "insert into vocero.gap (workspace, scopes, question, filled_by)"
                " select id, '{workspace}', 'why?', %s from vocero.workspace",
                (name,),
            )
            await connection.execute(
                "insert into vocero.example (workspace, name, question, answer, passages, approved_by)"
                " select id, %s, 'q', 'a', jsonb_build_array(jsonb_build_object('document', %s::text)), 'u'"
                " from vocero.workspace",
                (f"e{name}", name),
            )
    receipt = await company.librarian.forget(company.workspace, gone.document)
    assert {("answer records", 1), ("gaps", 1), ("examples", 1)} <= set(receipt.gone)
    assert await traces(postgres, gone.document, but=("audit",)) == 0
    assert await traces(postgres, kept.document, but=("audit",)) >= 5


async def traces(postgres: Urls, mark: str, but: Sequence[str] = ()) -> int:
    """How many rows of any table hold the mark in any column."""
    async with await AsyncConnection.connect(postgres.admin) as admin:
        cursor = await admin.execute(
            "select relname from pg_class where relnamespace = 'vocero'::regnamespace and relkind = 'r'"
        )
        total = 0
        for (table,) in await cursor.fetchall():
            if table not in but:
                marked = sql.SQL("select count(*) from vocero.{} t where t::text ilike %s")
                statement = marked.format(sql.Identifier(table))
                row = await (await admin.execute(statement, (f"%{mark}%",))).fetchone()
                total += row[0] if row else 0
        return total


async def test_a_vector_that_others_need_outlives_the_forgotten_document(company: Company, postgres: Urls) -> None:
    """Two documents that hold the same text share its vector; it goes with the second."""
    for name in ("c", "d"):  # of different bytes, which splitting makes one text
        source = Source(name=name, content=f"Shared.{' ' if name == 'd' else ''}".encode(), title="T")
        await company.librarian.learn(source, Place(workspace=company.workspace))
    assert company.embedder.embedded == 1
    counted = """select count(*) from vocero.embedding_cache e join vocero.workspace w on w.id = e.workspace
        where w.name = %s"""
    left = []
    async with await AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
        for name in ("d", "c"):
            await company.librarian.forget(company.workspace, name)
            left.append(await (await admin.execute(counted, (company.workspace,))).fetchone())
    assert left == [(1,), (0,)]


async def test_what_was_forgotten_stays_away_until_forced(company: Company, postgres: Urls) -> None:
    """Neither the source nor its bytes under another name come back by themselves; force lifts it."""
    await company.teach("secret.md", "The secret fact.")
    await company.librarian.forget(company.workspace, "secret.md")
    again = await company.teach("secret.md", "Another text.")
    assert (again.state, again.document) == (State.FAILED, "")
    assert "forgotten on" in again.reason
    assert "--force" in again.reason
    assert await traces(postgres, "secret.md") == 0
    copied = await company.teach("copy.md", "The secret fact.")
    assert (copied.state, "forgotten on" in copied.reason) == (State.FAILED, True)
    assert await found(company, "secret") == []
    assert (await company.teach("secret.md", "The secret fact.", force=True)).state is State.INDEXED
    assert (await company.teach("copy.md", "The secret fact.")).state is State.INDEXED


async def test_a_stopped_learning_is_failed_and_goes_on_where_it_stood(company: Company) -> None:
    """Cancelled in its second batch, it says so; the next try embeds only the rest."""
    text = "\n\n".join(f"# Part {n}\n\nfact {n}" for n in range(BATCH + 8))
    second = asyncio.Event()

    class Stuck(WordEmbedder):
        async def embed(self, texts: Sequence[str]) -> list[list[float]]:
            if self.embedded:
                second.set()
                await asyncio.sleep(60)
            return await super().embed(texts)

    librarian = Librarian(company.database, Stuck(), fetch=Web().fetch, parse=read_markdown)
    task = asyncio.create_task(
        librarian.learn(Source(name="a.md", content=text.encode()), Place(workspace=company.workspace))
    )
    await second.wait()
    (running,) = await company.librarian.documents(company.workspace)
    assert running.state is State.RUNNING
    assert running.deadline is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (stopped,) = await company.librarian.documents(company.workspace)
    assert (stopped.state, "stopped" in stopped.reason) == (State.FAILED, True)
    assert (await company.teach("a.md", text)).state is State.INDEXED
    assert company.embedder.embedded == 8


async def test_what_outlived_its_deadline_has_failed(company: Company, postgres: Urls) -> None:
    """A learning whose process was killed shows as failed at once, and the sweep at start writes it down."""
    await company.teach("a.md", "A fact.")
    async with await AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
        late = "update vocero.document set state = 'running', deadline = now() - interval '1 s' where name = %s"
        (document,) = await company.librarian.documents(company.workspace)
        await admin.execute(late, (document.id,))
        (shown,) = await company.librarian.documents(company.workspace)
        assert (shown.state, shown.deadline) == (State.FAILED, None)
        assert "add it again" in shown.reason
        assert await company.librarian.sweep() == 1
        assert await company.librarian.sweep() == 0
        state = await (
            await admin.execute("select state from vocero.document where name = %s", (document.id,))
        ).fetchone()
    assert state == ("failed",)
    assert await found(company, "fact") == ["A fact."]


class Waiting(WordEmbedder):
    """Says when it was reached, and goes on when told."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.reached.set()
        await self.go_on.wait()
        return await super().embed(texts)


@pytest.mark.parametrize("act", ["remove", "forget"])
async def test_what_is_taken_away_while_it_is_learned_stays_away(company: Company, act: str) -> None:
    """A learning that ends after a removal or a forgetting changes nothing, and leaves no vector behind."""
    await company.teach("a.md", "The old fact.")
    waiting = Waiting()
    librarian = Librarian(company.database, waiting, fetch=Web().fetch, parse=read_markdown)
    learning = asyncio.create_task(
        librarian.learn(Source(name="a.md", content=b"The new fact."), Place(workspace=company.workspace))
    )
    await waiting.reached.wait()
    await getattr(company.librarian, act)(company.workspace, "a.md")
    waiting.go_on.set()
    assert (await learning).state is State.UNCHANGED
    assert await found(company, "fact") == []
    assert (await company.engine.shelf(company.workspace, EVERYONE)).chunks == 0


async def test_the_newest_started_learning_wins(company: Company) -> None:
    """An older learning that ends later does not overwrite a newer one."""
    waiting = Waiting()
    librarian = Librarian(company.database, waiting, fetch=Web().fetch, parse=read_markdown)
    place = Place(workspace=company.workspace)
    older = asyncio.create_task(librarian.learn(Source(name="a.md", content=b"older fact"), place))
    await waiting.reached.wait()
    assert (await company.teach("a.md", "newer fact")).state is State.INDEXED
    waiting.go_on.set()
    assert (await older).state is State.UNCHANGED
    assert await found(company, "fact") == ["newer fact"]
    (document,) = await company.librarian.documents(company.workspace)
    assert document.state is State.INDEXED


async def test_a_broken_embedder_fails_the_document_not_the_store(company: Company) -> None:
    """Vectors of a wrong length or NaN end as a failed document with a reason."""
    for vector in ([0.1, 0.2], [float("nan")] * company.embedder.dimensions):
        company.embedder.vector = vector
        learned = await company.teach("a.md", "A fact.")
        assert learned.state is State.FAILED
        assert learned.reason
    company.embedder.vector = to_vector("fact")
    assert (await company.teach("a.md", "A fact.")).state is State.INDEXED


async def test_a_dead_database_is_an_error_since_nothing_can_be_recorded() -> None:
    """The one failure that is no state."""
    closed = Database("postgresql://nobody@127.0.0.1:1/none")
    librarian = Librarian(closed, WordEmbedder(), fetch=Web().fetch, parse=read_markdown)
    with pytest.raises(KnowledgeDown):
        await librarian.learn(Source(name="a", content=b"a"), Place(workspace="w"))
