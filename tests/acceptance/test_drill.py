"""The drill: a backup of one home, restored into another, answers as before."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import ROOT

pytestmark = pytest.mark.slow

ASKED = 20


def run(home: Path, *words: str) -> str:
    """Run a command of its own on a home and return what it printed."""
    return python(home, "from bots.cli import main; main()", *words)


def python(home: Path, code: str, *words: str, said: str = "") -> str:
    """Run Python on a home, with `said` as its standard input, and return what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VOCERO_")}
    ran = subprocess.run(
        [sys.executable, "-c", code, *words],
        input=said,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**kept, "VOCERO_HOME": str(home)},
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


ASK_ALL = """
import asyncio, json, sys
from contextlib import aclosing
from bots.wiring import open_vocero
from core.messages import Done, Question
from infra.settings import read_settings

async def main():
    async with open_vocero(read_settings(), say=lambda _: None, redis=False) as vocero:
        for text in json.load(sys.stdin):
            async with aclosing(vocero.bot.answer(Question(text=text, cached=False))) as events:
                async for event in events:
                    if isinstance(event, Done):
                        a = event.answer
                        print(json.dumps([a.outcome, a.text, [[c.document, c.text] for c in a.citations]]))

asyncio.run(main())
"""


def answers(home: Path, questions: list[str]) -> list[object]:
    """Return the answers of a home, without cache."""
    return [json.loads(line) for line in python(home, ASK_ALL, said=json.dumps(questions)).splitlines()]


@pytest.mark.timeout(600)
def test_a_restored_home_gives_the_same_twenty_answers(tmp_path: Path) -> None:
    """Texts, outcomes and citations of twenty questions are equal, and the restored home refuses a second restore."""
    first, second, file = tmp_path / "first", tmp_path / "second", tmp_path / "vocero.dump"
    run(first, "docs", "add", str(ROOT / "infra" / "handbook" / "documents"), "--wait")
    rows = (ROOT / "infra" / "handbook" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(row)["question"] for row in rows][:: max(1, len(rows) // ASKED)][:ASKED]
    before = answers(first, questions)
    assert json.loads(run(first, "backup", str(file), "--json"))["bytes"] == file.stat().st_size
    assert "restored" in run(second, "restore", str(file))
    after = answers(second, questions)
    assert len(before) == ASKED
    assert after == before
    with pytest.raises(AssertionError, match="restore into an empty one"):
        run(second, "restore", str(file))
