"""The product on one screen: a question becomes an answer, a source becomes knowledge, and forgetting is real."""

import logging
import unicodedata
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Final

from core import conflict, extract, prompt
from core.bar import DEFAULT, Bar
from core.cache import KEEP, KEEP_UNKNOWN, to_key
from core.courtesy import courtesy
from core.documents import Document, Learned, Place, Receipt, Source
from core.errors import BotError, InputError, KnowledgeDown, ModelDown, RefusedError, UnavailableError
from core.flight import Flights
from core.followup import Asked, reduced, understand
from core.forgetting import forget_document, to_receipt
from core.grounding import Guard
from core.messages import Answer, Arm, Done, Event, Outcome, Piece, Question, Status
from core.phrases import phrase
from core.ports import AnswerCache, Bars, Embedder, Journal, Knowledge, Librarian, Memory, Shelf, Speaker, Voices
from core.reading import Reading, read
from core.speaking import Draft, checked
from core.watch import Watch
from core.words import language

LONGEST: Final = 8_000  # characters of a question; more is a document, and documents are taught
READ: Final = 200_000  # characters of a longer message that are read for the questions in it
TOKENS: Final = 320  # of an answer: five sentences with room
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question with all that decides its answer: what it means, who may read, and who writes (None: nobody)."""

    question: Question
    asked: Asked
    tongue: str
    arm: Arm
    adapter: str | None
    shelf: Shelf
    writer: Speaker | None
    key: str
    bar: Bar


class Bot:
    """Answers from what it was taught.

    `speaker` None means that no model may write: answers are extractive. `voiced` says whether the model writes by
    itself on the default arm (a served model does, the embedded one only behind a live voice adapter).
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
        bars: Bars | None = None,
    ) -> None:
        self._knowledge, self._librarian, self._embedder = knowledge, librarian, embedder
        self._memory, self._cache, self._journal, self._voices = memory, cache, journal, voices
        self._guard, self._speaker, self._voiced, self._voice = guard, speaker, voiced, voice
        self._flights, self._bars = Flights(), bars

    async def answer(self, question: Question) -> AsyncGenerator[Event]:
        """Yield what happens on the way to the answer; the last event is always `Done`, whatever went wrong."""
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
            turns = await self._memory.recall(question)
        inquiry = await self._inquire(question, understand(question.text, turns), tongue)
        with watch.stage("cache"):
            kept = await self._cache.find(question.workspace, inquiry.key) if question.cached else None
        if kept is not None:
            answer = replace(kept, cached=True)
        else:
            flight = inquiry.key if question.cached else f"{inquiry.key} {id(question)}"
            async with aclosing(self._flights.join(flight, lambda: self._write(inquiry, watch))) as events:
                async for event in events:
                    if isinstance(event, Done):
                        answer = event.answer
                    else:
                        yield event
            await self._keep(inquiry, answer)
        asked = inquiry.asked.text
        understood = asked if asked != question.text or len(given) > LONGEST else None
        answer = replace(answer, understood=understood, timings=watch.read())
        await self._memory.remember(question, answer)
        await self._journal.note(question, answer)
        yield Done(answer)

    async def _inquire(self, question: Question, asked: Asked, tongue: str) -> Inquiry:
        arm, adapter = await self._arm(question)
        shelf = await self._knowledge.shelf(question.workspace, question.audience)
        writer = self._speaker if self._voiced or adapter or question.arm else None
        bar = await self._bars.bar(question.workspace) if self._bars else DEFAULT
        key = to_key(
            question, "\n".join([*asked.wordings, f"{bar.least}"]), shelf, arm, adapter, writer.name if writer else None
        )
        return Inquiry(question, asked, tongue, arm, adapter, shelf, writer, key, bar)

    async def _arm(self, question: Question) -> tuple[Arm, str | None]:
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

    async def _write(self, inquiry: Inquiry, watch: Watch) -> AsyncGenerator[Event]:
        draft = Draft(question=inquiry.asked.text, arm=inquiry.arm, adapter=inquiry.adapter, language=inquiry.tongue)
        if inquiry.arm.retrieves:
            yield Status("searching")
            with watch.stage("retrieve"):
                reading = await self._read(inquiry, draft)
            if not reading.verdict.enough:
                yield Done(await self._abstain(inquiry, draft))
                return
            draft.quotation = extract.quote(reading.ranked)
            if other := conflict.rival(reading.ranked, reading.passages):
                with suppress(BotError):  # a document that has just gone disagrees with nobody
                    sides = reading.ranked[0], other
                    of = self._librarian, inquiry.question.workspace
                    draft.quotation, said = await conflict.settled(*of, sides, reading.passages, draft.language)
                    draft.note(said)
        if inquiry.writer:
            yield Status("writing")
            with watch.stage("generate"):
                async with aclosing(self._speak(inquiry.writer, draft, watch)) as pieces:
                    async for piece in pieces:
                        yield piece
        if draft.declined and (self._voiced or not inquiry.arm.retrieves):
            yield Done(await self._abstain(inquiry, draft))
            return
        watch.shown()
        yield Done(draft.finished(inquiry.writer.name if inquiry.writer else None))

    async def _read(self, inquiry: Inquiry, draft: Draft) -> Reading:
        """Fill the draft with passages and return what they hold; without embedder by words."""
        question = inquiry.question
        reading = await read(
            inquiry.asked,
            self._knowledge,
            self._embedder,
            workspace=question.workspace,
            audience=question.audience,
            bar=inquiry.bar,
        )
        draft.passages = reading.passages
        draft.note(reading.lacking)
        return reading

    async def _speak(self, writer: Speaker, draft: Draft, watch: Watch) -> AsyncGenerator[Piece]:
        draft.shown = prompt.PASSAGES if self._voiced else prompt.SMALL_PASSAGES
        voice = self._voice if draft.arm is Arm.VOICE or draft.arm.tuned else ""
        guard = replace(self._guard, voice=self._guard.voice | self._voices.stems(draft.adapter))
        request = prompt.write(draft.arm, draft.question, draft.passages[: draft.shown], voice=voice)
        try:
            async with (
                writer.speak(request, adapter=draft.adapter, max_tokens=TOKENS) as deltas,
                aclosing(checked(deltas, draft, guard, watch)) as sentences,
            ):
                async for sentence in sentences:
                    watch.shown()
                    yield Piece(sentence)
        except ModelDown as error:
            draft.model_down(str(error))

    async def _abstain(self, inquiry: Inquiry, draft: Draft) -> Answer:
        polite = courtesy(inquiry.question.text) if inquiry.arm.retrieves else ""
        if not polite:
            await self._journal.gap(inquiry.question)
        return draft.abstained(inquiry.shelf, polite)

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
            receipt = await _emptied(receipt, {"cached answers": answers, "turns": turns})
        else:
            receipt = to_receipt(kind, name, workspace, await self._journal.erase(workspace, **{kind: name}))
            receipt = await _emptied(receipt, {"turns": self._memory.forget(workspace, **{kind: name})})
        await self._journal.file(receipt)
        return receipt


async def _emptied(receipt: Receipt, holders: dict[str, Awaitable[int]]) -> Receipt:
    """Return the receipt with what the holders let go; one that cannot be asked is pending, with its reason."""
    for what, going in holders.items():
        try:
            receipt = replace(receipt, gone=(*receipt.gone, (what, await going)))
        except UnavailableError as error:
            receipt = replace(receipt, pending=(*receipt.pending, f"{what}: {error}"))
    return receipt


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
