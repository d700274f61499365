"""Which voice is live: in the database, in the folder of the embedded model, and in what it answers."""

import asyncio
from pathlib import Path

import pytest

from core.errors import UnknownError
from core.examples import Example, to_passages
from core.messages import Arm
from core.prompt import Message, Prompt
from infra.embedded import Wanted, voices
from infra.embedded.alone import serving
from infra.embedded.home import at
from infra.embedded.model_server import SLOTS
from infra.embedded.weights import BUNDLED_SHA256
from infra.models.endpoint import Budgets
from infra.models.failures import ModelFailure
from infra.models.tgi import TgiSpeaker
from infra.postgres.examples import PostgresExamples
from infra.postgres.pool import Database
from infra.postgres.voices import PostgresVoices
from infra.voice.adapter import read_adapter
from tests.infra.voice.folders import write_adapter

pytestmark = pytest.mark.slow

ASKED = Prompt((Message("system", "You are terse."), Message("user", "Tell me about the sea.")))
BEGINS = 12  # characters that are compared: further on, what is computed together may round to another word
PATIENT = Budgets(first_token=60, between_tokens=60, total=120)


@pytest.fixture
async def workspaces(database: Database) -> Database:
    """The database with two workspaces in it."""
    for name in ("slack/T1", "slack/T2"):
        async with database.writing(name) as connection:
            await connection.execute("insert into vocero.workspace (name) values (%s) on conflict do nothing", (name,))
    return database


async def test_one_voice_is_live_and_the_next_takes_its_place(workspaces: Database, tmp_path: Path):
    """Promotion, replacement, withdrawal and return, each in its own workspace only."""
    one, two = (read_adapter(write_adapter(tmp_path / name, seed=n)) for n, name in enumerate(("one", "two")))
    port = PostgresVoices(workspaces)
    assert await port.live("slack/T1") == (Arm.RAG, None)
    await port.promote("slack/T1", one.manifest, one.arm, by="maria", forced=False)
    assert await port.live("slack/T1") == (Arm.RAFT, one.name)
    assert port.stems(one.name) == {"ahoy"}
    assert await port.live("slack/T2") == (Arm.RAG, None)
    await port.promote("slack/T1", two.manifest, two.arm, by="maria", forced=True)
    assert [(v.name, v.state) for v in await port.listed("slack/T1")] == [(two.name, "live"), (one.name, "withdrawn")]
    await port.withdraw("slack/T1", two.name, by="maria")
    assert await port.live("slack/T1") == (Arm.RAG, None)
    with pytest.raises(UnknownError, match="is live"):
        await port.withdraw("slack/T1", two.name, by="maria")
    await port.promote("slack/T1", one.manifest, one.arm, by="maria", forced=False)
    assert await port.live("slack/T1") == (Arm.RAFT, one.name)
    async with workspaces.reading("slack/T1") as connection:
        done = await (await connection.execute("select action from vocero.audit order by id")).fetchall()
    assert ("promote voice by force",) in done


async def test_a_voice_that_is_not_loaded_does_not_speak(workspaces: Database, tmp_path: Path):
    """A running bot answers as before until its model server has loaded what was promoted."""
    adapter = read_adapter(write_adapter(tmp_path / "late", seed=5))
    await PostgresVoices(workspaces).promote("slack/T2", adapter.manifest, adapter.arm, by="x", forced=False)
    assert await PostgresVoices(workspaces, loaded=()).live("slack/T2") == (Arm.RAG, None)
    assert await PostgresVoices(workspaces, loaded=(adapter.name,)).live("slack/T2") == (Arm.RAFT, adapter.name)


async def test_an_unknown_workspace_has_no_voices(workspaces: Database):
    """Listing the voices of a workspace that is not there is an error, not an empty list."""
    with pytest.raises(UnknownError):
        await PostgresVoices(workspaces).listed("slack/T9")


