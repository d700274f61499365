"""A model server in a process of its own that keeps time: a first token after a while, then one at a steady pace.

It says back the beginning of the first passage it was shown, in cited sentences, so that every check lets it pass. Its
frames are written by hand, since what they cost would count for whoever is measured. Ready when it prints its port.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

FIRST = 0.4  # seconds: the prompt of six passages on a small GPU
EACH = 0.02  # seconds: fifty tokens a second for every reader
SENTENCE = 12  # words
SENTENCES = 5
INFO = {"model_id": "paced", "max_total_tokens": 4096, "version": "3.3.7"}


async def chat(request: web.Request) -> web.StreamResponse:
    """Stream an answer, each token at its time, however late the one before was."""
    asked = (await request.json())["messages"][-1]["content"]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    clock = asyncio.get_running_loop().time
    due = clock() + FIRST
    tokens = re.findall(r"\s*\S+", says(asked))
    for place, token in enumerate(tokens, 1):
        await asyncio.sleep(due - clock())
        due += EACH
        choice = {"index": 0, "delta": {"role": "assistant", "content": token}, "logprobs": None}
        choice["finish_reason"] = "stop" if place == len(tokens) else None
        frame = {"id": "", "object": "chat.completion.chunk", "created": 1, "model": "paced", "choices": [choice]}
        await response.write(f"data: {json.dumps(frame)}\n\n".encode())
    with suppress(ConnectionResetError):  # a client has all it needs before this
        await response.write(b"data: [DONE]\n\n")
    return response


def says(asked: str) -> str:
    """Return sentences made of a prompt's first passage, or of the prompt when it has none."""
    passage = re.search(r"^\[1\][^\n]*\n(.+?)\n\n", asked, re.MULTILINE | re.DOTALL)
    words = re.sub(r"[^\w\s]", "", passage[1] if passage else asked).split()
    parts = [words[at : at + SENTENCE] for at in range(0, min(len(words), SENTENCE * SENTENCES), SENTENCE)]
    return " ".join(f"{' '.join(part).capitalize()} [1]." for part in parts)


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Yield the address of a server in a process of its own."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fakes.paced"), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        async with asyncio.timeout(30):
            port = int(await child.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        child.kill()
        await child.wait()


async def main() -> None:
    """Serve until killed."""
    app = web.Application()
    app.router.add_get("/info", lambda _: asyncio.sleep(0, web.json_response(INFO)))
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
