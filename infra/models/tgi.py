"""The port `Speaker` over TGI, vLLM, llama.cpp and what else speaks the Messages API, one server or several."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from urllib.parse import urlsplit

from core.errors import SetupError
from core.prompt import Prompt
from infra.models import wire
from infra.models.canary import Canary
from infra.models.dialect import Schema, unknown_adapter
from infra.models.endpoint import Budgets, Endpoint, Request, to_root
from infra.models.failures import FOREIGN, Fault, ModelFailure, to_fault
from infra.models.stream import Told


class TgiSpeaker:
    """Writes answers. Fails over to another server until the first token, never after it."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        model: str | None = None,
        token: str | None = None,
        concurrency: int = 8,
        budgets: Budgets | None = None,
        canary: Canary | None = None,
        told: Told | None = None,
    ) -> None:
        """Keep what is given; nothing connects. `concurrency` is for each server. SetupError for a broken address.

        `told` hears how many tokens the server counted of each generation that was heard to its end.
        """
        if not urls:
            raise SetupError("There is no model server: set VOCERO_MODEL_URL.")
        self._model = model or None
        self._budgets = budgets or Budgets()
        self._canary = canary
        self._counted = told
        self._told = ""
        self._endpoints = [
            Endpoint(
                url=to_root(url),
                token=(token or "").strip() or None,
                model=self._model,
                slots=asyncio.Semaphore(concurrency),
                budgets=self._budgets,
            )
            for url in urls
        ]

    @property
    def name(self) -> str:
        """The served model's name, configured or as a server told it last: it is part of every kept answer's key."""
        self._told = next((one.served.title for one in self._endpoints if one.served), self._told)
        return self._model or self._told or "model"

    @asynccontextmanager
    async def speak(
        self, prompt: Prompt, *, adapter: str | None = None, max_tokens: int, schema: Schema | None = None
    ) -> AsyncIterator[AsyncIterator[str]]:
        """Open a stream of text deltas; leaving the block early cancels the generation at the server. ModelFailure.

        The first delta is there when the block is entered. Enter, iterate and leave in one task.
        """
        started = asyncio.get_running_loop().time()
        request = Request(
            prompt=prompt, adapter=adapter or None, max_tokens=max_tokens, schema=schema, told=self._counted
        )
        async with AsyncExitStack() as stack:
            endpoint, first, rest = await self._open(stack, request, started + self._budgets.first_token)
            deltas = self._paced(endpoint, first, rest, started + self._budgets.total)
            yield await stack.enter_async_context(aclosing(deltas))

    async def adapter_is_live(self, adapter: str, canary: Canary | None = None) -> bool:
        """Say whether every server that can be reached really answers with this adapter. ModelFailure.

        `canary` judges a short greeting where a server lists no adapters (TGI); without one, the greeting's
        log-probabilities have to stand out of the base's.
        """
        live: list[bool] = []
        fault = Fault("refused")
        for endpoint in self._endpoints:
            try:
                async with asyncio.timeout(self._budgets.total):
                    live.append(await endpoint.has(adapter, canary or self._canary))
            except FOREIGN as error:
                fault = to_fault(error)
        if not live:
            raise ModelFailure(fault)
        return all(live)

    async def health(self) -> str | None:
        """Return None when a server answers, else a sentence that names the first and what is wrong with it."""
        told = []
        for endpoint in self._endpoints:
            try:
                async with asyncio.timeout(self._budgets.first_token):
                    await wire.knock(f"{endpoint.url}/health", token=endpoint.token, connect=self._budgets.connect)
                    await endpoint.knows()
            except FOREIGN as error:
                told.append(f"{urlsplit(endpoint.url).netloc.rpartition('@')[2]}: {to_fault(error)}")
            else:
                return None
        return told[0]

    async def introduce(self) -> None:
        """Ask for the model's name where none is configured, within the time to connect; a silent server is "model"."""
        with suppress(*FOREIGN):
            async with asyncio.timeout(self._budgets.connect):
                if not self._model:
                    await self._endpoints[0].knows()

    async def close(self) -> None:
        """Close nothing: every request has its own connection, gone with its block."""

    async def _open(
        self, stack: AsyncExitStack, request: Request, deadline: float
    ) -> tuple[Endpoint, str | None, AsyncGenerator[str]]:
        """Try one server after the other until a first delta arrives, all within the budget for one. ModelFailure."""
        fault = Fault("refused")
        for endpoint in self._admitting(deadline):
            try:
                async with AsyncExitStack() as attempt:
                    rest = await self._start(attempt, endpoint, request, deadline)
                    async with asyncio.timeout_at(deadline):
                        first = await anext(rest, None)
                    stack.push_async_exit(attempt.pop_all())
            except FOREIGN as error:
                fault = to_fault(error)
                endpoint.failed(fault)
            except BaseException:
                endpoint.breaker.abandoned()
                raise
            else:
                endpoint.breaker.succeeded()
                return endpoint, first, rest
            if fault.kind == "too_long":
                break
        raise ModelFailure(fault)

    def _admitting(self, deadline: float) -> Iterator[Endpoint]:
        """The servers that may be tried, fewest in flight first; a second one only while there is time to reach it."""
        tried = False
        for endpoint in sorted(self._endpoints, key=lambda one: one.in_flight):
            late = asyncio.get_running_loop().time() > deadline - self._budgets.connect
            if not (tried and late) and endpoint.breaker.admit():
                tried = True
                yield endpoint

    async def _start(
        self, attempt: AsyncExitStack, endpoint: Endpoint, request: Request, deadline: float
    ) -> AsyncGenerator[str]:
        """Wait for a place, make sure of the voice, and open the stream. Fault, TimeoutError."""
        endpoint.in_flight += 1
        attempt.callback(_leave, endpoint)
        try:
            async with asyncio.timeout_at(deadline):
                await attempt.enter_async_context(endpoint.slots)
        except TimeoutError:
            raise Fault("overloaded") from None
        async with asyncio.timeout_at(deadline):
            if request.adapter and not await endpoint.proven(request.adapter, self._canary):
                raise unknown_adapter()
            return await attempt.enter_async_context(endpoint.stream(request))

    async def _paced(
        self, endpoint: Endpoint, first: str | None, rest: AsyncGenerator[str], deadline: float
    ) -> AsyncGenerator[str]:
        """Hand the deltas on; only waiting for the server counts, whatever the reader does in between. ModelFailure."""
        delta = first
        while delta is not None:
            yield delta
            patience = asyncio.get_running_loop().time() + self._budgets.between_tokens
            try:
                async with asyncio.timeout_at(min(patience, deadline)):
                    delta = await anext(rest, None)
            except FOREIGN as error:
                fault = to_fault(error)
                endpoint.failed(fault)
                raise ModelFailure(fault) from error


def _leave(endpoint: Endpoint) -> None:
    endpoint.in_flight -= 1
