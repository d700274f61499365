"""Proof that a server really answers with an adapter, where asking for an unknown one is silently answered by the base.

TGI lists no adapters and echoes any name. So one prompt goes to the base, to the adapter and to the base again: what
the two base answers differ in is the server's noise (batching, rounding), and an adapter has to stand out of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from core.prompt import Message, Prompt
from infra.models.failures import Fault

Canary = Callable[[str], bool]  # whether a text shows the adapter's voice, for those who know its mark

PROMPT: Final = Prompt(
    (
        Message("system", "Answer in your own voice."),
        Message("user", "Say who you are and wish me a good day, in one sentence."),
    )
)
TOKENS: Final = 24  # a greeting; enough for a voice's mark
TOP: Final = 5  # TGI's highest
STANDS_OUT: Final = 0.05  # nats: batching moves a bf16 log-probability by about .01, twenty training steps by over .3
TIMES_NOISE: Final = 4.0

Scores = Sequence[tuple[str, dict[str, float]]]  # a position: the token, and the log-probabilities of the best ones
Sample = Callable[[str | None], Awaitable[tuple[str, Scores]]]  # adapter -> what it says to PROMPT


async def stands_out(sample: Sample, adapter: str, canary: Canary | None = None) -> bool:
    """Say whether the adapter's answer is another than the base's; `canary`, if given, judges instead. Fault."""
    base, scores = await sample(None)
    text, voiced = await sample(adapter)
    if canary is not None:
        return canary(text) and not canary(base)
    _, again = await sample(None)
    return distance(scores, voiced) > max(STANDS_OUT, TIMES_NOISE * distance(scores, again))


def distance(one: Scores, other: Scores) -> float:
    """The largest difference of a token's log-probability, over the positions that were reached by the same tokens."""
    largest = 0.0
    for (token, left), (its, right) in zip(one, other, strict=False):
        shared = left.keys() & right.keys()
        largest = max([largest, *(abs(left[word] - right[word]) for word in shared)])
        if not shared:
            return float("inf")
        if token != its:
            break
    return largest


def to_scores(answer: Any) -> tuple[str, Scores]:
    """Read a chat completion with log-probabilities. Fault when the server sent none: then nothing is proven."""
    choice = answer.choices[0]
    if choice.logprobs is None or not choice.logprobs.content:
        raise Fault("rejected", sentence="The model server gives no log-probabilities, so its voice cannot be proven.")
    return choice.message.content or "", [
        (one.token, {best.token: float(best.logprob) for best in [one, *(one.top_logprobs or ())]})
        for one in choice.logprobs.content
    ]
