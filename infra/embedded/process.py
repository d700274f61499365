"""Children of the supervisor: started so that they end with it, stopped in steps, found again when they did not."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.embedded.account import Account
from infra.embedded.home import write

LAUNCH = Path(__file__).with_name("launch.py")
# What supervisor and servers may see of a client's environment: never its tokens.
PASSED_ON = ("PATH", "HOME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH",
             "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")  # fmt: skip
# For servers: messages in English, and no locale of the user's that this machine does not have.
LOCALE = {"LC_ALL": "C"}

# Signals with the seconds each is given to work; SIGKILL follows the last.
Farewell = Sequence[tuple[signal.Signals, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How to start a server; `orphaned` is the signal it gets when the supervisor dies without a word (Linux)."""

    arguments: Sequence[str | Path]
    log: Path
    pidfile: Path
    account: Account
    environment: Mapping[str, str] = field(default_factory=dict)
    farewell: Farewell = ((signal.SIGTERM, 3),)
    orphaned: signal.Signals = signal.SIGTERM
    listens: bool = False  # its standard output is read by us and its input stays open


class Child:
    """A running server."""

    def __init__(self, command: Command, process: asyncio.subprocess.Process, log_start: int) -> None:
        self.command, self.process, self._log_start = command, process, log_start

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.process.returncode is not None

    async def heard(self) -> bytes:
        """The next line on its standard output, or nothing when it closed that."""
        return await self.process.stdout.readline() if self.process.stdout else b""

    async def died(self) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        return await self.process.wait()

    async def stop(self) -> None:
        """End it, gently first; harmless when it has ended."""
        for step, seconds in (*self.command.farewell, (signal.SIGKILL, 60.0)):
            if self.ended:
                break
            try:
                self.process.send_signal(step)
                await asyncio.wait_for(self.process.wait(), seconds)
            except (TimeoutError, ProcessLookupError):
                continue
        self.command.pidfile.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The last line of its log since it started that tells of an error, or the last line at all."""
        with self.command.log.open("rb") as log:
            log.seek(self._log_start)
            lines = [line.strip() for line in log.read(200_000).decode(errors="replace").splitlines() if line.strip()]
        bad = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "rror", "annot", "ailed"))]
        return (bad or lines or ["it said nothing"])[-1][:300]


async def start(command: Command, *, stdin: bytes = b"") -> Child:
    """Start a server; what `stdin` holds is written to it. Raises OSError."""
    account = command.account
    log = opened(command.log)
    log_start = log.seek(0, os.SEEK_END)
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", LAUNCH, str(os.getpid()), str(int(command.orphaned))),
            *(str(account.uid), str(account.gid)),
            *command.arguments,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE if command.listens else log,
            stderr=log,
            cwd="/",
            env={**passed_on(), **LOCALE, **command.environment},
            start_new_session=True,
        )
    finally:
        log.close()
    child = Child(command, process, log_start)
    try:
        write(command.pidfile, json.dumps({"pid": process.pid, "born": born(process.pid)}))
    except OSError:
        await child.stop()
        raise
    if process.stdin is not None:
        try:
            process.stdin.write(stdin)
            await process.stdin.drain()
        except ConnectionError:
            pass  # it died at once: whoever waits for it will say so
        if not command.listens:
            process.stdin.close()
    return child


async def end_orphan(pidfile: Path, farewell: Farewell) -> None:
    """Stop the server a dead supervisor left behind, if its pid is still that server."""
    pid, birth = _noted(pidfile)
    if pid:
        await end(pid, birth, farewell)


async def end(pid: int, birth: str, farewell: Farewell) -> None:
    """End a process that is not our child, provided it was born then."""
    for step, seconds in (*farewell, (signal.SIGKILL, 5.0)):
        for tick in range(int(seconds / 0.02)):
            if born(pid) != birth:
                return
            if tick == 0:
                os.kill(pid, step)
            await asyncio.sleep(0.02)


def born(pid: int) -> str:
    """When a process began, in words no other process of its number shares; empty when it is dead or a zombie."""
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
        except (FileNotFoundError, ProcessLookupError):
            return ""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # A zombie whose other threads still end holds its port and files.
        return "" if fields[0] in "ZX" and threads <= 1 else f"{fields[19]} {boot}"
    state, _, start = _ps(pid, "stat=", "lstart=").partition(" ")
    return "" if state.startswith("Z") else start.strip()


def command_line(pid: int) -> str:
    """The words a process was started with, or nothing."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="surrogateescape")
        except OSError:
            return ""
    return _ps(pid, "command=")


def _noted(pidfile: Path) -> tuple[int, str]:
    try:
        noted = json.loads(pidfile.read_text())
    except (FileNotFoundError, ValueError):
        return 0, ""
    return noted["pid"], noted["born"]


def _ps(pid: int, *columns: str) -> str:
    command = ["/bin/ps", "-ww", "-p", str(pid), *(word for column in columns for word in ("-o", column))]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def passed_on() -> dict[str, str]:
    """The part of our environment that our children get."""
    return {name: value for name in PASSED_ON if (value := os.environ.get(name))}


def opened(log: Path) -> IO[bytes]:
    """A log to append to; one that grew over 5 MB is put aside first, once."""
    if log.exists() and log.stat().st_size > 5_000_000:
        log.replace(log.with_suffix(".log.1"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb")
