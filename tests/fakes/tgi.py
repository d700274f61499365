"""A TGI that speaks by script, judged by TGI's own OpenAPI file. By hand: python -m tests.fakes.tgi --port 8080

What it receives and what it means to be right is validated; a violation fails the test at the end of its block. What it
does wrong is listed in `faults.py`. `FakeVllm` beside it answers in vLLM's shapes.
"""

import argparse
import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.fakes.faults import FAULTS
from tests.fakes.openapi import Judge

TEXT = "Refunds take five working days [1]."
HEADERS = {"Content-Type": "text/event-stream"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(kw_only=True)
class FakeTgi:
    """Use as `async with FakeTgi(...) as fake`, then talk to `fake.url`. Fields may be changed between requests."""

    text: str = TEXT
    delay: float = 0.0  # seconds before each token
    adapters: dict[str, str] = field(default_factory=dict)  # name -> its text; an unknown name is silently the base
    key: str | None = None
    noise: float = 0.0  # log-probabilities move by this between two equal requests
    fault: str = ""  # one of faults.FAULTS: every chat request ends so
    model: str = "acme/falcon-7b-instruct"
    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left: int = 0  # how many clients left before their answer was complete
    open: int = 0  # how many generations run now
    most: int = 0  # how many ever ran at once

    async def __aenter__(self) -> Self:
        self._judge = Judge("tgi")
        self._changed = asyncio.Event()
        app = web.Application(middlewares=[self._gate])
        self.routes(app.router)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, kind: object, *rest: object) -> None:
        await self._runner.cleanup()
        if kind is None:
            assert not self.problems, self.problems

    @property
    def url(self) -> str:
        """The address that `VOCERO_MODEL_URL` would hold."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def chats(self) -> list[dict[str, Any]]:
        """The bodies of all chat requests."""
        return [one.body for one in self.seen if one.path.endswith("/chat/completions")]

    async def saw(self, condition: Callable[[], bool], *, within: float = 3.0) -> bool:
        """Wait until `condition` holds for what the fake counts."""
        async with asyncio.timeout(within):
            while not condition():
                self._changed.clear()
                await self._changed.wait()
        return True

    def routes(self, router: web.UrlDispatcher) -> None:
        """The pages of this kind of server."""
        router.add_get("/health", self._health)
        router.add_get("/info", self._info)
        router.add_get("/v1/models", self._models)
        router.add_post("/v1/chat/completions", self._chat)

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.seen.append(Seen(path=request.path, headers=dict(request.headers), body=body))
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.Response(status=401)
        return await handler(request)

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _info(self, request: web.Request) -> web.Response:
        limits = {"max_concurrent_requests": 128, "max_best_of": 2, "max_stop_sequences": 4, "max_input_tokens": 4095}
        sizes = {"max_total_tokens": 4096, "validation_workers": 2, "max_client_batch_size": 4}
        return self._right("Info", {"model_id": self.model, "router": "tgi", "version": "3.3.7", **limits, **sizes})

    async def _models(self, request: web.Request) -> web.Response:
        model = {"id": self.model, "object": "model", "created": 0, "owned_by": self.model}
        self.problems += self._judge.problems("ModelInfo", model)
        return web.json_response({"object": "list", "data": [model]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = self.seen[-1].body
        self.problems += self.wrong(body)
        if refused := self.refuses(body):
            return refused
        self.open += 1
        self.most = max(self.most, self.open)
        self._changed.set()
        try:
            if self.fault:
                return await FAULTS[self.fault](request)
            return await (self._stream(request, body) if body.get("stream") else self._whole(body))
        except (asyncio.CancelledError, ConnectionResetError):
            self.left += 1
            raise
        finally:
            self.open -= 1
            self._changed.set()

    def wrong(self, body: Any) -> list[str]:
        """What is wrong with a chat request, by TGI's file and by what TGI does with it."""
        found = self._judge.problems("ChatRequest", body)
        found += [f"presence_penalty {body[key]}: TGI adds 2 to it" for key in ("presence_penalty",) if key in body]
        found += ["no max_tokens"] if not body.get("max_tokens") else []
        found += [f"{len(body['stop'])} stop sequences"] if len(body.get("stop", ())) > 4 else []
        return found

    def refuses(self, body: Any) -> web.Response | None:
        """The answer to a request that this kind of server does not take; TGI takes every model name."""
        return None

    def says(self, body: Any) -> str:
        """What it answers: the adapter's text for a name it knows, the base's for all others."""
        if "response_format" in body:
            return '{"answer": "' + self.text + '"}'
        return self.adapters.get(body.get("model", ""), self.text)

    async def _whole(self, body: Any) -> web.Response:
        tokens = to_tokens(self.says(body))[: body["max_tokens"]]
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": "".join(tokens)},
            "finish_reason": "stop",
            "logprobs": None,
        }
        if body.get("logprobs"):
            choice["logprobs"] = {"content": [self._scored(token) for token in tokens]}
        usage = self._usage(body, len(tokens))
        return self._right("ChatCompletion", {**self._frame(body), "choices": [choice], "usage": usage})

    def _usage(self, body: Any, written: int) -> dict[str, int]:
        """Count the prompt's words for its tokens."""
        read = sum(len(to_tokens(message["content"])) for message in body["messages"])
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    async def _stream(self, request: web.Request, body: Any) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        async for event in self.events(body):
            await response.write(f"data: {json.dumps(event)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response

    async def events(self, body: Any) -> AsyncIterator[dict[str, Any]]:
        """The chunks of a stream, each judged."""
        tokens = to_tokens(self.says(body))
        spoken = tokens[: body["max_tokens"]] or [""]
        for place, token in enumerate(spoken, 1):
            await asyncio.sleep(self.delay)
            end = None if place < len(spoken) else "stop" if len(spoken) >= len(tokens) else "length"
            delta = {"role": "assistant", "content": token}
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}
            chunk = {**self._frame(body), "choices": [choice], "usage": None}
            self.problems += self._judge.problems("ChatCompletionChunk", chunk)
            yield chunk
        if (body.get("stream_options") or {}).get("include_usage"):
            counted = {**self._frame(body), "choices": [], "usage": self._usage(body, len(spoken))}
            self.problems += self._judge.problems("ChatCompletionChunk", counted)
            yield counted

    def _frame(self, body: Any) -> dict[str, Any]:
        kind = "chat.completion.chunk" if body.get("stream") else "chat.completion"
        named = body.get("model") or self.model  # as TGI does: the name that was asked for, known or not
        return {"id": "", "object": kind, "created": 1, "model": named, "system_fingerprint": "3.3.7-native"}

    def _scored(self, token: str) -> dict[str, Any]:
        drift = self.noise * (len(self.seen) % 2)
        best = [{"token": word, "logprob": _score(token, word) + drift} for word in (token, " the", " a")]
        return {**best[0], "top_logprobs": best}

    def _right(self, schema: str, document: Any) -> web.Response:
        self.problems += self._judge.problems(schema, document)
        return web.json_response(document)


def to_tokens(text: str) -> list[str]:
    """Cut a text into words with the blanks before them; joined they are the text."""
    return re.findall(r"\s*\S+|\s+$", text)


def _score(context: str, word: str) -> float:
    """A log-probability that depends on where it stands and on nothing else."""
    return -hashlib.sha256(f"{context}|{word}".encode()).digest()[0] / 32


async def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--text", default=TEXT)
    parser.add_argument("--delay", type=float, default=0.05)
    parser.add_argument("--fault", choices=["", *FAULTS], default="")
    async with FakeTgi(**vars(parser.parse_args())) as fake:
        print(f"a fake TGI on {fake.url}")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
