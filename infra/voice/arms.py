"""Every way of answering, asked the held-back questions through the bot itself: measured is what people would see."""

import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.audience import EVERYONE
from core.bot import Bot
from core.comparison import Said
from core.documents import Receipt
from core.errors import InputError
from core.examples import Example, holds
from core.grounding import Guard
from core.messages import Answer, Arm, Done, Event, Outcome, Question, Turn
from core.ports import Embedder, Knowledge, Librarian, Speaker
from core.prompt import write
from infra.voice.adapter import Adapter
from infra.voice.counting import Counting, Meter

SHOTS: Final = 5  # examples in the prompt of the prompted voice
SHORT: Final = 32  # tokens of an answer to a plain task
GENERAL: Final = Path(__file__).with_name("general.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all arms share."""

    knowledge: Knowledge
    librarian: Librarian
    embedder: Embedder
    speaker: Speaker
    workspace: str
    guard: Guard
    voiced: bool
    meter: Meter | None = None  # hears what the speaker's server counted


@dataclass(frozen=True, slots=True)
class Alone:
    """Memory, cache and journal of a measurement: they keep nothing; and one voice, always live."""

    adapter: Adapter | None = None
    arm: Arm = Arm.RAG
    kept: list[str] = field(default_factory=list)

    async def recall(self, question: Question) -> tuple[Turn, ...]:  # noqa: ARG002
        """Return no turns."""
        return ()

    async def remember(self, question: Question, answer: Answer) -> None:
        """Keep nothing."""

    async def find(self, workspace: str, key: str) -> Answer | None:  # noqa: ARG002
        """Return None."""
        return None

    async def keep(self, workspace: str, key: str, answer: Answer, *, seconds: float) -> None:
        """Keep nothing."""

    async def purge(self, workspace: str, document: str) -> int:  # noqa: ARG002
        """Return 0."""
        return 0

    async def note(self, question: Question, answer: Answer) -> str:  # noqa: ARG002
        """Record nothing."""
        return ""

    async def gap(self, question: Question) -> None:
        """Keep nothing."""

    async def erase(
        self,
        workspace: str,  # noqa: ARG002
        *,
        conversation: str = "",  # noqa: ARG002
        user: str = "",  # noqa: ARG002
    ) -> tuple[tuple[str, int], ...]:
        """Return nothing."""
        return ()

    async def file(self, receipt: Receipt) -> None:
        """Keep nothing."""

    async def forget(self, workspace: str, *, conversation: str = "", user: str = "", document: str = "") -> int:  # noqa: ARG002
        """Return 0."""
        return 0

    async def live(self, workspace: str) -> tuple[Arm, str | None]:  # noqa: ARG002
        """Return the one adapter."""
        return self.arm, self.adapter.name if self.adapter else None

    def stems(self, adapter: str | None) -> frozenset[str]:
        """Return its stems."""
        return self.adapter.stems if self.adapter and adapter else frozenset()


def shots(examples: Sequence[Example]) -> str:
    """Return the prompted voice: five training examples, the shortest of the commonest language, as it is to sound."""
    counted = Counter(e.language for e in examples)
    tongue = max(sorted(counted), key=lambda name: counted[name], default="")
    chosen = sorted((e for e in examples if e.language == tongue), key=lambda e: (len(e.answer), e.id))[:SHOTS]
    pairs = "\n\n".join(f"Question: {e.question}\nAnswer: {e.answer}" for e in chosen)
    return f"answer in the manner of these examples, whatever the subject.\n\n{pairs}"


async def ask(
    stage: Stage,
    arm: Arm | None,
    examples: Sequence[Example],
    *,
    adapter: Adapter | None = None,
    voice: str = "",
    knowledge: Knowledge | None = None,
    tell: Callable[[], None] = lambda: None,
) -> dict[str, Said]:
    """Return what one arm says to every question; without an arm no model writes unless it does so by itself."""
    counting, alone = Counting(stage.speaker, stage.meter), Alone(adapter, arm if adapter and arm else Arm.RAG)
    bot = Bot(
        knowledge=knowledge or stage.knowledge,
        librarian=stage.librarian,
        embedder=stage.embedder,
        memory=alone,
        cache=alone,
        journal=alone,
        voices=alone,
        guard=stage.guard,
        speaker=counting,
        voiced=stage.voiced,
        voice=voice,
    )
    said = {}
    for example in examples:
        counting.fresh()
        began = time.monotonic()
        question = Question(text=example.question, workspace=stage.workspace, audience=EVERYONE, arm=arm, cached=False)
        answer = await _last(bot.answer(question))
        seconds = time.monotonic() - began
        await counting.settle()
        said[example.id] = Said(answer=answer, tokens=counting.tokens, seconds=seconds, tokens_in=counting.read)
        tell()
    return said


async def _last(events: AsyncGenerator[Event]) -> Answer:
    answer = None
    async for event in events:
        if isinstance(event, Done):
            answer = event.answer
    if answer is None:
        raise RuntimeError("an answer ended without its end")
    if answer.outcome in (Outcome.REFUSED, Outcome.FAILED):
        raise InputError(f"Not every question could be asked, so nothing was measured: {answer.text}")
    if any("model is not answering" in note for note in answer.notes):
        raise InputError(f"The model did not answer every question, so nothing was measured: {answer.notes[0]}")
    return answer


async def solve(speaker: Speaker, adapter: str | None, tell: Callable[[], None] = lambda: None) -> list[float]:
    """Return for each of thirty plain tasks outside the domain whether it was solved."""
    solved = []
    for line in GENERAL.read_text(encoding="utf-8").splitlines():
        task = json.loads(line)
        async with speaker.speak(write(Arm.BASE, task["question"]), adapter=adapter, max_tokens=SHORT) as deltas:
            text = "".join([delta async for delta in deltas])
        solved.append(float(holds(text, task["accepted"])))
        tell()
    return solved
