"""Sees every delivery to its end, once: accept, order, signs of life, take-over, hand-over, for every platform.

A platform accepts an arrival *before* it acknowledges it; the work then runs here, in the order of its conversation.
Nothing in this process is the truth: whoever dies, the row's lease runs out and another process's reaper continues.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Protocol, Self

from core.ending import end
from core.errors import BotError, KnowledgeDown, UnavailableError
from core.fairness import Places
from core.inbox import BEAT, Arrival, Inbox, Work

AT_ONCE: Final = 32  # works in hand; the others wait accepted
LINE: Final = 3  # acceptances at once, and other steps of the inbox: together most of the database's connections
SIGNS: Final = 2  # signs of life at once, beside the line: a thousand that wait must not stand before one that answers
REAPED: Final = 16  # taken over a beat
TRIES: Final = 3  # of a work that fails; then the asker is told
DEATHS: Final = 45  # attempts that neither explains: the work is taken for what kills the processes
REST: Final = 300.0  # seconds, at most, between two tries while a service is down
ORDER: Final = 10.0  # seconds, at most, that a work waits for an earlier one of its conversation in another process
LOOK: Final = 0.1  # seconds until it looks again
GRACE: Final = 20.0  # seconds that works in hand have to end at a stop; orchestrators wait 30
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds from acceptance: until when a work that a service's absence holds up is tried, and its asker told.

    After `patience` the asker is told that it could not be done, if the platform takes that. If it is the platform that
    is away, the answer is kept for them until `answered`, and from then on a sentence that it was given up, until
    `told`; only after that nobody can be told any more.
    """

    patience: float = 600.0
    answered: float = 2 * 3600.0
    told: float = 24 * 3600.0


DEADLINES: Final = Deadlines()


class LeaseLost(BotError):
    """Another process has the work: say nothing more."""


@dataclass(slots=True)
class Held:
    """A work in our hands, as its handler sees it."""

    work: Work
    inbox: Inbox = field(repr=False)
    placeholder: str = ""

    @property
    def payload(self) -> Mapping[str, Any]:
        """What the platform delivered."""
        return self.work.arrival.payload

    @property
    def again(self) -> bool:
        """Whether a predecessor may have shown something already."""
        return self.work.attempt > 1

    async def claim(self, message_key: str) -> bool:
        """Claim the message; False when another event about it was first. KnowledgeDown."""
        return await self.inbox.claim(self.work, message_key)

    async def note(self, placeholder: str) -> None:
        """Note where the visible answer stands. LeaseLost, KnowledgeDown."""
        self.placeholder = placeholder
        await self.own(placeholder)

    async def own(self, placeholder: str = "") -> None:
        """Make sure that the work is still ours, right before something is shown. LeaseLost, KnowledgeDown."""
        if not await self.inbox.hold(self.work, placeholder):
            raise LeaseLost("Another process has taken this over.")


class _Lined:
    """An inbox whose callers stand in line, so that a herd waits instead of being shed by the database's pool."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox, self._line, self._door = inbox, asyncio.Semaphore(LINE), asyncio.Semaphore(LINE)

    async def accept(self, arrival: Arrival) -> Work | None:
        async with self._door:  # of its own: Slack waits for this one only
            return await self._inbox.accept(arrival)

    async def claim(self, work: Work, message_key: str) -> bool:
        async with self._line:
            return await self._inbox.claim(work, message_key)

    async def hold(self, work: Work, placeholder: str = "") -> bool:
        async with self._line:
            return await self._inbox.hold(work, placeholder)

    async def sign(self, work: Work) -> bool:
        return await self._inbox.hold(work)  # whoever gives them sees to their line

    async def settle(self, work: Work, state: str = "done") -> bool:
        async with self._line:
            return await self._inbox.settle(work, state)

    async def release(self, work: Work) -> None:
        async with self._line:
            await self._inbox.release(work)

    async def defer(self, work: Work, seconds: float) -> None:
        async with self._line:
            await self._inbox.defer(work, seconds)

    async def behind(self, work: Work, own: Collection[int]) -> bool:
        async with self._line:
            return await self._inbox.behind(work, own)

    async def waited(self, work: Work) -> tuple[int, float]:
        async with self._line:
            return await self._inbox.waited(work)

    async def reap(self, platform: str, most: int) -> list[Work]:
        async with self._line:
            return await self._inbox.reap(platform, most)


class Handler(Protocol):
    """What a platform does with its deliveries."""

    async def handle(self, held: Held) -> str:
        """Do the work and return its end: `done` or `ignored`. Any error is a failed try."""
        ...

    async def give_up(self, held: Held) -> None:
        """Tell the asker that it cannot be done; the last that happens to a work. UnavailableError: tell them later."""
        ...


@dataclass(slots=True)
class _Turn:
    """A place in a conversation's queue; it ends only after the one before it."""

    before: "asyncio.Future[None] | None"
    ended: "asyncio.Future[None]"

    def end(self) -> None:
        if self.ended.done():
            return
        if self.before is None or self.before.done():
            self.ended.set_result(None)
        else:
            self.before.add_done_callback(lambda _: self.end())


