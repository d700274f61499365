"""One home with real servers for all journeys, and the command line as a function."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bots.cli import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return its standard output as JSON."""
        return json.loads(self.out)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a home whose servers live for the whole session, kept by a process that does nothing else."""
    place = tmp_path_factory.mktemp("home")
    keeper = subprocess.Popen(
        [sys.executable, "-c", KEEP, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert keeper.stdout is not None
    assert keeper.stdin is not None
    assert keeper.stdout.readline() == "ready\n"
    yield place
    keeper.stdin.close()
    keeper.wait(30)
    keeper.stdout.close()


KEEP = """
import asyncio, pathlib, sys
from infra import embedded
async def main():
    home = pathlib.Path(sys.argv[1])
    async with embedded.join(home, embedded.Wanted(database=True, redis=True, model=True)):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
    await embedded.stop(home)
asyncio.run(main())
"""


@contextmanager
def said(text: bytes) -> Iterator[None]:
    """Let standard input hold these bytes."""
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(text))
    try:
        yield
    finally:
        sys.stdin = before


@pytest.fixture
def vocero(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Return the command line in this process, on the session's home; `stdin` is what is piped in."""
    for name in [n for n in os.environ if n.startswith("VOCERO_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VOCERO_HOME", str(home))

    def run(*words: str, stdin: bytes = b"", **settings: str) -> Ran:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["vocero", *words])
            for name, value in settings.items():
                patch.setenv(name, value)
            with said(stdin):
                try:
                    main()
                    code = 0
                except SystemExit as end:
                    code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        shown = capsys.readouterr()
        return Ran(code, shown.out, shown.err)

    return run
