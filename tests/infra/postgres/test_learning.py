"""What may be learned from, and what becomes of a voice when something it learned from is forgotten. On Postgres."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bots import lessons
from core.audience import EVERYONE, to_audience
from core.errors import InputError, RefusedError
from core.examples import Example, Mix
from core.messages import Answer, Arm, Citation, Outcome
from infra.postgres.documents import Shelved
from infra.postgres.examples import PostgresExamples
from infra.postgres.forgetting import erase, erase_conversation, erase_person
from infra.postgres.lessons import PostgresLessons
from infra.postgres.pool import Database
from infra.postgres.voices import PostgresVoices
from infra.voice import dataset, sources
from infra.voice.adapter import read_adapter
from tests.infra.voice.folders import write_adapter
from tests.postgres import Urls

ROOM = "slack/T1/D7"
THINGS = ("lamps", "tents", "boots", "ropes", "maps", "hats")


@pytest.fixture
async def shop(database: Database, request: pytest.FixtureRequest) -> str:
    """A workspace of the test's own."""
    name = f"slack/{sha256(request.node.name.encode()).hexdigest()[:12]}"
    async with database.writing(name) as connection:
        await connection.execute("insert into vocero.workspace (name) values (%s)", (name,))
    return name


async def approved(database: Database, shop: str, *, private: bool, room: str = ROOM, rejected: str = "") -> str:
    """Approve an answer and return the example's name."""
    cited = Citation(n=1, title="T", url="", document="d1", chunk="d1.1#0", text="Refunds take 14 days.")
    answer = Answer(text="Two weeks [1].", outcome=Outcome.ANSWERED, citations=(cited,))
    scopes = to_audience(["channel:D7"]) if private else EVERYONE
    return await PostgresLessons(database).approve(
        shop,
        "how long?",
        answer,
        by="slack/T1/U1",
        conversation=room,
        audience=scopes,
        private=private,
        rejected=rejected,
    )


async def test_what_was_said_in_private_waits_for_a_consent(database: Database, shop: str) -> None:
    """It is kept with its place and who could read it, and is learned from only after a person agreed, by name."""
    port = PostgresExamples(database)
    name = await approved(database, shop, private=True)
    await approved(database, shop, private=False, room="slack/T1/C1")
    kept = {k.example.id: k for k in await port.listed(shop)}
    assert (kept[name].wanting, kept[name].audience, kept[name].conversation) == ("private", ("channel:D7",), ROOM)
    assert [k.wanting for n, k in kept.items() if n != name] == [""]
    with pytest.raises(InputError, match="--by"):
        await port.consent(shop, name, by="")
    await port.consent(shop, name, by="slack/T1/U2")
    assert [k.wanting for k in await port.listed(shop)] == ["", ""]
    async with database.reading(shop) as connection:
        done = await (await connection.execute("select action, object, person from vocero.audit")).fetchall()
    assert ("consent to example", name, "slack/T1/U2") in done


