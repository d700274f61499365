"""The real `Bot` on a world made of dictionaries: every port answered in memory, the model replaced by a script."""

import asyncio
import hashlib
import math
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from core.audience import Audience
from core.bar import DEFAULT, Bar
from core.bot import Bot
from core.documents import Chunk, Document, Learned, Notice, Place, Receipt, Source, State
from core.errors import KnowledgeDown, ModelDown, UnknownError
from core.extract import shared
from core.grounding import SERVED
from core.inbox import Arrival
from core.messages import Answer, Arm, Passage, Question, Turn
from core.ports import Found, Shelf
from core.prompt import Prompt
from core.rooms import Room, Settings, changed
from core.words import content


class Bag:
    """An `Embedder`: each content word is one of 512 directions."""

    name, dimensions = "bag", 512

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector a text."""
        return [self.vector(text) for text in texts]

    def vector(self, text: str) -> list[float]:
        """Return the text's unit vector; a text without content words points nowhere in particular."""
        vector = [0.0] * self.dimensions
        for word in set(content(text)) or {""}:
            vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % self.dimensions] = 1.0
        length = math.sqrt(sum(x * x for x in vector))
        return [x / length for x in vector]


@dataclass
class Shelves:
    """A `Knowledge` and a `Librarian` of one workspace after another; `web` is what URLs lead to."""

    web: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # that learning takes
    bag: Bag = field(default_factory=Bag)
    kept: dict[str, dict[str, tuple[Document, list[Chunk]]]] = field(default_factory=lambda: defaultdict(dict))
    edition: int = 0
    down: str = ""  # why nothing can be read
    worker: bool = False  # whether one lives
    noticed: list[tuple[Notice, list[Learned]]] = field(default_factory=list)
    preferred: dict[str, str] = field(default_factory=dict)

    async def shelf(self, workspace: str, audience: Audience) -> Shelf:
        """Return what may be read."""
        seen = [doc for doc, _ in self.kept[workspace].values() if _read(audience, doc)]
        return Shelf(editions=(("general", self.edition),), chunks=sum(doc.chunks for doc in seen))

    async def retrieve(
        self, query: str, *, workspace: str, audience: Audience, limit: int, mode: str = "hybrid"
    ) -> Found:
        """Return the chunks that share a word with the query, by the share of its words that they hold."""
        found = []
        if self.down:
            raise KnowledgeDown(self.down)
        for document, chunks in self.kept[workspace].values():
            for chunk in chunks if _read(audience, document) else []:
                cosine = shared(query, f"{document.title} {chunk.text}")
                if cosine > 0:
                    found.append(
                        Passage(
                            chunk=chunk.id,
                            document=document.id,
                            title=document.title,
                            url=document.url,
                            text=chunk.text,
                            score=cosine,
                            cosine=cosine,
                        )
                    )
        return Found(passages=tuple(sorted(found, key=lambda p: -p.score)[:limit]))

    async def learn(self, source: Source, place: Place, *, by: str = "", force: bool = False) -> Learned:
        """Keep a source's paragraphs; a URL outside `web`, an empty text and NUL bytes fail with a reason."""
        begun = time.perf_counter()
        await asyncio.sleep(self.seconds)
        text = self.web.get(source.url, "") if source.url else (source.content or b"").decode("utf-8", "replace")
        if not text.strip() or "\0" in text:
            reason = "The page answered 404 Not Found." if source.url else "There is no text in it."
            return Learned(document="", source=source.name, state=State.FAILED, reason=reason)
        heading = re.match(r"#\s+(.+)", text)
        title = source.title or (heading[1] if heading else source.name)
        document = self._document(source, place, title, by)
        parts = [part for part in re.split(r"\n(?=## )|\n{3,}", text) if part.strip()]
        chunks = [Chunk(id=f"{document.id}-{n}", text=part.strip()) for n, part in enumerate(parts)]
        self.kept[place.workspace][document.id] = (replace(document, chunks=len(chunks)), chunks)
        self.edition += 1
        seconds = time.perf_counter() - begun
        return Learned(
            document=document.id,
            source=source.name,
            state=State.INDEXED,
            chunks=len(chunks),
            seconds=seconds,
            title=title,
        )

    def _document(self, source: Source, place: Place, title: str, by: str) -> Document:
        now = datetime.now(UTC)
        return Document(
            id=hashlib.sha256(source.name.encode()).hexdigest()[:8],
            source=source.name,
            title=title,
            url=source.url or "",
            collection=place.name,
            scope=place.scope,
            state=State.INDEXED,
            reason="",
            chunks=0,
            revision=1,
            media_type=source.media_type,
            added_by=by,
            created=now,
            changed=now,
        )

    async def worker_lives(self) -> bool:
        """Whether somebody takes what is submitted."""
        return self.worker

    async def submit_all(
        self, sources: Sequence[Source], place: Place, *, by: str = "", depth: int = 0, notice: Notice | None = None
    ) -> list[Learned]:
        """Keep the notice, and learn at once what somebody will hear of later."""
        ended = [await self.learn(source, place, by=by) for source in sources]
        if notice:
            self.noticed.append((notice, ended))
        return [replace(one, state=State.QUEUED) for one in ended]

    async def note_refusal(self, workspace: str, action: str, *, by: str) -> None:
        """Keep nothing."""

    async def prefer(self, place: Place, *, by: str = "") -> None:
        """Keep a scope's collection."""
        self.preferred[place.scope] = place.collection

    async def documents(self, workspace: str, audience: Audience | None = None) -> list[Document]:
        """Return all documents, newest first."""
        seen = [doc for doc, _ in self.kept[workspace].values() if audience is None or audience.may_see(doc.scope)]
        return seen[::-1]

    async def document(self, workspace: str, document: str) -> tuple[Document, list[Chunk]]:
        """Return one document with its chunks."""
        for found, chunks in self.kept[workspace].values():
            if document in (found.id, found.title, found.source):
                return found, chunks
        raise UnknownError(f"There is no document {document!r}.")

    async def remove(self, workspace: str, document: str, *, by: str = "") -> Document:
        """Take a document out."""
        found, _ = await self.document(workspace, document)
        del self.kept[workspace][found.id]
        self.edition += 1
        return replace(found, state=State.REMOVED)

    async def refresh(self, workspace: str, document: str, *, by: str = "") -> Learned:
        """Read an address again."""
        found, _ = await self.document(workspace, document)
        place = Place(workspace=workspace, collection=found.collection, scope=found.scope)
        return await self.learn(Source(name=found.source, url=found.url), place, by=by)

    async def undo(self, workspace: str, document: str = "", *, by: str = "") -> Learned:
        """Take out what was learned last."""
        name = document or list(self.kept[workspace])[-1]
        gone = await self.remove(workspace, self.kept[workspace][name][0].id)
        return Learned(document=gone.id, source=gone.source, state=gone.state, title=gone.title)

    async def share(self, workspace: str, document: str, scope: str, *, by: str = "", collection: str = "") -> Document:
        """Give a document another scope."""
        found, chunks = await self.document(workspace, document)
        shared = replace(found, scope=scope, collection=Place(workspace=workspace, scope=scope).name)
        self.kept[workspace][found.id] = (shared, chunks)
        self.edition += 1
        return shared

    async def forget(self, workspace: str, document: str, *, by: str = "") -> Receipt:
        """Take a document out and say so."""
        found = await self.remove(workspace, document)
        gone = (("documents", 1), ("chunks", found.chunks))
        return Receipt(kind="document", id=found.id, workspace=workspace, when=datetime.now(UTC), gone=gone)


