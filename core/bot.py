"""The product on one screen: a question becomes an answer, a source becomes knowledge, and forgetting is real."""

import asyncio
import logging
import unicodedata
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Final

from core.author import Author, Inquiry
from core.bar import DEFAULT, Bar
from core.cache import KEEP, KEEP_UNKNOWN, to_key
from core.documents import Document, Learned, Place, Receipt, Source
from core.errors import BotError, InputError, KnowledgeDown, RefusedError, UnavailableError
from core.flight import Flights, Leases
from core.followup import Asked, reduced
from core.forgetting import emptied, forget_document, to_receipt
from core.grounding import Guard
from core.messages import Answer, Arm, Done, Event, Outcome, Question, Status, Turn
from core.near import Nearby
from core.phrases import phrase
from core.ports import AnswerCache, Bars, Embedder, Journal, Knowledge, Librarian, Memory, Shelf, Speaker, Voices
from core.rewriting import rewrite
from core.watch import Watch, Witness, unwatched
from core.words import language

LONGEST: Final = 8_000  # characters of a question; more is a document, and documents are taught
LINE: Final = 3  # questions at the database at once, three connections each: a herd stands in line and is not shed
READ: Final = 200_000  # characters of a longer message that are read for the questions in it
Standing = tuple[Arm, str | None, Shelf, Bar]  # what else decides an answer: arm, adapter, documents, bar
_log = logging.getLogger(__name__)