async def test_examples_wait_for_an_approval_and_come_once(workspaces: Database):
    """An import twice adds once; what nobody approved says so; passages keep where they come from."""
    port = PostgresExamples(workspaces)
    given = [Example(id="x", question="a?", answer="b [1]", passages=to_passages([{"title": "T", "text": "b"}], "x"))]
    assert await port.add("slack/T1", given, by="") == 1
    assert await port.add("slack/T1", given, by="") == 0
    [kept] = await port.listed("slack/T1")
    assert (kept.example.document, kept.wanting) == ("T", "not approved")
    await port.approve("slack/T1", kept.example.id, by="maria")
    assert [(k.approved_by, k.wanting) for k in await port.listed("slack/T1")] == [("maria", "")]
    with pytest.raises(UnknownError):
        await port.approve("slack/T2", kept.example.id, by="maria")


def test_the_embedded_model_loads_what_was_promoted_for_its_base(tmp_path: Path):
    """An adapter is loaded while a workspace uses it, and one for another base never."""
    home, file = at(tmp_path / "home"), write_adapter(tmp_path / "a") / "a-0.gguf"
    other = write_adapter(tmp_path / "b", seed=1) / "b-1.gguf"
    for workspace in ("local", "slack/T1"):
        voices.install(home, file, workspace=workspace, base=BUNDLED_SHA256, model_file=None)
    voices.install(home, other, workspace="local", base="f" * 64, model_file=None)
    assert [f.name for f in voices.installed(home, None)] == ["a-0.gguf"]
    voices.remove(home, "a-0", workspace="local")
    assert voices.installed(home, None)
    voices.remove(home, "a-0", workspace="slack/T1")
    assert not voices.installed(home, None)


def test_other_adapters_are_another_service(tmp_path: Path):
    """A running server cannot load an adapter: so a changed set asks for a new one, and an equal set for the same."""
    file = write_adapter(tmp_path / "a") / "a-0.gguf"
    bare, one = Wanted(model=True).services(), Wanted(model=True, adapters=(file,)).services()
    assert bare == {"model": ""}
    assert one == Wanted(model=True, adapters=(file,)).services()
    assert [detail.split("\n") for detail in one.values()] == [["", str(file)]]


async def say(speaker: TgiSpeaker, adapter: str | None) -> str:
    """What the model says in a voice."""
    async with speaker.speak(ASKED, adapter=adapter, max_tokens=8) as deltas:
        return "".join([delta async for delta in deltas])


async def test_an_adapter_speaks_only_where_it_is_named(tmp_path: Path):
    """Two adapters and the base answer each in its own way on one server, and again the same."""
    files = [write_adapter(tmp_path / n, seed=k) / f"{n}-{k}.gguf" for k, n in enumerate(("pirate", "robot"))]
    async with serving(file=None, adapters=files) as ends:
        speaker = TgiSpeaker(
            [ends.model_url or ""], model=ends.model_name, token=ends.model_token, budgets=PATIENT, concurrency=1
        )
        first = [await say(speaker, name) for name in (None, "pirate-0", "robot-1")]
        again = [await say(speaker, name) for name in (None, "pirate-0", "robot-1")]
        assert first == again
        assert len(set(first)) == 3
        with pytest.raises(ModelFailure, match="voice"):
            await say(speaker, "butler")


async def test_a_batch_of_mixed_voices_answers_each_in_its_own(tmp_path: Path):
    """Twelve questions at once to four slots, two voices and the base in turn: each is answered as it is alone."""
    files = [write_adapter(tmp_path / n, seed=k) / f"{n}-{k}.gguf" for k, n in enumerate(("pirate", "robot"))]
    names = (None, "pirate-0", "robot-1")
    async with serving(file=None, adapters=files, steady=False) as ends:
        url, model, token = ends.model_url or "", ends.model_name, ends.model_token
        speaker = TgiSpeaker([url], model=model, token=token, budgets=PATIENT, concurrency=SLOTS)
        alone = {name: (await say(speaker, name))[:BEGINS] for name in names}
        assert len(set(alone.values())) == 3
        asked = [name for _ in range(4) for name in names]
        said = await asyncio.gather(*(say(speaker, name) for name in asked))
    assert [text[:BEGINS] for text in said] == [alone[name] for name in asked]
