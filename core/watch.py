"""A stopwatch for the stages of one answer, and who else may watch."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from core.messages import Answer, Question, Timings

Seen = Callable[[Answer], None]
Witness = Callable[[Question], AbstractContextManager[Seen]]  # must neither raise nor wait


@contextmanager
def unwatched(_: Question) -> Iterator[Seen]:
    """The witness that looks away."""
    yield lambda _: None


class Watch:
    """Runs from its making; stages add up under their names."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._spent: dict[str, float] = {}
        self._first: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the block's seconds under a field of `Timings`."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._spent[name] = self._spent.get(name, 0.0) + time.perf_counter() - begun

    def token(self) -> None:
        """Note the model's first token."""
        self._first.setdefault("first_token", time.perf_counter() - self._begun)

    def shown(self) -> None:
        """Note the first sentence that was shown."""
        self._first.setdefault("first_shown", time.perf_counter() - self._begun)

    def read(self) -> Timings:
        """Return what was measured so far."""
        return Timings(**self._spent, **self._first, total=time.perf_counter() - self._begun)
