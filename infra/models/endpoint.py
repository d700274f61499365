"""One model server: its queue, its health, what it speaks, and which voices it has proven."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urlsplit

from core import budgets
from core.errors import SetupError
from core.prompt import Prompt
from infra.models import canary, dialect, wire
from infra.models.breaker import Breaker
from infra.models.failures import Fault, Kind
from infra.models.stream import Told, texts, until

PROVEN: Final = 300.0  # seconds: a server may restart without us noticing
UNPROVEN: Final = 30.0  # seconds: soon enough after an administrator has loaded the adapter
STALE: Final[tuple[Kind, ...]] = ("refused", "timeout", "cut", "garbage", "rejected", "auth")  # ask again what it is
STREAM_BYTES: Final = 65_536
TOKEN_BYTES: Final = 1_000  # a token's frame has 250 to 400 bytes, a long model name included
FAULTY: Final[tuple[Kind, ...]] = ("refused", "timeout", "cut", "garbage")  # counted by the breaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Seconds for the parts of one answer."""

    connect: float = budgets.MODEL_CONNECT
    first_token: float = budgets.MODEL_FIRST_TOKEN
    between_tokens: float = budgets.MODEL_BETWEEN_TOKENS
    total: float = budgets.MODEL_TOTAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One generation, whoever serves it."""

    prompt: Prompt
    adapter: str | None
    max_tokens: int
    schema: dialect.Schema | None = None
    told: Told | None = None  # hears how many tokens the server counted, if anyone wants to know

    def messages(self) -> list[dict[str, str]]:
        """The messages as JSON can carry them: half a surrogate pair from a chat would break the request."""
        return [
            {"role": one.role, "content": one.content.encode("utf-8", "replace").decode()}
            for one in self.prompt.messages
        ]


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """A server at `url`, without its `/v1`. Connects when asked something, never before."""

    url: str
    token: str | None
    model: str | None  # as configured; None: whatever it serves
    slots: asyncio.Semaphore
    budgets: Budgets
    clock: Callable[[], float] = time.monotonic
    in_flight: int = 0  # waiting ones included
    breaker: Breaker = field(default_factory=Breaker)
    served: dialect.Served | None = None
    proofs: dict[str, tuple[bool, float]] = field(default_factory=dict)
    _probing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, path: str) -> Any:
        """GET JSON from this server; None where it has no such page. Fault."""
        return await wire.ask(self.url + path, token=self.token, connect=self.budgets.connect)

    async def knows(self) -> dialect.Served:
        """Return what this server is, asked once and again after a failure. Fault."""
        async with self._probing:
            if self.served is None:
                self.served = await dialect.probe(self.ask)
            return self.served

    async def has(self, adapter: str, judge: canary.Canary | None = None) -> bool:
        """Say whether this server really answers with this adapter. Fault."""
        match (await self.knows()).dialect.adapters:
            case "loras":
                return adapter in [lora.name for lora in await dialect.loras(self.ask)]
            case "models":
                self.served = await dialect.probe(self.ask)
                return adapter in self.served.models
            case "unlisted":
                return await canary.stands_out(self._sample, adapter, judge)

    async def proven(self, adapter: str, judge: canary.Canary | None) -> bool:
        """`has`, remembered for a while: a proof on TGI costs three short generations. Fault."""
        if (await self.knows()).dialect.adapters == "loras":
            return True  # its list is read for every request
        live, until_then = self.proofs.get(adapter, (False, 0.0))
        if self.clock() >= until_then:
            live = await self.has(adapter, judge)
            self.proofs[adapter] = live, self.clock() + (PROVEN if live else UNPROVEN)
        return live

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[AsyncGenerator[str]]:
        """Open a stream of deltas; leaving the block closes the connection, which stops the generation. Fault."""
        async with self._client(wire.EVENTS, STREAM_BYTES + TOKEN_BYTES * request.max_tokens) as client:
            counting = {"stream_options": {"include_usage": True}} if request.told else {}
            chunks = await client.chat_completion(stream=True, **counting, **await self._fields(request))
            said = texts(cast("AsyncGenerator[Any]", chunks), request.told)
            async with aclosing(until(said, request.prompt.stop)) as deltas:
                yield deltas

    def failed(self, fault: Fault) -> None:
        """Remember a failure: what the server is will be asked again, and too many open the breaker."""
        if fault.kind in STALE:
            self.served = None
            self.proofs.clear()
        if fault.kind in FAULTY:
            self.breaker.failed()
        elif fault.status:
            self.breaker.succeeded()  # it refuses, so it lives
        else:
            self.breaker.abandoned()

    async def _fields(self, request: Request) -> dict[str, Any]:
        served = await self.knows()
        loras = await dialect.loras(self.ask) if served.dialect.adapters == "loras" else ()
        return {
            "messages": request.messages(),
            "model": served.dialect.model(self.model or served.model, request.adapter),
            "max_tokens": max(1, request.max_tokens),  # without it llama.cpp runs to the end of its context
            "temperature": 0,  # left out, TGI samples at 1
            "stop": list(request.prompt.stop[: dialect.MAX_STOPS]) or None,
            "extra_body": served.dialect.own_fields(request.adapter, loras, request.schema) or None,
        }

    async def _sample(self, adapter: str | None) -> tuple[str, canary.Scores]:
        request = Request(prompt=canary.PROMPT, adapter=adapter, max_tokens=canary.TOKENS)
        async with self._client(wire.JSON) as client:
            answer = await client.chat_completion(logprobs=True, top_logprobs=canary.TOP, **await self._fields(request))
        return canary.to_scores(answer)

    def _client(self, expects: str, limit: int = wire.ANSWER_BYTES) -> wire.HubClient:
        return wire.HubClient(
            f"{self.url}/v1",
            token=self.token,
            connect=self.budgets.connect,
            limit=limit,
            expects=expects,
        )


def to_root(url: str, setting: str = "VOCERO_MODEL_URL") -> str:
    """Return a server's address without the paths of its API, whichever of them was configured. SetupError."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SetupError(f"A server's address has to look like http://host:8080: set {setting} so.")
    root = url.strip().rstrip("/")
    for tail in ("/chat/completions", "/v1"):
        root = root.removesuffix(tail).rstrip("/")
    return root
