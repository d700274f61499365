"""From the hub client's chunks to text: complete or an error, never more than was asked for."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from infra.models.failures import Fault

ANSWER_CHARACTERS: Final = 32_000  # eight times Slack's longest message: who sends more is not answering
BROKEN: Final = ("abort", "error")  # vLLM's finish reasons for a generation that it gave up


@dataclass(frozen=True, slots=True)
class Usage:
    """What the server counted of one whole generation, in tokens: what it read, and what it wrote."""

    prompt: int
    completion: int


Told = Callable[[Usage], None]


async def texts(chunks: AsyncGenerator[Any], told: Told | None = None) -> AsyncGenerator[str]:
    """Yield the deltas that are not empty; only a `finish_reason` ends an answer, or a cut one would pass. Fault.

    `told` hears what the server counted, which comes after the end, if it comes at all.
    """
    characters = 0
    async with aclosing(chunks):
        async for chunk in chunks:
            text, finish = _read(chunk)
            characters += len(text)
            if characters > ANSWER_CHARACTERS:
                raise Fault("garbage")
            if text:
                yield text
            if finish:
                if finish in BROKEN:
                    raise Fault("cut")
                if told is not None:
                    await _counted(chunk, chunks, told)
                return
    raise Fault("cut")


async def until(deltas: AsyncGenerator[str], stops: Sequence[str]) -> AsyncGenerator[str]:
    """Yield what comes before the first stop sequence, however the text is cut into deltas.

    Servers differ: TGI hands the stop sequence out as text, others keep it, and all take only a few.
    """
    held = ""
    async with aclosing(deltas):
        async for delta in deltas:
            held += delta
            if (end := _stopped(held, stops)) is not None:
                if held[:end]:
                    yield held[:end]
                return
            ready = len(held) - _begun(held, stops)
            if ready:
                yield held[:ready]
            held = held[ready:]
    if held:
        yield held


async def _counted(last: Any, rest: AsyncGenerator[Any], told: Told) -> None:
    """Hand on the usage: of the last chunk, or of one without text that follows it."""
    usage = getattr(last, "usage", None)
    async for chunk in rest:
        usage = getattr(chunk, "usage", None) or usage
    if usage is not None:
        told(Usage(int(usage.prompt_tokens), int(usage.completion_tokens)))


def _read(chunk: Any) -> tuple[str, str | None]:
    """The text and finish reason of one chunk; a usage chunk has no choices, a role chunk no text."""
    if not isinstance(chunk.choices, list):
        raise Fault("garbage")
    if not chunk.choices:
        return "", None
    choice = chunk.choices[0]
    text = choice.delta.content if choice.delta is not None else None
    if text is not None and not isinstance(text, str):
        raise Fault("garbage")
    return text or "", choice.finish_reason


def _stopped(text: str, stops: Sequence[str]) -> int | None:
    """Where the stop sequence that completes first begins."""
    found = [(at + len(stop), at) for stop in stops if (at := text.find(stop)) >= 0]
    return min(found)[1] if found else None


def _begun(text: str, stops: Sequence[str]) -> int:
    """How many characters at the end may be the beginning of a stop sequence."""
    longest = max((len(stop) for stop in stops), default=1) - 1
    ends = range(min(longest, len(text)), 0, -1)
    return next((size for size in ends if any(stop.startswith(text[-size:]) for stop in stops)), 0)