class Bot:
    """Answers from what it was taught.

    `speaker` None means that no model may write: answers are extractive. `voiced` says whether the model writes by
    itself on the default arm (a served model does, the embedded one only behind a live voice adapter). `rewriter`: what
    puts follow-ups into words that stand alone; None leaves that to the rule.
    """

    def __init__(
        self,
        *,
        knowledge: Knowledge,
        librarian: Librarian,
        embedder: Embedder,
        memory: Memory,
        cache: AnswerCache,
        journal: Journal,
        voices: Voices,
        guard: Guard,
        speaker: Speaker | None = None,
        voiced: bool = False,
        voice: str = "",
        leases: Leases | None = None,
        witness: Witness = unwatched,
        nearby: Nearby | None = None,
        bars: Bars | None = None,
        rewriter: Speaker | None = None,
    ) -> None:
        self._knowledge, self._librarian, self._memory, self._cache = knowledge, librarian, memory, cache
        self._journal, self._voices, self._speaker, self._voiced, self._voice = journal, voices, speaker, voiced, voice
        self._nearby, self._witness, self._bars, self._rewriter = nearby, witness, bars, rewriter
        self._author = Author(
            knowledge=knowledge,
            librarian=librarian,
            embedder=embedder,
            journal=journal,
            voices=voices,
            guard=guard,
            voiced=voiced,
            voice=voice,
            nearby=nearby,
        )
        self._flights, self._line = Flights(leases), asyncio.Semaphore(LINE)

    async def answer(self, question: Question) -> AsyncGenerator[Event]:
        """Yield what happens on the way to the answer; the last event is always `Done`, whatever went wrong."""
        with self._witness(question) as seen:
            async with aclosing(self._guarded(question)) as events:
                async for event in events:
                    if isinstance(event, Done):
                        seen(event.answer)
                    yield event

    async def _guarded(self, question: Question) -> AsyncGenerator[Event]:
        watch, tongue = Watch(), language(question.text)
        try:
            async with aclosing(self._answer(question, watch, tongue)) as events:
                async for event in events:
                    yield event
        except (InputError, RefusedError) as error:
            yield Done(Answer(text=str(error), outcome=Outcome.REFUSED, language=tongue, timings=watch.read()))
        except BotError as error:
            yield Done(Answer(text=str(error), outcome=Outcome.FAILED, language=tongue, timings=watch.read()))
        except Exception:  # noqa: BLE001 - the last door: a mention is never silently unanswered
            _log.exception("answer_broke")
            said = phrase("broken", tongue)
            yield Done(Answer(text=said, outcome=Outcome.FAILED, language=tongue, timings=watch.read()))

    async def _answer(self, question: Question, watch: Watch, tongue: str) -> AsyncGenerator[Event]:
        given, question = question.text, replace(question, text=to_text(question.text, tongue))
        yield Status("recalling")
        with watch.stage("recall"):
            async with self._line:
                (turns, lacking), standing = await asyncio.gather(self._recall(question, tongue), self._stand(question))
            asked = await self.understand(question.text, turns)
        inquiry = self._inquire(question, asked, tongue, standing)
        with watch.stage("cache"):
            kept = await self._cache.find(question.workspace, inquiry.key) if question.cached else None
        if kept is not None:
            answer = replace(kept, cached=True)
        else:
            async with aclosing(self._fly(inquiry, watch)) as events:
                async for event in events:
                    if isinstance(event, Done):
                        answer = event.answer
                    else:
                        yield event
        understood = asked.text if asked.text != question.text or len(given) > LONGEST else None
        answer = replace(answer, understood=understood, notes=(*answer.notes, *lacking), timings=watch.read())
        async with self._line:
            await asyncio.gather(self._memory.remember(question, answer), self._journal.note(question, answer))
        yield Done(answer)

    async def would(self, question: Question) -> Answer | None:
        """Return what would be said to this question now, None for anything but an answer; nothing is kept of it.

        No turn, no gap, no cached answer, no log row: for whoever must know whether the documents answer it by now.
        UnavailableError where that cannot be known.
        """
        watch, tongue = Watch(), language(question.text)
        question = replace(question, text=to_text(question.text, tongue))
        asked = await self.understand(question.text)
        inquiry = self._inquire(question, asked, tongue, await self._stand(question))
        async with aclosing(self._author.write(replace(inquiry, tried=True), watch)) as events:
            async for event in events:
                if isinstance(event, Done):
                    answered = event.answer.outcome in (Outcome.ANSWERED, Outcome.EXTRACTIVE)
                    return event.answer if answered else None
        return None

    async def understand(self, text: str, turns: Sequence[Turn] = ()) -> Asked:
        """Return what a message asks after these turns, as it is searched for."""
        return await rewrite(text, turns, self._rewriter)

    async def _recall(self, question: Question, tongue: str) -> tuple[tuple[Turn, ...], tuple[str, ...]]:
        """Return the conversation's turns, and a sentence when they could not be read."""
        try:
            return await self._memory.recall(question), ()
        except UnavailableError:
            return (), (phrase("without_history", tongue),)

    def _fly(self, inquiry: Inquiry, watch: Watch) -> AsyncGenerator[Event]:
        """Answer once, however often and in however many processes it is asked at this moment."""
        question = inquiry.question
        key = inquiry.key if question.cached else f"{inquiry.key} {id(question)}"
        return self._flights.join(
            key, lambda: self._kept(inquiry, watch), workspace=question.workspace, shared=question.cached
        )

    async def _kept(self, inquiry: Inquiry, watch: Watch) -> AsyncGenerator[Event]:
        """Write and keep, unless who led before us just has; kept before the lead is given up, it is written once."""
        question = inquiry.question
        kept = await self._cache.find(question.workspace, inquiry.key) if question.cached else None
        if kept is not None:
            yield Done(replace(kept, cached=True))
            return
        async with aclosing(self._author.write(inquiry, watch)) as events:
            async for event in events:
                if isinstance(event, Done):
                    await self._keep(inquiry, event.answer)
                yield event

    async def _stand(self, question: Question) -> Standing:
        """Return on what the question is answered, all of it asked for at once."""
        shelf = self._knowledge.shelf(question.workspace, question.audience)
        (arm, adapter), found, bar = await asyncio.gather(self._arm(question), shelf, self._bar(question))
        return arm, adapter, found, bar

    def _inquire(self, question: Question, asked: Asked, tongue: str, standing: Standing) -> Inquiry:
        arm, adapter, shelf, bar = standing
        writer = self._speaker if self._voiced or adapter or question.arm else None
        key, place = (
            to_key(question, "\n".join([*said, f"{bar.least}"]), shelf, arm, adapter, writer.name if writer else None)
            for said in ((asked.text, *asked.wordings, asked.told), ())
        )
        return Inquiry(question, asked, tongue, arm, adapter, shelf, writer, bar, key, place)

    async def _bar(self, question: Question) -> Bar:
        return await self._bars.bar(question.workspace) if self._bars else DEFAULT

    async def _arm(self, question: Question) -> tuple[Arm, str | None]:
        if question.plain and question.arm is None:
            return Arm.RAG, None
        live, adapter = await self._voices.live(question.workspace)
        if question.arm is None or question.arm == live:
            return live, adapter
        if question.arm.tuned and adapter is None:
            raise InputError(f"No voice adapter is live in {question.workspace}: promote one, or use --arm rag.")
        if self._speaker is None:
            raise InputError(f"The arm {question.arm} needs a language model, and none is running: see vocero doctor.")
        if question.arm is Arm.VOICE and not self._voice:
            raise InputError("There is no brand voice to speak in yet: approve some answers first, or use --arm base.")
        return question.arm, adapter if question.arm.tuned else None

    async def _keep(self, inquiry: Inquiry, answer: Answer) -> None:
        """Cache an answer that is whole, unless the documents changed meanwhile: nobody would ever be given it."""
        question = inquiry.question
        if answer.notes or answer.outcome not in (Outcome.ANSWERED, Outcome.EXTRACTIVE, Outcome.ABSTAINED):
            return
        with suppress(KnowledgeDown):  # the answer stands; it is only not kept
            if await self._knowledge.shelf(question.workspace, question.audience) == inquiry.shelf:
                seconds = KEEP_UNKNOWN if answer.outcome is Outcome.ABSTAINED else KEEP
                await self._cache.keep(question.workspace, inquiry.key, answer, seconds=seconds)

    async def learn(
        self, source: Source, place: Place, *, by: str = "", force: bool = False, allow_secrets: bool = False
    ) -> Learned:
        """Teach one source; the edition it raises retires every cached answer it might touch."""
        more = {"allow_secrets": True} if allow_secrets else {}
        return await self._librarian.learn(source, place, by=by, force=force, **more)

    async def remove(self, name: str, *, workspace: str, by: str = "") -> Document:
        """Take a document out of every answer, kept ones too; it can be learned again."""
        document = await self._librarian.remove(workspace, name, by=by)
        with suppress(UnavailableError):  # the edition was raised: what the cache still holds is never served
            await self._cache.purge(workspace, document.id)
        return document

    async def forget(self, kind: str, name: str, *, workspace: str, by: str = "") -> Receipt:
        """Forget a `document`, a `user` or a `conversation` and all that came from it; return the proof."""
        if kind not in ("document", "user", "conversation"):
            raise InputError(f"{kind!r} cannot be forgotten: name a document, a user or a conversation.")
        if kind == "document":
            receipt = await forget_document(self._librarian, self._knowledge, workspace, name, by=by)
            answers = self._cache.purge(workspace, receipt.id)
            turns = self._memory.forget(workspace, document=receipt.id)
            receipt = await emptied(receipt, {"cached answers": answers, "turns": turns, **self._asked(workspace)})
        else:
            receipt = to_receipt(kind, name, workspace, await self._journal.erase(workspace, **{kind: name}))
            turns = self._memory.forget(workspace, **{kind: name})
            receipt = await emptied(receipt, {"turns": turns, **self._asked(workspace)})
        await self._journal.file(receipt)
        return receipt

    def _asked(self, workspace: str) -> dict[str, Awaitable[int]]:
        """What near-duplicates are found by holds people's words without their names: all of it goes."""
        return {"lists of questions": self._nearby.purge(workspace)} if self._nearby else {}


def to_text(text: str, tongue: str = "en") -> str:
    """Return a question as it can be stored and searched; raise InputError when nothing or too much is left.

    Of a message that is too long (a log, say) the questions in it are kept.
    """
    clean = _clean(text)
    if not clean:
        raise InputError(phrase("empty", tongue))
    if len(clean) <= LONGEST:
        return clean
    core = _clean(reduced(text[:READ]))
    if len(core) > LONGEST:
        raise InputError(phrase("long", tongue, given=len(clean), most=LONGEST))
    return core


def _clean(text: str) -> str:
    whole = text.encode("utf-8", "replace").decode("utf-8")
    # controls, bidi and invisible characters go; the joiner that emoji need stays
    clean = "".join(c if unicodedata.category(c)[0] != "C" or c == "\u200d" else " " for c in whole)
    return " ".join(unicodedata.normalize("NFC", clean).split())
