"""One answer an event, one version a document: the contracts most likely to break, by state machines on real Postgres.

Time passes by moving a lease into the past, a death is a work in hand that is forgotten; what the database then holds
is compared with a model of a few lines. Planted faults (no attempt in `settle`, no order in `live`) were found by both.
"""

import asyncio
import os
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core.audience import EVERYONE
from core.inbox import Arrival, Work
from infra.knowledge.readers.parsed import Parsed
from infra.postgres.inbox import PostgresInbox
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company, read_markdown
from tests.postgres import APPLICATION, Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

T = TypeVar("T")
EXAMPLES = int(os.environ.get("VOCERO_TEST_EXAMPLES", "100"))
RULES = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    derandomize="VOCERO_TEST_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
SLOWER = settings(RULES, max_examples=EXAMPLES // 5, stateful_step_count=20)  # a learning is a dozen statements


@dataclass
class World:
    """One database, and a loop of its own to talk to it from a machine, which is not asynchronous."""

    admin: psycopg.Connection
    database: Database
    loop: asyncio.AbstractEventLoop
    spaces: int = 0

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        """Run a step to its end."""
        return self.loop.run_until_complete(step)

    def space(self) -> str:
        """Return a workspace that nobody has used."""
        self.spaces += 1
        return f"slack/M{self.spaces}"


@pytest.fixture(scope="module")
def world(postgres_server: Server) -> Iterator[World]:
    """Open a database of its own."""
    urls, loop = postgres_server.database(), asyncio.new_event_loop()
    loop.run_until_complete(migrate(urls.admin, APPLICATION))
    database = Database(urls.application, connections=2)
    loop.run_until_complete(database.__aenter__())
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        yield World(admin, database, loop)
    loop.run_until_complete(database.__aexit__(None, None, None))
    loop.close()


@dataclass
class Event:
    """What must be true of one event."""

    attempt: int = 1
    state: str = "doing"
    lapsed: bool = False
    message: str = ""
    ends: int = 0


class InboxMachine(RuleBasedStateMachine):
    """Processes that accept, die, wake up again and write, in any order."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.inbox, self.space = PostgresInbox(self.world.database), self.world.space()
        self.events: dict[str, Event] = {}
        self.hands: list[Work] = []

    def mine(self, work: Work) -> bool:
        """Whether the model says that this work is its holder's."""
        event = self.events[work.arrival.event_key]
        return event.state == "doing" and event.attempt == work.attempt

    def pick(self, data: st.DataObject) -> tuple[Work, Event]:
        """Draw a work in someone's hands, perhaps long lost."""
        work = data.draw(st.sampled_from(self.hands))
        return work, self.events[work.arrival.event_key]

    def running(self) -> list[str]:
        """Return the events that are not at their end."""
        return sorted(key for key, event in self.events.items() if event.state == "doing")

    @rule(key=st.sampled_from("abcd"))
    def deliver(self, key: str) -> None:
        """A platform delivers, the first time or again."""
        arrival = Arrival(workspace=self.space, event_key=key, conversation="c", payload={"text": key})
        work = self.world.run(self.inbox.accept(arrival))
        assert (work is None) == (key in self.events)
        if work:
            self.events[key] = Event()
            self.hands.append(work)

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), message=st.sampled_from("xy"))
    def claim(self, data: st.DataObject, message: str) -> None:
        """Two events are about one message."""
        work, event = self.pick(data)
        taken = any(other.message == message for other in self.events.values() if other is not event)
        won = self.world.run(self.inbox.claim(work, message))
        assert won == (self.mine(work) and not taken)
        if won:
            event.message = message

    @precondition(lambda self: self.running())
    @rule(data=st.data(), taken=st.booleans())
    def time_passes(self, data: st.DataObject, taken: bool) -> None:
        """A lease runs out, and perhaps another process takes the work over at once, while the first one lives on."""
        key = data.draw(st.sampled_from(self.running()))
        self.world.admin.execute(
            "update vocero.inbox i set lease = now() - interval '1 s' from vocero.workspace w"
            " where w.id = i.workspace and w.name = %s and i.event_key = %s",
            (self.space, key),
        )
        self.events[key].lapsed = True
        if taken:
            self.reap(3)

    @rule(most=st.integers(1, 3))
    def reap(self, most: int) -> None:
        """Another process takes over what has lapsed, and nothing else."""
        due = {key for key, event in self.events.items() if event.lapsed and event.state == "doing"}
        works = self.world.run(self.inbox.reap(self.space, most))
        assert {w.arrival.event_key for w in works} <= due
        assert len(works) == min(most, len(due))
        for work in works:
            event = self.events[work.arrival.event_key]
            event.attempt, event.lapsed = event.attempt + 1, False
            assert (work.attempt, work.arrival.payload) == (event.attempt, {"text": work.arrival.event_key})
            self.hands.append(work)

    @precondition(lambda self: len(self.hands) > 2)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """A process ends with its work."""
        self.hands.remove(self.pick(data)[0])

    @precondition(lambda self: self.hands)
    @rule(data=st.data())
    def hold(self, data: st.DataObject) -> None:
        """A process gives a sign of life, perhaps too late."""
        work, event = self.pick(data)
        assert self.world.run(self.inbox.hold(work)) == self.mine(work)
        if self.mine(work):
            event.lapsed = False

    @precondition(lambda self: self.hands)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """A process that stops hands over."""
        work, event = self.pick(data)
        self.world.run(self.inbox.release(work))
        if self.mine(work):
            event.lapsed = True

    @precondition(lambda self: self.hands)
    @rule(data=st.data(), state=st.sampled_from(["done", "ignored", "failed"]))
    def settle(self, data: st.DataObject, state: str) -> None:
        """A process ends a work, perhaps another's by now."""
        work, event = self.pick(data)
        mine = self.mine(work)
        assert self.world.run(self.inbox.settle(work, state)) == mine
        if mine:
            event.state, event.ends = state, event.ends + 1

    @invariant()
    def the_rows_are_the_model(self) -> None:
        """One row an event, none lost, and no text of what has ended."""
        rows = self.world.admin.execute(
            "select i.event_key, i.attempt, i.state, i.payload = '{}' from vocero.inbox i"
            " join vocero.workspace w on w.id = i.workspace where w.name = %s",
            (self.space,),
        ).fetchall()
        assert sorted(rows) == sorted((k, e.attempt, e.state, e.state != "doing") for k, e in self.events.items())
        assert all(event.ends == (event.state != "doing") for event in self.events.values())


