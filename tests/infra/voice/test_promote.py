"""Promotion where the model is served elsewhere: proven before it counts, loaded where that is possible."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bots import voicing
from core.errors import InputError, ModelDown, SetupError
from core.messages import Arm
from infra.models import loading
from infra.postgres.pool import Database
from infra.postgres.voices import PostgresVoices
from infra.voice.adapter import read_adapter
from tests.fakes.tgi import FakeTgi
from tests.fakes.vllm import FakeGeneric, FakeVllm
from tests.infra.voice.folders import write_adapter
from tests.infra.voice.test_machine import write_header
from tests.postgres import Urls


def folder(at: Path) -> Path:
    """A trained folder with the files for TGI and vLLM, and a comparison that it passed."""
    made = write_adapter(at / "ours", passed=True)
    (made / "peft").mkdir(exist_ok=True)
    (made / "peft" / "adapter_config.json").write_text("{}")
    return made


async def test_vllm_takes_an_adapter_while_it_runs(tmp_path: Path):
    """It is told the name and the folder once, and proven by its own list; the second time it has it."""
    async with FakeVllm(updating=True) as fake:
        for _ in range(2):
            await loading.load([fake.url], "ours-0", folder(tmp_path) / "peft")
        told = [one.body for one in fake.seen if one.path == "/v1/load_lora_adapter"]
        assert told == [{"lora_name": "ours-0", "lora_path": str((tmp_path / "ours" / "peft").resolve())}]


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        (FakeVllm, "--lora-modules ours-0="),
        (lambda: FakeVllm(updating=True), "a path that it can read"),
        (lambda: FakeTgi(noise=0.01), "--lora-adapters ours-0="),
        (FakeGeneric, "under this name"),
    ],
    ids=["vllm that may not", "vllm that finds no folder", "tgi", "another"],
)
async def test_a_server_that_lacks_it_is_named_with_the_remedy(
    tmp_path: Path, kind: Callable[[], FakeTgi], remedy: str
):
    """Nothing is live that a server would answer as the base."""
    async with kind() as fake:
        with pytest.raises(SetupError, match=remedy):
            await loading.load([fake.url], "ours-0", tmp_path / "nowhere")


async def test_all_servers_have_to_have_it(tmp_path: Path):
    """One of two without the voice, and every second answer would be the base's; none at all: down."""
    async with FakeTgi(adapters={"ours-0": "Ahoy!"}) as good, FakeTgi() as bad:
        await loading.load([good.url], "ours-0", tmp_path)
        with pytest.raises(SetupError, match=bad.url):
            await loading.load([good.url, bad.url], "ours-0", tmp_path)
    with pytest.raises(ModelDown):
        await loading.load([good.url], "ours-0", tmp_path)


async def test_the_base_is_checked_where_its_file_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Served elsewhere or not: with VOCERO_MODEL_FILE beside the address another base is refused, before any server."""
    monkeypatch.setenv("VOCERO_MODEL_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("VOCERO_MODEL_FILE", str(write_header(tmp_path / "base.gguf")))
    monkeypatch.setenv("VOCERO_HOME", str(tmp_path / "home"))
    with pytest.raises(InputError, match="another base model"):
        await voicing.promote(str(folder(tmp_path)), "local", True, "maria", say=print)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [FakeTgi, FakeVllm])
async def test_promote_proves_it_first(
    database: Database, postgres: Urls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[FakeTgi]
):
    """A voice that its server lacks is not live; once it is loaded there, the same command makes it so."""
    where = f"slack/{kind.__name__}"
    async with database.writing(where) as connection:
        await connection.execute("insert into vocero.workspace (name) values (%s)", (where,))
    ours = folder(tmp_path)
    async with kind() as fake:
        monkeypatch.setenv("VOCERO_DATABASE_URL", postgres.application)
        monkeypatch.setenv("VOCERO_MODEL_URL", fake.url)
        monkeypatch.setenv("VOCERO_HOME", str(tmp_path / "home"))
        with pytest.raises(SetupError, match="has not loaded"):
            await voicing.promote(str(ours), where, True, "maria", say=print)
        assert await PostgresVoices(database).live(where) == (Arm.RAG, None)
        fake.adapters[read_adapter(ours).name] = "Ahoy!"
        assert "answers with it" in await voicing.promote(str(ours), where, False, "maria", say=print)
        assert await PostgresVoices(database).live(where) == (Arm.RAFT, "ours-0")
        assert json.loads((ours / "gate.json").read_text())["passed"]
        await voicing.withdraw(str(ours), where, "maria", say=print)
        assert await PostgresVoices(database).live(where) == (Arm.RAG, None)
        await voicing.promote("ours-0", where, False, "maria", say=print)
        assert await PostgresVoices(database).live(where) == (Arm.RAFT, "ours-0")
