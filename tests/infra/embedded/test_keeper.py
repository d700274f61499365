"""How one server is kept, with a server that does what the test wants."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from infra.embedded import keeper as keepers
from infra.embedded.account import Account
from infra.embedded.errors import AbsentError
from infra.embedded.home import at, prepare
from infra.embedded.keeper import Keeper
from infra.embedded.process import Child, Command, start
from infra.embedded.wanted import Wanted, to_endpoints


class Shell:
    """A server that is a line of shell; it answers once it made the file `up`."""

    title = "the shell"
    start_seconds = 5.0

    def __init__(self, folder: Path) -> None:
        self.home = at(folder)
        self.line = "touch up; sleep 60"
        self.starts = 0

    async def launch(self) -> Child:
        """Run the line."""
        self.starts += 1
        if not self.line:
            raise AbsentError("there is no shell: install one")
        script = f"cd '{self.home.run}'; {self.line}"
        log, pidfile = self.home.log("shell"), self.home.pid("shell")
        return await start(Command(arguments=["/bin/sh", "-c", script], log=log, pidfile=pidfile, account=Account()))

    async def answers(self) -> bool:
        """Whether the file is there."""
        return (self.home.run / "up").exists()

    def endpoints(self) -> Mapping[str, str]:
        """Nothing one could call."""
        return {"redis_url": "redis://:x@127.0.0.1:1/0"}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A server in a prepared home."""
    prepare(at(tmp_path), database=False)
    return Shell(tmp_path)


@pytest.fixture
async def keeper(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Keeper]:
    """Its keeper, in a hurry."""
    monkeypatch.setattr(keepers, "PAUSES", (0.01, 0.01, 0.01))
    keeper = Keeper(shell.home, shell, lambda: None)
    yield keeper
    await keeper.stop()


async def phase(keeper: Keeper, *wanted: str) -> str:
    """The phase the keeper comes to, of those wanted."""
    async with asyncio.timeout(5):
        while keeper.service.phase not in wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return keeper.service.phase


async def test_a_server_is_ready_when_it_answers_and_stopped_with_its_keeper(keeper: Keeper, shell: Shell) -> None:
    """Not a moment before."""
    keeper.want(frozenset({"a"}))
    assert keeper.service.phase == "starting"
    assert await phase(keeper, "ready", "failed") == "ready"
    await keeper.stop()
    assert not shell.home.pid("shell").exists()


async def test_a_server_that_keeps_dying_is_given_up_until_somebody_new_asks(keeper: Keeper, shell: Shell) -> None:
    """Who was told is not told again; who comes later may find the cause gone."""
    shell.line = "echo FATAL: no luck >&2; exit 1"
    keeper.want(frozenset({"a"}))
    assert await phase(keeper, "ready", "failed") == "failed"
    assert keeper.service.detail.startswith("the shell keeps ending (FATAL: no luck)")
    assert (keeper.service.told, shell.starts) == (("a",), 4)
    keeper.want(frozenset({"a"}))
    assert keeper.service.phase == "failed"
    shell.line = "touch up; sleep 60"
    keeper.want(frozenset({"a", "b"}))
    await asyncio.sleep(0)
    assert await phase(keeper, "ready") == "ready"


async def test_a_server_that_never_answers_is_given_up(keeper: Keeper, shell: Shell) -> None:
    """And ended."""
    shell.line, shell.start_seconds = "sleep 60", 0.2
    keeper.want(frozenset({"a"}))
    assert await phase(keeper, "ready", "failed") == "failed"
    assert keeper.service.detail.startswith("the shell did not answer in 0 s; see ")
    assert not shell.home.pid("shell").exists()


async def test_a_server_without_a_program_is_absent(keeper: Keeper, shell: Shell) -> None:
    """Clients of an optional server get a note."""
    shell.line = ""
    keeper.want(frozenset({"a"}))
    assert await phase(keeper, "ready", "failed", "absent") == "absent"
    wanted = Wanted(redis=True)
    assert to_endpoints(wanted, {"redis": keeper.service}).notes == (
        "no Redis: there is no shell: install one; answers are not cached",
    )


async def test_a_fault_of_ours_is_a_sentence_too(keeper: Keeper, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor lives on."""
    monkeypatch.setattr(shell, "endpoints", lambda: 1 / 0)
    keeper.want(frozenset({"a"}))
    assert await phase(keeper, "ready", "failed") == "failed"
    assert "hit a fault of vocero" in keeper.service.detail
    assert not shell.home.pid("shell").exists()


async def test_a_refusal_of_the_system_is_a_sentence_too(keeper: Keeper, shell: Shell) -> None:
    """Raised by the system, said with its remedy."""
    shell.home.logs.rename(shell.home.logs.with_name("elsewhere"))
    shell.home.logs.touch()
    keeper.want(frozenset({"a"}))
    assert await phase(keeper, "ready", "failed") == "failed"
    assert "set VOCERO_HOME" in keeper.service.detail