@dataclass(slots=True)
class _Entry:
    """A work in this process. `ended` under its lock: no sign of life may follow a hand-over and undo it."""

    work: Work
    turn: _Turn
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended: bool = False


class Reception:
    """Accepts arrivals of one `platform` (the beginning of its workspaces' names) and runs them by `handler`.

    `async with` starts the reaper; leaving the block drains: works in hand get `grace` seconds, the others are handed
    over at once, after `parting` has told those who wait for them.
    """

    def __init__(
        self,
        inbox: Inbox,
        handler: Handler,
        *,
        platform: str,
        beat: float = BEAT,
        at_once: int = AT_ONCE,
        grace: float = GRACE,
        deadlines: Deadlines = DEADLINES,
        parting: "Callable[[Sequence[Work]], Coroutine[Any, Any, None]] | None" = None,
    ) -> None:
        self._parting = parting
        self._inbox, self._handler, self._platform = _Lined(inbox), handler, platform
        self._beat, self._grace, self._deadlines = beat, grace, deadlines
        self._places, self._signs = Places(at_once), asyncio.Semaphore(SIGNS)
        self._tails: dict[str, asyncio.Future[None]] = {}
        self._works: dict[asyncio.Task[None], _Entry] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self.closing = False

    @property
    def busy(self) -> int:
        """How many works are accepted here and not ended."""
        return len(self._works)

    async def accept(self, arrival: Arrival) -> bool:
        """Make an arrival durable and begin it; False when it was accepted before. KnowledgeDown: do not acknowledge.

        The place in the conversation is taken before the row is written, so that deliveries keep their order.
        """
        if self.closing:
            raise KnowledgeDown("The bot is stopping; the message will be delivered to another process.")
        turn = self._queue(arrival.conversation)
        try:
            work = await self._inbox.accept(arrival)
        except BaseException:
            turn.end()
            raise
        if work is None:
            turn.end()
            return False
        self._start(work, turn)
        return True

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing = True
        await self._hand_over(set(self._works) - self._running)
        if self._works:
            await asyncio.wait(set(self._works), timeout=self._grace)
        await self._hand_over(set(self._works))
        if self._keeper:
            await end(self._keeper)

    async def _hand_over(self, tasks: "set[asyncio.Task[None]]") -> None:
        """Stop works, begun or not, and let another process have them; those who wait are told before it may."""
        entries, begun = [self._works[task] for task in tasks], tasks & self._running
        unbegun = [self._works[task].work for task in tasks - begun]
        await end(*tasks)
        if self._parting and unbegun:
            await self._quietly(self._parting(unbegun))
        for entry in entries:
            if not entry.ended:
                await self._end(entry, self._inbox.release(entry.work))

    def _queue(self, conversation: str) -> _Turn:
        turn = _Turn(self._tails.get(conversation), asyncio.get_running_loop().create_future())
        self._tails[conversation] = turn.ended
        turn.ended.add_done_callback(lambda ended: self._leave(conversation, ended))
        return turn

    def _leave(self, conversation: str, ended: "asyncio.Future[None]") -> None:
        if self._tails.get(conversation) is ended:
            del self._tails[conversation]

    def _start(self, work: Work, turn: _Turn) -> None:
        entry = _Entry(work, turn)
        task = asyncio.create_task(self._see_to(entry))
        self._works[task] = entry
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        self._works.pop(task).turn.end()
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("work_broke", exc_info=error)

    async def _see_to(self, entry: _Entry) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this only ever runs as a task
        if entry.turn.before is not None:
            await asyncio.shield(entry.turn.before)
        if entry.work.behind:
            await self._order(entry.work)
        async with self._places.place(entry.work.arrival.flow):
            self._running.add(task)
            await self._run(entry)

    async def _order(self, work: Work) -> None:
        """Wait until no other process has an earlier work of the conversation in hand; not for ever."""
        until = asyncio.get_running_loop().time() + ORDER
        while asyncio.get_running_loop().time() < until:
            try:
                if not await self._inbox.behind(work, self._lined(work)):
                    return
            except BotError:
                return  # what needs the database will say so
            await asyncio.sleep(LOOK)

    def _lined(self, work: Work) -> list[int]:
        """Return the works of a conversation that stand in this process's own line; those taken over do not."""
        here = (entry.work for entry in self._works.values() if entry.work.attempt == 1)
        return [other.id for other in here if other.arrival.conversation == work.arrival.conversation]

    async def _run(self, entry: _Entry) -> None:
        work = entry.work
        held = Held(work, self._inbox, work.placeholder)
        try:
            state = await self._handler.handle(held) if await self._worth(work) else "failed"
        except LeaseLost:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again and then said
            _log.warning("work_failed", extra={"attempt": work.attempt, "error": type(error).__name__}, exc_info=error)
            if work.attempt < TRIES:
                await self._end(entry, self._inbox.release(work))  # the next beat's reaper tries again
                return
            if isinstance(error, UnavailableError) and await self._put_off(entry, self._deadlines.patience):
                return
            state = "failed"
        if state != "failed" or await self._given_up(entry, held):
            await self._end(entry, self._inbox.settle(work, state))

    async def _worth(self, work: Work) -> bool:
        """Whether to try it: not what kills the processes, nor what nobody waits for any more. KnowledgeDown."""
        if work.attempt <= TRIES:
            return True
        deferred, age = await self._inbox.waited(work)
        return work.attempt - deferred <= DEATHS and age < self._deadlines.answered

    async def _put_off(self, entry: _Entry, until: float) -> bool:
        """Let a work rest, longer the longer it waits; False when `until`, in seconds from its acceptance, is over."""
        try:
            _, age = await self._inbox.waited(entry.work)
        except BotError:
            entry.ended = True  # the database itself is away: no sign of life any more, the lease runs out
            return True
        if age >= until:
            return False
        await self._end(entry, self._inbox.defer(entry.work, min(REST, max(3 * self._beat, age / 4))))
        return True

    async def _given_up(self, entry: _Entry, held: Held) -> bool:
        """Tell the asker; False when that was put off, since the platform is away."""
        try:
            await self._handler.give_up(held)
        except UnavailableError as error:
            if await self._put_off(entry, self._deadlines.told):
                return False
            _log.error("asker_not_told", extra={"error": type(error).__name__})
        except Exception as error:  # noqa: BLE001 - the last step: what breaks here would break again
            _log.warning("step_failed", extra={"error": type(error).__name__}, exc_info=error)
        return True

    async def _end(self, entry: _Entry, step: "Coroutine[Any, Any, object]") -> None:
        try:
            async with entry.lock:
                entry.ended = True
                await self._quietly(step)
        finally:
            step.close()  # one that was cancelled before it began

    async def _quietly(self, step: "Coroutine[Any, Any, object]") -> None:
        """Do what must not fail the work: if it does, the lease runs out and the work is taken up again."""
        try:
            await step
        except Exception as error:  # noqa: BLE001
            _log.warning("step_failed", extra={"error": type(error).__name__}, exc_info=error)

    async def _keep(self) -> None:
        """Give signs of life for what is in hand and take over what others left."""
        while True:
            await asyncio.sleep(self._beat)
            await asyncio.gather(*(self._sign(task, entry) for task, entry in list(self._works.items())))
            if not self.closing:
                await self._quietly(self._reap())

    async def _sign(self, task: "asyncio.Task[None]", entry: _Entry) -> None:
        async with self._signs, entry.lock:  # in this order: a work that ends waits for its own sign at most
            if entry.ended:
                return
            try:
                held = await self._inbox.sign(entry.work)
            except BotError:
                return  # unknown: the lease may run out, and then every write is refused
            if not held and not task.done():
                entry.ended = True
                task.cancel()

    async def _reap(self) -> None:
        most = min(REAPED, max(0, 2 * AT_ONCE - self.busy))
        for work in await self._inbox.reap(self._platform, most) if most else ():
            # out of this process's line: a later one in it may be waiting for this very work
            self._start(work, _Turn(None, asyncio.get_running_loop().create_future()))
