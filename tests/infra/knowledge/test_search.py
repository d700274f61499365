"""What is found, by whom, and on which scale; any bytes may be asked."""

import pytest

from core.audience import EVERYONE, WORKSPACE, Audience
from core.errors import EmbedderDown, InputError, KnowledgeDown, UnknownError
from infra.knowledge.engine import KnowledgeEngine
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company, WordEmbedder, to_vector

C1 = Audience(frozenset({WORKSPACE, "channel:C1"}))
ONLY_C2 = Audience(frozenset({"channel:C2"}))


@pytest.fixture(scope="module")
async def company(database: Database) -> Company:
    """A workspace with four texts, one of them for a channel alone, and a twin that holds the same words."""
    twin = Company(database)
    await twin.teach("other.md", "# Refunds\n\nThe twin refunds in ninety days. Zebras and quokkas.")
    company = Company(database)
    await company.teach(
        "refunds.md", "# Refunds\n\nA refund takes five working days.\n\n## Tents\n\nTents are not refunded."
    )
    await company.teach("leave.md", "# Leave\n\nEveryone has twenty-five days of leave and public holidays.")
    await company.teach("zebra.md", "The zebra stands in the yard.")
    await company.teach("salaries.md", "# Salaries\n\nThe zebra budget is secret.", scope="channel:C1")
    return company


async def texts(
    company: Company, query: str, *, audience: Audience = EVERYONE, limit: int = 5, mode: str = "hybrid"
) -> list[str]:
    found = await company.engine.retrieve(query, workspace=company.workspace, audience=audience, limit=limit, mode=mode)
    return [passage.text for passage in found.passages]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
async def test_the_best_passage_comes_first(company: Company, mode: str) -> None:
    """In every mode the passage that says it leads, and the limit holds."""
    found = await texts(company, "how many working days takes a refund?", mode=mode, limit=2)
    assert found[0] == "A refund takes five working days."
    assert len(found) == 2


async def test_a_passage_tells_where_it_stands(company: Company) -> None:
    """Title, path, document, chunk and revision are those of what was taught."""
    found = await company.engine.retrieve("tents refunded", workspace=company.workspace, audience=EVERYONE, limit=1)
    (passage,) = found.passages
    document, chunks = await company.librarian.document(company.workspace, "refunds.md")
    assert (passage.text, passage.path) == ("Tents are not refunded.", ("Refunds", "Tents"))
    assert (passage.document, passage.title, passage.revision) == (document.id, "refunds.md", 1)
    assert passage.chunk == chunks[1].id == f"{document.id}.1#1"


async def test_title_and_headings_are_found_though_the_text_lacks_them(company: Company) -> None:
    """A word that stands only in the heading finds the text below it."""
    assert await texts(company, "salaries", audience=C1, mode="lexical", limit=1) == ["The zebra budget is secret."]
    assert await texts(company, "leave.md", mode="lexical", limit=1) == [
        "Everyone has twenty-five days of leave and public holidays."
    ]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
async def test_no_query_path_reaches_the_twin_or_another_channel(company: Company, mode: str) -> None:
    """With a limit that would hold everything, only what all readers may see comes back."""
    everyone = await texts(company, "zebra quokkas refund", mode=mode, limit=50)
    assert "The zebra stands in the yard." in everyone
    assert not [text for text in everyone if "twin" in text or "secret" in text]
    assert "The zebra budget is secret." in await texts(company, "zebra", audience=C1, mode=mode, limit=50)
    assert await texts(company, "zebra", audience=ONLY_C2, mode=mode, limit=50) == []


async def test_every_hybrid_row_has_its_cosine_and_it_is_exact(company: Company) -> None:
    """Rows that only the words found are measured, too: the gate has one scale."""
    company = Company(company.database)
    lines = "\n\n".join(f"# Part {n}\n\nfiller number {n}" for n in range(60))
    await company.teach("many.md", f"{lines}\n\n# Last\n\nxylophone")
    company.embedder.vector = to_vector("filler number part many.md")  # near all but the one that the word finds
    found = (
        await company.engine.retrieve("xylophone", workspace=company.workspace, audience=EVERYONE, limit=50)
    ).passages
    assert "xylophone" in [passage.text for passage in found]
    for passage in found:
        stored = to_vector(f"many.md › {' › '.join(passage.path)}\n{passage.text}")
        exact = sum(a * b for a, b in zip(stored, company.embedder.vector, strict=True))
        assert passage.cosine == pytest.approx(exact, abs=2e-3)  # halfvec keeps 11 bits