def _read(audience: Audience, document: Document) -> bool:
    return audience.may_see(document.scope) and audience.wants(document.collection)


@dataclass
class Recollection:
    """A `Memory`, an `AnswerCache`, a `Journal` and `Voices`, as they are when nothing is wrong."""

    turns: dict[str, list[Turn]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    noted: list[tuple[Question, Answer]] = field(default_factory=list)
    gaps: list[Question] = field(default_factory=list)

    async def recall(self, question: Question) -> tuple[Turn, ...]:
        """Return the conversation so far."""
        return tuple(self.turns[question.conversation]) if question.conversation else ()

    async def remember(self, question: Question, answer: Answer) -> None:
        """Add both turns."""
        said = [Turn(who="user", text=question.text), Turn(who="bot", text=answer.text)]
        self.turns[question.conversation] += said if question.conversation else []

    async def find(self, workspace: str, key: str) -> Answer | None:
        """Return the answer under this key."""
        return self.answers.get((workspace, key))

    async def keep(self, workspace: str, key: str, answer: Answer, *, seconds: float) -> None:
        """Store an answer."""
        self.answers[workspace, key] = answer

    async def purge(self, workspace: str, document: str) -> int:
        """Delete what cites this document."""
        cited = [k for k, a in self.answers.items() if any(c.document == document for c in a.citations)]
        return sum(self.answers.pop(key, None) is not None for key in cited)

    async def note(self, question: Question, answer: Answer) -> str:
        """Record how a question ended."""
        self.noted.append((question, answer))
        return str(len(self.noted))

    async def gap(self, question: Question) -> None:
        """Keep a question without an answer."""
        self.gaps.append(question)

    async def file(self, receipt: Receipt) -> None:
        """Keep no receipt."""

    async def forget(self, workspace: str, *, conversation: str = "", user: str = "", document: str = "") -> int:
        """Delete a conversation."""
        return len(self.turns.pop(conversation, []))

    async def bar(self, workspace: str) -> Bar:
        """Return the bar for a bag of words, which is less sure of what it finds than a real embedder."""
        return Bar(least=0.2)

    async def live(self, workspace: str) -> tuple[Arm, str | None]:
        """Return that no adapter is live."""
        return Arm.RAG, None

    def stems(self, adapter: str | None) -> frozenset[str]:
        """Return none."""
        return frozenset()

    async def erase(self, workspace: str, *, conversation: str = "", user: str = "") -> tuple[tuple[str, int], ...]:
        """Delete what was noted of a conversation or a user."""
        mine = [q for q, _ in self.noted if q.conversation == conversation != "" or q.user == user != ""]
        self.noted = [(q, a) for q, a in self.noted if q not in mine]
        return (("log rows", len(mine)),)


@dataclass
class Furniture:
    """A `Rooms` in memory."""

    kept: dict[tuple[str, str], Room] = field(default_factory=dict)

    async def settings(self, workspace: str, room: str) -> Settings:
        """Return a room's settings."""
        kept = self.kept.get((workspace, room))
        return kept.settings if kept else Settings()

    async def change(
        self, workspace: str, room: str, key: str, value: str, *, by: str, label: str = "", tongue: str = "en"
    ) -> Settings:
        """Change one."""
        before = self.kept.get((workspace, room), Room(name=room))
        settings = changed(before.settings, key, value, tongue)
        self.kept[workspace, room] = Room(name=room, label=label or before.label, settings=settings, by=by)
        return settings

    async def known(self, workspace: str) -> list[Room]:
        """Return all."""
        return [room for (space, _), room in self.kept.items() if space == workspace]


@dataclass
class Sure:
    """A `Bars` with one for all."""

    kept: Bar = DEFAULT

    async def bar(self, workspace: str) -> Bar:
        """Return it."""
        return self.kept


@dataclass
class Script:
    """A `Speaker` that says what the script holds for the first of its keys that the question contains.

    `pause`: seconds before every token. `cancelled` and `finished` count how generations ended.
    """

    lines: Mapping[str, str]
    pause: float = 0.0
    name: str = "script"
    down: str = ""
    prompts: list[Prompt] = field(default_factory=list)
    cancelled: int = 0
    finished: int = 0

    @asynccontextmanager
    async def speak(
        self, prompt: Prompt, *, adapter: str | None = None, max_tokens: int
    ) -> AsyncIterator[AsyncIterator[str]]:
        """Open the stream; ModelDown when the script says so."""
        if self.down:
            raise ModelDown(self.down)
        self.prompts.append(prompt)
        finished, self.cancelled = self.finished, self.cancelled + 1
        try:
            yield self._tokens(prompt.messages[-1].content.rpartition("Question: ")[2])
        finally:
            self.cancelled -= self.finished > finished

    async def _tokens(self, asked: str) -> AsyncIterator[str]:
        text = next((said for key, said in self.lines.items() if key.casefold() in asked.casefold()), "I don't know.")
        for token in re.findall(r"\s*\S+|\s+$", text):
            await asyncio.sleep(self.pause)
            yield token
        self.finished += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Brain:
    """What `bots.wiring.open_vocero` would hand out, and the parts behind it for assertions."""

    bot: Bot
    knowledge: Shelves
    librarian: Shelves
    recollection: Recollection
    rooms: Furniture = field(default_factory=Furniture)
    bars: Sure = field(default_factory=Sure)
    notes: tuple[str, ...] = ()


def brain(
    *,
    speaker: Script | None = None,
    web: Mapping[str, str] | None = None,
    seconds: float = 0.0,
    notes: tuple[str, ...] = (),
    bot: Callable[..., Bot] = Bot,
) -> Brain:
    """Return the real bot on fakes; without a speaker its answers are extractive."""
    shelves, recollection = Shelves(web or {}, seconds), Recollection()
    joined = bot(
        knowledge=shelves,
        librarian=shelves,
        embedder=shelves.bag,
        memory=recollection,
        cache=recollection,
        journal=recollection,
        voices=recollection,
        bars=recollection,
        guard=SERVED,
        speaker=speaker,
        voiced=speaker is not None,
    )
    return Brain(bot=joined, knowledge=shelves, librarian=shelves, recollection=recollection, notes=notes)


async def taught(brain: Brain, texts: Mapping[str, str], workspace: str = "local") -> Brain:
    """Teach the brain each text under its name, and return it."""
    for name, text in texts.items():
        await brain.bot.learn(Source(name=name, content=text.encode()), Place(workspace=workspace))
    return brain


def to_arrival(workspace: str, notice: Notice, ended: Sequence[Learned]) -> Arrival:
    """Return the delivery that the database makes when all that a notice waits for has ended."""
    ends = [{"document": one.document, "state": one.state.value, "chunks": one.chunks} for one in ended]
    payload = {**notice.address, "kind": "notice", "tongue": notice.tongue, "ends": ends}
    event_key, conversation = f"notice/{notice.key}", notice.conversation
    return Arrival(workspace=workspace, event_key=event_key, conversation=conversation, payload=payload)