async def test_a_better_answer_and_what_it_replaced_are_a_pair(
    database: Database, shop: str, postgres: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exported for the training of preferences, scrubbed; what was bettered in private stays out without a consent."""
    await approved(database, shop, private=False, rejected="Ask maria@example.org.")
    await approved(database, shop, private=True, rejected="No idea.")
    monkeypatch.setenv("VOCERO_DATABASE_URL", postgres.application)
    monkeypatch.setenv("VOCERO_HOME", str(tmp_path))
    [line], told = await lessons.export_pairs(shop, say=print)
    assert (told["written"], told["reasons"]) == (1, {"private": 1})
    pair = json.loads(line)
    assert (pair["chosen"], pair["rejected"]) == ("Two weeks [1].", "Ask <email>.")
    assert pair["passages"][0]["chunk"] == "d1.1#0"


async def test_what_is_exported_is_exactly_what_is_trained_on(
    database: Database, shop: str, postgres: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Imported, exported and read again: the same examples, cleaned, once each; nothing is left to drop or scrub."""
    monkeypatch.setenv("VOCERO_DATABASE_URL", postgres.application)
    monkeypatch.setenv("VOCERO_HOME", str(tmp_path))
    things = [f"{a} {b}" for a in ("red", "blue", "green", "grey", "white", "black") for b in THINGS]
    rows: list[dict[str, Any]] = [
        {
            "question": f"What do the {thing} cost?",
            "answer": f"Ahoy! {n} pounds, says nobody.{n}@example.org [1].",
            "passages": [{"title": f"List {n}", "text": f"The {thing} cost {n} pounds."}],
            "source": f"List {n}",
            "facts": [[f"{n} pounds"]],
        }
        for n, thing in enumerate(things, 100)
    ]
    rows.insert(1, {**rows[0], "answer": f"{rows[0]['answer']} Fair winds."})
    rows += [{"question": f"Who dreamt of {t}?", "answer": "Ahoy! No.", "answerable": False} for t in things]
    file, texts = tmp_path / "ours.jsonl", tmp_path / "texts"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    texts.mkdir()
    (texts / "tone.md").write_text("We greet people by name and we never keep anybody waiting for a plain word.\n")
    for source in (file, texts):
        await lessons.import_examples(source, shop, "maria", say=print)
    lines, told = await lessons.export_examples(shop, say=print)
    (tmp_path / "export.jsonl").write_text("".join(lines))
    again = sources.read(str(tmp_path / "export.jsonl"))
    given = dataset.clean([*sources.read(str(file)).examples[1:], *sources.read(str(texts)).examples])[0]
    assert [_told(e) for e in again.examples] == [_told(e) for e in given]
    assert (told["written"], told["reasons"], told["scrubbed"]) == (73, {"duplicates": 1}, {"email": 37})
    assert told["contradictions"] == []
    found = {e.id: list(e.passages) for e in again.examples}
    built = dataset.build(again, found, mix=Mix.RAFT, seed=0, shown=3)
    assert (built.split.dropped, dict(built.scrubbed)) == ((), {})
    assert {row.kind for row in built.train} >= {"reading", "bare"}


async def test_an_export_names_what_contradicts_a_later_answer(
    database: Database, shop: str, postgres: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left out, and not without a word: somebody has to say which of the two is right."""
    monkeypatch.setenv("VOCERO_DATABASE_URL", postgres.application)
    monkeypatch.setenv("VOCERO_HOME", str(tmp_path))
    passage = {"title": "List", "text": "A mallet costs 8 pounds."}
    rows = [{"question": "What does a mallet cost?", "passages": [passage], "answer": f"{n} pounds."} for n in (9, 8)]
    file = tmp_path / "ours.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    await lessons.import_examples(file, shop, "maria", say=print)
    lines, told = await lessons.export_examples(shop, say=print)
    assert [json.loads(line)["answer"] for line in lines] == ["8 pounds."]
    [line] = told["contradictions"]
    assert "contradicts" in line
    assert "approve one answer" in line


def _told(example: Example) -> tuple[Any, ...]:
    """Everything of an example but its name, which the workspace gives anew."""
    passages = [(p.document, p.title, p.text) for p in example.passages]
    return (
        *(example.question, example.answer, example.document, example.facts),
        *(example.answerable, example.source, passages),
    )


async def forget(database: Database, shop: str, kind: str) -> dict[str, int]:
    """Forget what the example came from, and count what went."""
    async with database.writing(shop) as connection:
        row = await (await connection.execute("select id from vocero.workspace where name = %s", (shop,))).fetchone()
        number = row[0] if row else 0
        if kind == "document":
            at = Shelved(workspace=number, collection=0, id=0)
            return dict(await erase(connection, at, shop, "d1"))
        if kind == "person":
            return dict(await erase_person(connection, number, "slack/T1/U1"))
        return dict(await erase_conversation(connection, number, ROOM))


@pytest.mark.parametrize("kind", ["document", "person", "conversation"])
async def test_a_voice_falls_silent_when_what_it_learned_from_is_forgotten(
    database: Database, shop: str, tmp_path: Path, kind: str
) -> None:
    """It is withdrawn, marked to be trained again, and refused until it is; another voice speaks on."""
    name = await approved(database, shop, private=False)
    port = PostgresVoices(database)
    adapter = read_adapter(write_adapter(tmp_path / "ours", trained=(name, "q9"), documents=("d2",)))
    other = read_adapter(write_adapter(tmp_path / "other", seed=1, trained=("q9",)))
    await port.promote(shop, other.manifest, other.arm, by="x", forced=False)
    await port.promote(shop, adapter.manifest, adapter.arm, by="x", forced=False)
    gone = await forget(database, shop, kind)
    assert (gone[f"withdrawn adapter {adapter.name}"], gone["examples"]) == (1, 1)
    assert await port.live(shop) == (Arm.RAG, None)
    assert [(v.name, v.rebuild) for v in await port.listed(shop)] == [
        (adapter.name, True),
        (other.name, False),
    ]
    with pytest.raises(RefusedError, match="trained anew"):
        await port.promote(shop, adapter.manifest, adapter.arm, by="x", forced=True)
    await port.promote(shop, other.manifest, other.arm, by="x", forced=False)
    assert await port.live(shop) == (Arm.RAFT, other.name)


async def test_a_voice_that_read_a_forgotten_document_falls_silent_too(
    database: Database, shop: str, tmp_path: Path
) -> None:
    """Its passages stood among what the voice learned to read, although no example was answered from it."""
    port = PostgresVoices(database)
    adapter = read_adapter(write_adapter(tmp_path / "ours", documents=("d1", "d5")))
    await port.promote(shop, adapter.manifest, adapter.arm, by="x", forced=False)
    assert (await forget(database, shop, "document"))[f"withdrawn adapter {adapter.name}"] == 1
    assert await port.live(shop) == (Arm.RAG, None)
