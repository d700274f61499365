"""What an answer takes, in tokens: as the server counted them, else as they came."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from core.ports import Speaker
from core.prompt import Prompt
from infra.models.stream import Usage

LONGEST: Final = 72  # tokens of an answer: the references have at most sixty, and a small base rambles to any limit


@dataclass(slots=True)
class Meter:
    """Hears what the server counted of one generation after the other; one at a time, or nobody knows whose it was."""

    heard: Usage | None = None

    def __call__(self, usage: Usage) -> None:
        """Keep what was counted last."""
        self.heard = usage


@dataclass(slots=True)
class Counting:
    """A speaker that counts tokens and keeps answers short."""

    speaker: Speaker
    meter: Meter | None = None
    most: int = LONGEST
    tokens: int = 0
    read: int | None = 0  # tokens in; None once a server told nothing
    _untold: list[tuple[Prompt, str | None]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.speaker.name

    def fresh(self) -> None:
        """Count from nought."""
        self.tokens, self.read = 0, 0
        self._untold.clear()

    def speak(
        self, prompt: Prompt, *, adapter: str | None = None, max_tokens: int
    ) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Open a counted stream."""
        return self._speak(prompt, adapter, min(max_tokens, self.most))

    @asynccontextmanager
    async def _speak(self, prompt: Prompt, adapter: str | None, most: int) -> AsyncIterator[AsyncIterator[str]]:
        before = self.tokens
        self._forget()
        async with self.speaker.speak(prompt, adapter=adapter, max_tokens=most) as deltas:
            yield self._counted(deltas)
        if heard := self._heard():
            self.tokens = before + heard.completion
            self._add(heard.prompt)
        else:
            self._untold.append((prompt, adapter))

    async def _counted(self, deltas: AsyncIterator[str]) -> AsyncGenerator[str]:
        async for delta in deltas:
            self.tokens += 1
            yield delta

    async def settle(self) -> None:
        """Learn the tokens in of what was not heard to its end: the same is asked again for one token."""
        for prompt, adapter in self._untold:
            self._forget()
            if self.meter:
                async with self.speaker.speak(prompt, adapter=adapter, max_tokens=1) as deltas:
                    async for _ in deltas:
                        pass
            heard = self._heard()
            self._add(heard.prompt if heard else None)
        self._untold.clear()

    def _add(self, tokens: int | None) -> None:
        self.read = None if tokens is None or self.read is None else self.read + tokens

    def _forget(self) -> None:
        if self.meter:
            self.meter.heard = None

    def _heard(self) -> Usage | None:
        return self.meter.heard if self.meter else None
