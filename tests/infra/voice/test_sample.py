"""The demo's own voice: installed where it fits, kept only within its size, introduced where nobody chose before."""

import json
from pathlib import Path

import pytest

from bots import sample
from core.errors import InputError
from core.messages import Arm
from infra.embedded import voices
from infra.embedded.home import at
from infra.embedded.weights import BUNDLED_SHA256
from infra.postgres.pool import Database
from infra.postgres.voices import PostgresVoices
from infra.settings import Settings, read_settings
from infra.voice.adapter import digest, read_adapter
from tests.infra.voice.folders import write_adapter
from tests.postgres import Urls


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres: Urls) -> Settings:
    """Settings with a home of their own and the tests' database."""
    monkeypatch.setenv("VOCERO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VOCERO_DATABASE_URL", postgres.application)
    monkeypatch.setattr(sample, "FOLDER", tmp_path / "shipped")
    return read_settings()


async def test_the_shipped_voice_speaks_once_and_a_choice_stays(settings: Settings, database: Database, tmp_path: Path):
    """Kept, installed beside the model, introduced; withdrawn by hand, it is not introduced again."""
    assert sample.installed(settings, "demo") is None
    sample.keep(read_adapter(write_adapter(tmp_path / "ours", passed=True)))
    assert json.loads((sample.FOLDER / "gate.json").read_text())["passed"]
    adapter = sample.installed(settings, "demo")
    assert adapter
    assert [file.stem for file in voices.installed(at(settings.home), None)] == [adapter.name]
    async with database.writing("demo") as connection:
        await connection.execute("insert into vocero.workspace (name) values ('demo')")
    await sample.introduce(settings, adapter, "demo", say=print)
    port = PostgresVoices(database)
    assert await port.live("demo") == (Arm.RAFT, adapter.name)
    await port.withdraw("demo", adapter.name, by="maria")
    await sample.introduce(settings, adapter, "demo", say=print)
    assert await port.live("demo") == (Arm.RAG, None)


def test_a_voice_that_is_too_large_or_for_another_model_is_not_used(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What is cloned with the code stays small; another base is answered without a voice, and the demo goes on."""
    ours = read_adapter(write_adapter(tmp_path / "ours", passed=True))
    monkeypatch.setattr(sample, "MOST_BYTES", 10)
    with pytest.raises(InputError, match="lower rank"):
        sample.keep(ours)
    monkeypatch.undo()
    monkeypatch.setenv("VOCERO_MODEL_URL", "http://127.0.0.1:9")
    assert sample.installed(read_settings(), "demo") is None


def test_what_is_shipped_is_what_was_judged():
    """The file is the one of its manifest and its gate, for the model that is embedded, and small."""
    adapter = read_adapter(sample.FOLDER)
    gate = json.loads((sample.FOLDER / "gate.json").read_text())
    assert gate["passed"]
    assert digest(adapter.file) == adapter.sha256 == gate["sha256"]
    assert adapter.base == BUNDLED_SHA256
    assert adapter.file.stat().st_size <= sample.MOST_BYTES
    assert not adapter.held_back & set(adapter.manifest["dataset"]["watching"])
