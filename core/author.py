"""From a question, with all that decides its answer, to the answer: look, judge whether it is enough, write, check."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Final

from core import conflict, extract, prompt
from core.bar import Bar
from core.courtesy import courtesy
from core.errors import BotError, ModelDown
from core.followup import Asked
from core.grounding import Guard
from core.messages import Answer, Arm, Done, Event, Piece, Question, Status
from core.near import Nearby
from core.phrases import phrase
from core.ports import Embedder, Journal, Knowledge, Librarian, Shelf, Speaker, Voices
from core.reading import Reading, read
from core.speaking import Draft, checked
from core.vectors import Sentences
from core.watch import Watch

TOKENS: Final = 320  # of an answer: five sentences with room


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
    bar: Bar
    key: str
    place: str  # the key without the question
    tried: bool = False  # only to see whether it would be answered: no gap is recorded


class Author:
    """Writes answers; what is kept of them, and who is answered, is the bot's business.

    `voiced`: the model writes by itself on the default arm. `voice`: the brand voice in words, for prompted arms.
    """

    def __init__(
        self,
        *,
        knowledge: Knowledge,
        librarian: Librarian,
        embedder: Embedder,
        journal: Journal,
        voices: Voices,
        guard: Guard,
        voiced: bool,
        voice: str,
        nearby: Nearby | None,
    ) -> None:
        self._knowledge, self._librarian, self._journal = knowledge, librarian, journal
        self._vectors = Sentences(embedder)
        self._voices, self._guard, self._voiced, self._voice, self._nearby = voices, guard, voiced, voice, nearby

    async def write(self, inquiry: Inquiry, watch: Watch) -> AsyncGenerator[Event]:
        draft = Draft(question=inquiry.asked.text, arm=inquiry.arm, adapter=inquiry.adapter, language=inquiry.tongue)
        if inquiry.arm.retrieves:
            yield Status("searching")
            with watch.stage("retrieve"):
                reading = await self._read(inquiry, draft)
            if near := await self._nearby_answer(inquiry, draft):
                yield Done(replace(near, cached=True))
                return
            if not reading.verdict.enough:
                yield Done(await self._abstain(inquiry, draft))
                return
            quoted = extract.chosen(reading.ranked)
            if other := conflict.rival(reading.ranked, reading.passages):
                with suppress(BotError):  # a document that has just gone disagrees with nobody
                    sides = reading.ranked[0], other
                    of = self._librarian, inquiry.question.workspace
                    quoted, said = await conflict.settled(*of, sides, reading.passages, draft.language)
                    draft.note(said)
            draft.quotation = extract.quoted(quoted)
            # a small model says in other words what would be quoted, each under its passage's number
            narrow = extract.narrowed(reading.passages, reading.ranked)
            draft.shown = draft.passages[: prompt.PASSAGES] if self._voiced else narrow
            if not self._voiced:
                draft.gist, draft.rest = reading.ranked[0].excerpt.whole, extract.parts(quoted)
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
            self._vectors,
            workspace=question.workspace,
            audience=question.audience,
            bar=inquiry.bar,
        )
        draft.passages = reading.passages
        if reading.lacking:
            draft.note(phrase("words_only", draft.language, reason=reading.lacking))
        return reading

    async def _nearby_answer(self, inquiry: Inquiry, draft: Draft) -> Answer | None:
        """Return the answer to the same question in other words, else let this one be found."""
        question, asked = inquiry.question, inquiry.asked
        if not (self._nearby and question.cached and draft.passages) or asked.told:
            return None
        place = f"{inquiry.place} {inquiry.tongue}"
        look = await self._nearby.look(question.workspace, place, asked.text, draft.passages)
        if look and not look.answer and not inquiry.tried:
            await self._nearby.note(question.workspace, look, asked.text, inquiry.key)
        return look.answer if look else None

    async def _speak(self, writer: Speaker, draft: Draft, watch: Watch) -> AsyncGenerator[Piece]:
        voice = self._voice if draft.arm is Arm.VOICE or draft.arm.tuned else ""
        guard = replace(self._guard, voice=self._guard.voice | self._voices.stems(draft.adapter))
        request = prompt.write(draft.arm, draft.question, draft.shown, voice=voice, large=self._voiced)
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
        if not polite and not inquiry.tried:  # kept as it stands alone: it will be asked again out of its conversation
            await self._journal.gap(replace(inquiry.question, text=inquiry.asked.text))
        return draft.abstained(inquiry.shelf, polite)
