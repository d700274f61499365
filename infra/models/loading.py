"""Bringing an adapter to the model servers that are to answer with it, and proving that they do."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.errors import SetupError
from infra.models import wire
from infra.models.endpoint import Budgets, Endpoint, to_root
from infra.models.failures import FOREIGN, Fault, ModelFailure, to_fault

LOAD: Final = 60.0  # seconds: a server reads the weights from its disk


async def load(urls: Sequence[str], adapter: str, folder: Path, *, token: str | None = None) -> None:
    """Make every server answer with the adapter, or say what its administrator has to do. SetupError, ModelFailure.

    vLLM takes an adapter while it runs if it may (VLLM_ALLOW_RUNTIME_LORA_UPDATING); TGI only at its start, and its
    answer to a name that it does not know is the base's: so each server is asked a canary question. `folder`: absolute.
    """
    for endpoint in _endpoints(urls, token):
        try:
            async with asyncio.timeout(LOAD):
                if await endpoint.has(adapter) or await _taken(endpoint, adapter, folder):
                    continue
                kind = (await endpoint.knows()).dialect.name
        except FOREIGN as error:
            raise ModelFailure(to_fault(error)) from error
        raise SetupError(f"{endpoint.url} has not loaded {adapter}: {_remedy(kind, adapter, folder)}")


def _endpoints(urls: Sequence[str], token: str | None) -> list[Endpoint]:
    slots = asyncio.Semaphore(1)
    return [
        Endpoint(url=to_root(url), token=(token or "").strip() or None, model=None, slots=slots, budgets=Budgets())
        for url in urls
    ]


async def _taken(endpoint: Endpoint, adapter: str, folder: Path) -> bool:
    if (await endpoint.knows()).dialect.name != "vllm":
        return False
    body = {"lora_name": adapter, "lora_path": str(folder)}
    url = f"{endpoint.url}/v1/load_lora_adapter"
    try:
        told = await wire.tell(url, token=endpoint.token, connect=endpoint.budgets.connect, body=body)
    except Fault as fault:
        if fault.status == 400:  # it does not find the folder
            return False
        raise
    return told and await endpoint.has(adapter)


def _remedy(kind: str, adapter: str, folder: Path) -> str:
    if kind == "tgi":
        return f"restart TGI with --lora-adapters {adapter}={folder} (a path that it can read), then promote again."
    if kind == "vllm":
        return (
            f"start vLLM with --enable-lora --lora-modules {adapter}={folder} (a path that it can read), or set "
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING=True there, then promote again."
        )
    return f"load {folder} there under this name, then promote again."