def test_the_inbox_is_its_model(world: World) -> None:
    """Whoever dies, sleeps or comes back: every event ends once, and only by its holder's hand."""
    machine = type("Inboxes", (InboxMachine,), {"world": world})
    run_state_machine_as_test(machine, settings=RULES)


@dataclass
class Learning:
    """A learning that has begun and stands still in the middle of reading."""

    document: str
    tag: str
    order: int
    task: "asyncio.Task[Any]"
    gate: "asyncio.Future[None]"


@dataclass
class Shelf:
    """What must be true of one document."""

    live: str = ""
    order: int = 0  # of what is live, or of when it was taken away


@dataclass
class Gated(Company):
    """A company whose reader stands still until it is let go."""

    gates: list["asyncio.Future[None]"] = field(default_factory=list)

    @property
    def librarian(self) -> Any:
        """Return a librarian with that reader."""
        from infra.knowledge.librarian import Librarian

        return Librarian(self.database, self.embedder, fetch=self.web.fetch, parse=self._parse)

    async def _parse(self, content: bytes, *, name: str, media_type: str = "") -> Parsed:
        self.gates.append(asyncio.get_running_loop().create_future())
        await self.gates[-1]
        return await read_markdown(content, name=name, media_type=media_type)


class DocumentMachine(RuleBasedStateMachine):
    """Admins who replace and remove the same documents at the same time, and readers in between."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.company = Gated(self.world.database, workspace=self.world.space())
        self.begun: list[Learning] = []
        self.shelves: dict[str, Shelf] = {}
        self.orders = 0

    @precondition(lambda self: len(self.begun) < 3)
    @rule(document=st.sampled_from(["one.md", "two.md"]), parts=st.integers(1, 4))
    def begin(self, document: str, parts: int) -> None:
        """An admin begins to replace a document; every part of a version says which it is."""
        self.orders += 1
        tag = f"version{self.orders}"
        text = "\n\n".join(f"# Part {n}\n\nThe marmalade of {tag} is here in part {n}." for n in range(parts))
        gates = len(self.company.gates)

        async def start() -> Learning:
            task = asyncio.ensure_future(self.company.teach(document, text))
            while len(self.company.gates) == gates:
                await asyncio.sleep(0.001)
                assert not task.done(), task.result()
            return Learning(document, tag, self.orders, task, self.company.gates[-1])

        self.begun.append(self.world.run(start()))

    @precondition(lambda self: self.begun)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        """One of them goes on to its end."""
        learning = data.draw(st.sampled_from(self.begun))
        self.begun.remove(learning)
        learning.gate.set_result(None)
        self.world.run(_ended(learning.task))
        shelf = self.shelves.setdefault(learning.document, Shelf())
        if learning.order > shelf.order:
            shelf.live, shelf.order = learning.tag, learning.order

    @precondition(lambda self: any(shelf.live for shelf in self.shelves.values()))
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """A document is taken away; what is being learned of it comes to nothing."""
        document = data.draw(st.sampled_from(sorted(d for d, shelf in self.shelves.items() if shelf.live)))
        self.world.run(self.company.librarian.remove(self.company.workspace, document))
        self.shelves[document] = Shelf(order=self.orders)

    @invariant()
    def readers_see_the_newest_version_whole(self) -> None:
        """Never a mix, never what was overtaken, never what was taken away."""
        if not self.shelves:
            return
        found = self.world.run(
            self.company.engine.retrieve("marmalade", workspace=self.company.workspace, audience=EVERYONE, limit=20)
        )
        seen = {word.strip(".") for p in found.passages for word in p.text.split() if word.startswith("version")}
        assert seen == {shelf.live for shelf in self.shelves.values() if shelf.live}

    def teardown(self) -> None:
        """Let nothing stand still behind us."""
        for learning in self.begun:
            learning.task.cancel()
            self.world.run(_ended(learning.task))


async def _ended(task: "asyncio.Task[Any]") -> None:
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()


def test_documents_are_their_model(world: World) -> None:
    """The newest started learning wins, a removal ends what is under way, and readers see one version whole."""
    machine = type("Documents", (DocumentMachine,), {"world": world})
    run_state_machine_as_test(machine, settings=SLOWER)
