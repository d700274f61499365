"""The measure of retrieval: documents learned as an admin would, questions asked as people do."""

import pytest

from core.errors import EmbedderDown, InputError, UnavailableError
from core.followup import Asked
from core.messages import Turn
from infra.knowledge.evaluation import learn_all, rank, scores, to_asked
from infra.knowledge.judged import Judged, Query, Text
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company


def text(name: str, body: str, title: str = "") -> Text:
    return Text(id=name, title=title, text=body)


def query(asked: str, *turns: Turn, **grades: float) -> Query:
    return Query(id=asked, text=asked, turns=turns, grades=grades)


CORPUS = (
    text("tents", "# Tents\n\nWe sell tents.\n\n# More\n\nTents again.", title="Tents"),
    text("hire.csv", "We hire out stoves."),
    text("odd", "A zebra \x00 in the yard.", title="\x00\ud800"),
    text("title", "", title="Marmalade"),
    text("key", "The key is AKIA" + "IOSFODNN7EXAMPLE and the quokka knows."),
)


async def measure(company: Company, *queries: Query, mode: str = "hybrid", limit: int = 3) -> list[list[str]]:
    judged = Judged(corpus=CORPUS, queries=queries)
    shelved = await learn_all(company.librarian, judged, company.workspace)
    assert not shelved.failed
    ranked = rank(company.engine, judged, shelved, workspace=company.workspace, mode=mode, limit=limit)
    return [list(ids) async for _, ids in ranked]


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
async def test_documents_are_found_by_the_sets_own_ids_each_once(database: Database, mode: str) -> None:
    """Whatever an id looks like, without a title, with a secret or nothing but a title: each can be found."""
    asked = ("we sell tents again", "hire stoves", "zebra yard", "marmalade", "quokka key")
    found = await measure(Company(database), *(query(one) for one in asked), mode=mode)
    assert [ids[0] for ids in found] == ["tents", "hire.csv", "odd", "title", "key"]
    assert all(len(ids) == len(set(ids)) <= 3 for ids in found)


async def test_scores_are_means_under_their_usual_names(database: Database) -> None:
    """Two questions, one found first and one not at all."""
    company = Company(database)
    judged = Judged(corpus=CORPUS, queries=(query("hire stoves", **{"hire.csv": 1}), query("zebra yard", gone=1)))
    shelved = await learn_all(company.librarian, judged, company.workspace)
    ranked = rank(company.engine, judged, shelved, workspace=company.workspace, mode="hybrid", limit=10)
    means = scores([one async for one in ranked], 10)
    assert means == {"ndcg@10": 0.5, "recall@5": 0.5, "recall@10": 0.5, "mrr@10": 0.5}


def test_a_follow_up_is_asked_as_the_bot_would_ask_it() -> None:
    """What it leans on goes in front, whether or not the question itself ends the turns; what leans on none stays."""
    before = (Turn(who="user", text="How much does the tent cost?"), Turn(who="bot", text="640 pounds"))
    itself = Turn(who="user", text="And the stove?")
    expected = "How much does the tent cost? And the stove?"
    assert to_asked(query("And the stove?", *before)).text == expected
    assert to_asked(query("And the stove?", *before, itself)).text == expected
    assert to_asked(query("And the stove?", itself)) == Asked("And the stove?")
    assert (
        to_asked(query("When does the workshop open on Monday?", *before)).text
        == "When does the workshop open on Monday?"
    )


async def test_what_cannot_be_learned_is_told_with_its_reason(database: Database) -> None:
    """The rest is measured; with nothing learned there is no measure."""
    company = Company(database)
    bad = text("bad", "broken file")
    judged = Judged(corpus=(bad, CORPUS[1]), queries=(query("stoves", bad=1),))
    shelved = await learn_all(company.librarian, judged, company.workspace)
    assert [(one.source, "damaged" in one.reason) for one in shelved.failed] == [("bad", True)]
    with pytest.raises(InputError, match="damaged"):
        await learn_all(company.librarian, Judged(corpus=(bad,), queries=()), company.workspace)


async def test_a_search_without_its_embedder_is_no_measure(database: Database) -> None:
    """Words alone would pass for hybrid: the measure stops and says so."""
    company = Company(database)
    judged = Judged(corpus=CORPUS[:1], queries=(query("tents", tents=1),))
    shelved = await learn_all(company.librarian, judged, company.workspace)
    company.embedder.error = EmbedderDown("the embedder is away.")
    with pytest.raises(UnavailableError, match="no measure of hybrid search"):
        async for _ in rank(company.engine, judged, shelved, workspace=company.workspace, mode="hybrid", limit=3):
            pass


async def test_a_database_that_goes_away_ends_in_one_error(database: Database) -> None:
    """Several learnings fail at once; one sentence comes out."""
    closed = Database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(UnavailableError, match="closed"):
        await learn_all(Company(closed).librarian, Judged(corpus=CORPUS, queries=()), "w")
