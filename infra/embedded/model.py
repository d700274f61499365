"""The language model: llama.cpp's server from the wheel `xllamacpp`, in a child process, with a GGUF file."""

import asyncio
import functools
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.embedded.account import account
from infra.embedded.credentials import Credentials
from infra.embedded.errors import AbsentError, EmbeddedError
from infra.embedded.home import Home
from infra.embedded.process import Child, Command, end_orphan, start
from infra.embedded.weights import bundled, check_gguf, loading_seconds

SERVER = Path(__file__).with_name("model_server.py")
FAREWELL = ((signal.SIGTERM, 3.0),)
BUNDLED_NAME = "smollm2-135m-instruct"
# What the wheel was compiled for: elsewhere the first matrix ends the process with SIGILL.
CPU_FLAGS = frozenset({"avx2", "fma", "f16c", "bmi2"})


class Model:
    """The model server of one home for one file: `file` is the user's GGUF, or None for the bundled one.

    `adapters` are loaded beside it, each silent until a request names it; `steady` see `infra.embedded.alone`.
    """

    title = "the model server"

    def __init__(
        self,
        home: Home,
        credentials: Credentials,
        *,
        service: str,
        file: Path | None,
        adapters: Sequence[Path] = (),
        steady: bool = False,
    ) -> None:
        self._home, self._credentials = home, credentials
        # whole paths: the server stands somewhere else
        self._adapters, self._steady = [adapter.absolute() for adapter in adapters], steady
        self._service, self._file = service, file.absolute() if file else None
        self._loading: Child | None = None
        self._port = 0

    @property
    def start_seconds(self) -> float:
        """How long loading may take, by the file's size."""
        return 60 + loading_seconds(self._file)

    async def launch(self) -> Child:
        """Start the server. Raises AbsentError when this machine cannot run it, EmbeddedError, OSError."""
        _check_processor()
        await end_orphan(self._home.pid(self._service), FAREWELL)
        if (file := self._file) is None:
            file = await asyncio.to_thread(bundled, self._credentials)
        check_gguf(file)
        self._port = self._credentials.port(self._service)
        command = Command(
            arguments=[sys.executable, "-P", SERVER],
            log=self._home.log(self._service),
            pidfile=self._home.pid(self._service),
            account=account(self._home),
            # Waiting threads give way after this many rounds: the default spins, and beside any other load generation
            # falls from 133 to 2.6 tokens a second (measured: 23 with this, and no loss on a quiet machine).
            environment={"GOMP_SPINCOUNT": "1000"},
            farewell=FAREWELL,
            orphaned=signal.SIGKILL,
            listens=True,
        )
        told = {
            "file": str(file),
            "name": self._name,
            "port": self._port,
            "key": self._key,
            "threads": _threads(),
            "adapters": [str(adapter) for adapter in self._adapters if adapter.exists()],
            "steady": self._steady,
        }
        self._loading = await start(command, stdin=json.dumps(told).encode() + b"\n")
        return self._loading

    async def answers(self) -> bool:
        """Whether the model is loaded and answers to our key. Raises AbsentError, EmbeddedError when it never will."""
        if self._loading is not None:
            await self._loaded(self._loading)
            self._loading = None
        return await _lists_models(self._port, self._key)

    def endpoints(self) -> Mapping[str, str]:
        """Address, key and name."""
        return {"model_url": f"http://127.0.0.1:{self._port}", "model_token": self._key, "model_name": self._name}

    async def _loaded(self, child: Child) -> None:
        said = await child.heard()
        if not said and await child.died() == -signal.SIGILL:
            raise AbsentError("this processor lacks an instruction llama.cpp was compiled for: set VOCERO_MODEL_URL")
        outcome = json.loads(said or b"{}")
        if "absent" in outcome:
            raise AbsentError(outcome["absent"])
        if "failed" in outcome and self._file:
            raise EmbeddedError(
                f"VOCERO_MODEL_FILE={self._file} is a GGUF file that llama.cpp cannot run ({child.last_words()}): "
                f"use another; the log is {child.command.log}"
            )

    @property
    def _name(self) -> str:
        return self._file.stem if self._file else BUNDLED_NAME

    @property
    def _key(self) -> str:
        return self._credentials.secret(self._service, "key")


@functools.cache
def _check_processor() -> None:
    """Raise AbsentError on x86 without the needed instructions; other systems show it by the child's death."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return
    if missing := lacking(Path("/proc/cpuinfo").read_text()):
        raise AbsentError(f"this processor has no {', '.join(missing)}, which llama.cpp needs: set VOCERO_MODEL_URL")


def lacking(cpuinfo: str) -> list[str]:
    """The instruction sets llama.cpp needs and an x86 processor does not list."""
    flags = next((line.partition(":")[2].split() for line in cpuinfo.splitlines() if line.startswith("flags")), None)
    return sorted(CPU_FLAGS - set(flags)) if flags is not None else []


def _threads() -> int:
    """Half of the processors, which is their cores where each counts twice; but no fewer than two."""
    available = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 2
    return min(available, max(2, available // 2))


async def _lists_models(port: int, key: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
        return b" 200 " in await asyncio.wait_for(reader.readline(), 5)
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