async def test_a_hybrid_score_is_the_mean_of_both_stretched_scores(company: Company) -> None:
    """Each search is stretched to 0 to 1 over the candidates of both: how far one stands above the next counts."""
    query, retrieve = "how many days of leave for a zebra?", company.engine.retrieve
    by = {}
    for mode in ("dense", "lexical", "hybrid"):
        found = await retrieve(query, workspace=company.workspace, audience=EVERYONE, limit=50, mode=mode)
        by[mode] = {passage.chunk: passage.score for passage in found.passages}
    assert 1 < len(by["lexical"]) < len(by["dense"])
    points = {chunk: by["lexical"].get(chunk, 0.0) for chunk in by["dense"]}
    expected = {chunk: (_stretched(by["dense"], chunk) + _stretched(points, chunk)) / 2 for chunk in points}
    assert by["hybrid"] == pytest.approx(expected, abs=1e-6)
    assert list(by["hybrid"].values()) == sorted(by["hybrid"].values(), reverse=True)


def _stretched(scores: dict[str, float], chunk: str) -> float:
    low, high = min(scores.values()), max(scores.values())
    return (scores[chunk] - low) / (high - low)


async def test_a_rare_word_outweighs_common_ones(database: Database) -> None:
    """The first document of a workspace counts at once, and idf decides from the second on."""
    company = Company(database)
    await company.teach("one.md", "The price of the tent.")
    assert await texts(company, "tent", mode="lexical") == ["The price of the tent."]
    for n in range(12):
        await company.teach(f"{n}.md", f"The price list, page {n}, with every price and price tag.")
    await company.teach("rare.md", "Quokka insurance.")
    assert (await texts(company, "price of quokka price price", mode="lexical", limit=1)) == ["Quokka insurance."]


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "\x00",
        "\x00\x00refund",
        "\ud83d",
        "x" * 100_000,
        "refund " * 20_000,
        "the of and",
        "🎉",
        "犬",
        "ไทย",
        "؟كم يوما",
        "'; drop table vocero.document; --",
        ":foo",
        "O'Reilly",
        "%s %d {}",
        "\\",
        "a & | ! <-> b:*",
        '"unclosed',
    ],
)
@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
async def test_any_bytes_may_be_asked(company: Company, query: str, mode: str) -> None:
    """Nothing breaks, nothing comes from the twin, and the next question works."""
    assert not [text for text in await texts(company, query, mode=mode) if "twin" in text]
    assert await texts(company, "zebra yard", mode=mode, limit=1) == ["The zebra stands in the yard."]


async def test_only_stop_words_find_nothing_by_words(company: Company) -> None:
    """No lexeme, no match: not everything."""
    assert await texts(company, "the of and", mode="lexical") == []


async def test_scripts_without_spaces_are_found_by_pairs(database: Database) -> None:
    """A question in Japanese or Thai finds the sentence that shares its characters' pairs."""
    company = Company(database)
    await company.teach("ja.md", "返金は五日以内に行われます。")
    await company.teach("th.md", "การคืนเงินใช้เวลาห้าวัน")
    await company.teach("en.md", "Refunds take five days.")
    assert await texts(company, "返金はいつですか", mode="lexical", limit=1) == ["返金は五日以内に行われます。"]
    assert await texts(company, "คืนเงิน", mode="lexical", limit=1) == ["การคืนเงินใช้เวลาห้าวัน"]


@pytest.mark.parametrize("error", [EmbedderDown("the embedder is away."), TimeoutError()])
async def test_without_an_embedder_words_alone_answer_and_say_so(company: Company, error: Exception) -> None:
    """The degraded rung: full text, no cosine, one sentence."""
    engine = KnowledgeEngine(company.database, WordEmbedder(error=error))
    found = await engine.retrieve("zebra yard", workspace=company.workspace, audience=EVERYONE, limit=1)
    assert [passage.text for passage in found.passages] == ["The zebra stands in the yard."]
    assert found.passages[0].cosine is None
    assert "embedder" in found.degraded


