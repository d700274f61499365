"""The child that reads: whatever a document does to it, the parent says why and the next one is read."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from core.errors import InputError
from infra.knowledge.parse import Limits, Parser, parse
from tests.infra.knowledge.files import docx, packed, paragraph
from tests.infra.knowledge.hostile import network

HOSTILE = "tests.infra.knowledge.hostile"
QUICK = Limits(wall=30, cpu=1, memory=300_000_000)


@pytest.fixture
async def parser() -> AsyncIterator[Parser]:
    """A parser whose documents say what its child shall do."""
    async with Parser(QUICK, child=HOSTILE) as parser:
        yield parser


async def told(parser: Parser, content: bytes | str, name: str = "x") -> str:
    """Parse and give the text, or the reason."""
    try:
        parsed = await parser.parse(content.encode() if isinstance(content, str) else content, name=name)
    except InputError as error:
        return str(error)
    return parsed.sections[0].markdown


def may_leave_network() -> bool:
    """Try in a process of its own what the child tries."""
    flags = 0x40000000 if os.geteuid() == 0 else 0x50000000
    probe = [sys.executable, "-c", f"import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare({flags}) != 0)"]
    return subprocess.run(probe, check=False, stderr=subprocess.DEVNULL).returncode == 0


def process_of(parser: Parser) -> psutil.Process:
    """Give the running child."""
    assert parser._process is not None
    return psutil.Process(parser._process.pid)


async def family(parser: Parser) -> list[psutil.Process]:
    """Wait until a document is being read; give the child and the reader it forked."""
    while parser._process is None or not process_of(parser).children():  # noqa: ASYNC110 - processes set no events
        await asyncio.sleep(0.01)
    return [process_of(parser), *process_of(parser).children()]


async def gone(*processes: psutil.Process) -> bool:
    """Wait a moment for processes to end."""
    for _ in range(200):
        if not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes):
            return True
        await asyncio.sleep(0.01)
    return False


async def test_a_document_comes_back_as_it_was_read() -> None:
    """Title, kind, anchors and text pass the border unchanged, whatever letters they have."""
    parsed = await parse('# Grüße 日本 🦉\n\n"quoted" \\ text'.encode(), name="x.md")
    assert (parsed.title, parsed.media_type) == ("Grüße 日本 🦉", "text/markdown")
    assert [(section.anchor, section.markdown) for section in parsed.sections] == [
        ("", '# Grüße 日本 🦉\n\n"quoted" \\ text')
    ]


async def test_a_reason_comes_back_too() -> None:
    """A refusal in the child is the same refusal in the parent."""
    with pytest.raises(InputError, match=r"^the file is a PNG image: add Markdown"):
        await parse(b"\x89PNG\r\n\x1a\n" + bytes(50), name="notes.txt")


async def test_one_child_serves_a_batch_and_forks_for_each_document(parser: Parser) -> None:
    """Many documents need one interpreter start, and none is read by the process of another."""
    first = await told(parser, "pid")
    child = process_of(parser).pid
    readers = {first, *[await told(parser, "pid") for _ in range(9)]}
    assert process_of(parser).pid == child
    assert len(readers - {str(child)}) == 10


async def test_concurrent_callers_take_turns(parser: Parser) -> None:
    """Replies are not mixed up when many ask at once."""
    names = [f"name {number}" for number in range(20)]
    parsed = await asyncio.gather(*(parser.parse(b"pid", name=name) for name in names))
    assert [document.title for document in parsed] == names


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("loop", "the document takes too long to read"),
        ("hog", "the document needs too much memory to read"),
        ("killed", "the document needs too much memory to read"),
        ("crash", "the document is damaged or too unusual to read"),
        ("leave", "the document is damaged or too unusual to read"),
        ("error", "the document is damaged or too unusual to read"),
    ],
)
async def test_whatever_a_document_does_the_next_is_read(parser: Parser, deed: str, reason: str) -> None:
    """Endless loops, full memory and crashes each end in their reason, and in nothing else."""
    assert (await told(parser, deed)).startswith(reason)
    assert (await told(parser, "pid")).isdigit()


async def test_a_document_that_waits_is_ended_by_the_clock() -> None:
    """A reader that uses no CPU at all is ended by the wall limit, from within."""
    async with Parser(Limits(wall=0.5), child=HOSTILE) as parser:
        begun = time.monotonic()
        assert (await told(parser, "sleep")).startswith("the document takes too long")
        assert time.monotonic() - begun < 5


async def test_a_frozen_child_is_ended_from_outside() -> None:
    """If the child cannot end itself, the parent does it, a little later."""
    async with Parser(Limits(wall=0.2), child=HOSTILE) as parser:
        assert (await told(parser, "pid")).isdigit()
        child = process_of(parser)
        child.suspend()
        assert (await told(parser, "pid")).startswith("the document takes too long")
        assert await gone(child)


async def test_a_real_document_can_run_away_too() -> None:
    """Letters with 400,000 accents, whose order Unicode wants sorted, are stopped by the CPU limit."""
    accents = ("a" + "\u0301\u0316" * 200_000).encode()
    async with Parser(QUICK) as parser:
        assert (await told(parser, accents, "x.txt")).startswith("the document takes too long")
        assert await told(parser, "fine", "x.txt") == "fine"


async def test_a_real_document_can_eat_memory_too() -> None:
    """A Word document of 30 kB whose 4 MB of XML become a tree that does not fit into the child."""
    body = paragraph("word ") * 60_000
    async with Parser(Limits(memory=120_000_000)) as parser:
        assert (await told(parser, docx(body), "x.docx")).startswith("the document needs too much memory")
        assert await told(parser, docx(paragraph("fine")), "x.docx") == "fine"


async def test_a_child_killed_in_the_middle_is_replaced(parser: Parser) -> None:
    """The document it was reading fails with a reason; the next one is read."""
    reading = asyncio.create_task(told(parser, "sleep"))
    child, *readers = await family(parser)
    child.kill()
    assert (await reading).startswith("the document ")
    assert (await told(parser, "pid")).isdigit()
    assert await gone(child, *readers)


async def test_cancelling_ends_the_child_and_not_the_parser(parser: Parser) -> None:
    """Who stops waiting leaves no process behind, and others are served."""
    reading = asyncio.create_task(told(parser, "sleep"))
    processes = await family(parser)
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    assert await gone(*processes)
    assert (await told(parser, "pid")).isdigit()


async def test_leaving_ends_the_child() -> None:
    """After the context nothing runs."""
    async with Parser(child=HOSTILE) as parser:
        await told(parser, "pid")
        child = process_of(parser)
    assert await gone(child)


def test_no_child_outlives_its_parent() -> None:
    """Kill -9 of the parent ends the child and the reader it forked."""
    script = (
        "import asyncio\nfrom infra.knowledge.parse import Parser\n"
        f"parser = Parser(child='{HOSTILE}')\n"
        "async def main():\n await parser.parse(b'pid', name='x')\n print(parser._process.pid, flush=True)\n"
        " await parser.parse(b'sleep', name='x')\nasyncio.run(main())\n"
    )
    command = [sys.executable, "-c", script]
    path = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": path}) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        while not child.children():
            time.sleep(0.01)
        processes = [child, *child.children()]
        parent.send_signal(signal.SIGKILL)
    assert asyncio.run(gone(*processes))


@pytest.mark.parametrize(
    ("deed", "answer"),
    [
        ("flood", "flooded"),
        ("stdin", "b''"),
        ("files", "64"),
        ("environment", "LC_ALL PYTHONPATH"),
    ],
)
async def test_the_child_has_nothing_of_ours(
    parser: Parser, deed: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No secrets in its environment, no files to write, no way to forge replies by printing or to read requests."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "secret")
    assert await told(parser, deed) == answer


async def test_the_child_writes_no_file(parser: Parser, tmp_path: Path) -> None:
    """It may open one, and not put a byte into it."""
    assert await told(parser, f"write {tmp_path / 'loot'}") == f"refused {errno.EFBIG}"
    assert (tmp_path / "loot").read_bytes() == b""


async def test_the_child_has_no_network_where_the_kernel_lets_it(parser: Parser) -> None:
    """It runs in a network of its own if this machine lets a process make one, else in ours."""
    assert (await told(parser, "network") != network()) is may_leave_network()


async def test_errors_keep_their_place_and_not_their_text(parser: Parser) -> None:
    """What failed in a reader can be found, without a word of the document."""
    with pytest.raises(InputError) as caught:
        await parser.parse(b"error", name="x")
    assert caught.value.__notes__[0].startswith("ZeroDivisionError __main__:")


async def test_huge_files_are_refused_before_they_are_copied() -> None:
    """No child is started for them."""
    async with Parser() as parser:
        assert "larger than 100 MB" in await told(parser, bytes(100_000_001))
        assert parser._process is None


async def test_the_parents_memory_returns() -> None:
    """After thirty large documents the parent is as small as after one."""
    content = packed({"x": bytes(10)}) + bytes(5_000_000)
    async with Parser() as parser:
        await told(parser, content, "x.zip")
        before = psutil.Process().memory_info().rss
        for _ in range(30):
            await told(parser, content, "x.zip")
    assert psutil.Process().memory_info().rss - before < 30_000_000


def test_the_parent_loads_no_reader() -> None:
    """Importing the module costs the parent none of the libraries that read."""
    script = (
        "import sys, infra.knowledge.parse\n"
        "print(*{'pypdfium2', 'bs4', 'lxml', 'mammoth', 'markdownify', 'trafilatura'} & set(sys.modules))"
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, env={"PYTHONPATH": path}
    )
    assert done.stdout.strip() == ""