async def test_another_model_never_meets_these_vectors(company: Company) -> None:
    """Questions embedded by a model that the documents were not: words only, and the remedy is said."""
    engine = KnowledgeEngine(company.database, WordEmbedder(name="others@1"))
    found = await engine.retrieve("zebra yard", workspace=company.workspace, audience=EVERYONE, limit=1)
    assert found.passages[0].cosine is None
    assert "vocero reindex" in found.degraded


async def test_an_unknown_workspace_is_named(company: Company) -> None:
    """Asking or listing what was never taught is an error, not an empty answer."""
    with pytest.raises(UnknownError, match="no workspace 'nowhere'"):
        await company.engine.retrieve("x", workspace="nowhere", audience=EVERYONE, limit=1)
    with pytest.raises(UnknownError, match="no workspace 'nowhere'"):
        await company.engine.shelf("nowhere", EVERYONE)


async def test_an_unknown_mode_is_refused(company: Company) -> None:
    """The sentence names the three that exist."""
    with pytest.raises(InputError, match="hybrid, dense or lexical"):
        await texts(company, "x", mode="magic")


async def test_a_limit_of_nothing_finds_nothing(company: Company) -> None:
    """Zero and fewer ask for no passage."""
    assert await texts(company, "zebra", limit=0) == []


async def test_the_shelf_shows_what_may_be_read(company: Company) -> None:
    """Editions and chunks are those of the collections whose scope every reader holds."""
    everyone = await company.engine.shelf(company.workspace, EVERYONE)
    channel = await company.engine.shelf(company.workspace, C1)
    assert everyone.editions == (("general", 3),)
    assert everyone.chunks == 4
    assert channel.editions == (("channel:C1", 1), ("general", 3))
    assert channel.chunks == 5
    assert (await company.engine.shelf(company.workspace, ONLY_C2)).chunks == 0


async def test_a_room_s_collections_only_ever_take_away(database: Database) -> None:
    """Named collections are all that is searched and counted; naming one whose scope is not held opens nothing."""
    company = Company(database)
    await company.teach("z.md", "The zebra is everywhere.", scope="channel:C9")
    await company.teach("a.md", "# Zebras\n\nThe zebra stands in the yard.", to="yard")
    await company.teach("b.md", "# Zebras\n\nThe zebra sleeps in the house.", to="house")
    await company.teach("c.md", "# Zebras\n\nThe zebra is secret.", scope="channel:C1", to="secret")
    for mode in ("hybrid", "dense", "lexical"):
        yard = Audience(frozenset({WORKSPACE}), frozenset({"yard", "secret", "nowhere"}))
        assert await texts(company, "zebra", audience=yard, mode=mode) == ["The zebra stands in the yard."]
        assert len(await texts(company, "zebra", mode=mode)) == 2  # the wish of the search before is gone
    assert (await company.engine.shelf(company.workspace, yard)).editions == (("yard", 1),)
    assert yard.fingerprint != EVERYONE.fingerprint


async def test_large_scopes_find_by_index_what_small_ones_find_exactly(database: Database) -> None:
    """Whichever way the counts choose, by scan or by index, the passages are the same."""
    company = Company(database)
    await company.teach("many.md", "\n\n".join(f"# {n}\n\nmatter{n} and matter{n + 1}" for n in range(150)))
    vector = "[" + ",".join(map(str, to_vector("matter70"))) + "]"
    find = (
        "select chunk from vocero.search(%s::halfvec, 'words@1', 'matter70', 10,"
        " exact_chunks => %s, exact_share => %s, scan_chunks => %s)"
    )
    found = []
    for exact, share, scan in ((20_000, 0.1, 2_000), (0, 0.0, 0)):
        async with database.reading(company.workspace) as connection:
            await connection.execute("select set_config('vocero.scopes', '{workspace}', true)")
            found.append(await (await connection.execute(find, (vector, exact, share, scan))).fetchall())
    assert len(found[0]) == 10
    assert found[0] == found[1]


async def test_a_closed_database_is_said(company: Company) -> None:
    """Search raises KnowledgeDown, not an empty list."""
    closed = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(KnowledgeDown):
        await KnowledgeEngine(closed, WordEmbedder()).retrieve("x", workspace="w", audience=EVERYONE, limit=1)
