"""From a model's tokens to sentences that may be shown, and from those to the finished answer."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

from core.citations import resolve, to_citation
from core.grounding import Guard, covers, passed, spoken, unknown
from core.messages import Answer, Arm, Citation, Mode, Outcome, Passage
from core.phrases import phrase
from core.ports import Shelf
from core.watch import Watch
from core.words import language, sentences

_MIDDLE = frozenset(",;-–—([{“‘«/&+=")  # a text that ends so, or in a letter, was cut off by its length


@dataclass(slots=True, kw_only=True)
class Draft:
    """One answer in the making: what was asked and found, and what has been said so far."""

    question: str
    arm: Arm
    adapter: str | None
    language: str
    passages: tuple[Passage, ...] = ()
    shown: tuple[Passage, ...] = ()  # as they stand in the prompt; the model may say and cite nothing else
    quotation: str = ""
    gist: str = ""  # what a small model has to say; a larger one chooses for itself
    rest: tuple[tuple[str, str], ...] = ()  # of the quotation, bare and quoted: what a small model leaves out is
    said: list[str] = field(default_factory=list)
    declined: bool = False
    mode: Mode = Mode.EXTRACTIVE
    notes: tuple[str, ...] = ()

    def note(self, sentence: str) -> None:
        """Keep a sentence about this answer, once."""
        if sentence and sentence not in self.notes:
            self.notes = (*self.notes, sentence)

    def text(self) -> str:
        """Return what has been said, its citations numbered in order of use."""
        return resolve(self._whole(), self.passages)[0]

    def _whole(self) -> str:
        return " ".join(self.said).replace(" \n", "\n")

    def complete(self) -> None:
        """Quote what a small model was to say and did not."""
        told = " ".join(self.said)
        if left := [quoted for whole, quoted in self.rest if not covers(told, whole, self.question)]:
            self.said.append("\n" + "\n".join(left))

    def model_down(self, reason: str) -> None:
        """Take back what was said: half an answer is none."""
        self.said.clear()
        self.mode = Mode.EXTRACTIVE
        self.note(phrase("model_down", self.language, reason=reason.rstrip(".")))

    def finished(self, model: str | None) -> Answer:
        """Return the answer: what was said where a claim of it stands, else the quotation."""
        if self.mode is not Mode.EXTRACTIVE:
            text, citations = resolve(self._whole(), self.passages)
            return self._answer(text, Outcome.ANSWERED, citations, model=model, adapter=self.adapter)
        text, citations = resolve(self.quotation, self.passages)
        if text:
            return self._answer(text, Outcome.EXTRACTIVE, citations)
        return self._answer(self.notes[-1] if self.notes else phrase("unsaid", self.language), Outcome.FAILED)

    def abstained(self, shelf: Shelf, polite: str = "") -> Answer:
        """Return the honest "I don't know": what was searched, what came nearest, that the question is kept.

        `polite` is the key of what is said instead, where nothing was asked.
        """
        if polite:
            return self._answer(phrase(polite, self.language), Outcome.ABSTAINED)
        if not self.arm.retrieves:
            return self._answer(phrase("unknown", self.language), Outcome.ABSTAINED)
        if not shelf.chunks:
            return self._answer(phrase("nothing", self.language), Outcome.ABSTAINED)
        nearest = tuple({p.document: to_citation(n, p) for n, p in enumerate(self.passages[:3], 1)}.values())
        said = [phrase("abstained", self.language, chunks=f"{shelf.chunks:,}")]
        if nearest:
            said.append(phrase("nearest", self.language, titles=", ".join(f"“{c.title}”" for c in nearest)))
            if language(" ".join(p.text for p in self.passages)) != self.language:
                said.append(phrase("other_language", self.language))
        said.append(phrase("kept", self.language))
        return self._answer(" ".join(said), Outcome.ABSTAINED, nearest=nearest)

    def _answer(
        self,
        text: str,
        outcome: Outcome,
        citations: tuple[Citation, ...] = (),
        *,
        nearest: tuple[Citation, ...] = (),
        model: str | None = None,
        adapter: str | None = None,
    ) -> Answer:
        return Answer(
            text=text,
            outcome=outcome,
            citations=citations,
            nearest=nearest,
            arm=self.arm,
            model=model,
            adapter=adapter,
            mode=self.mode,
            language=self.language,
            notes=self.notes,
        )


async def whole(deltas: AsyncIterator[str], watch: Watch) -> AsyncGenerator[str]:
    """Yield each sentence or line as soon as the next one has begun; a last one cut off in the middle is dropped."""
    text, several = "", False
    async for delta in deltas:
        watch.token()
        text += delta
        *lines, rest = text.split("\n")
        parts = sentences(rest)
        if not lines and len(parts) < 2:
            continue
        several = True
        for sentence in [s for line in lines for s in sentences(line)] + parts[:-1]:
            yield sentence
        text = rest[rest.rindex(parts[-1]) :] if parts else ""
    for sentence in sentences(text):
        if not several or (sentence[-1] not in _MIDDLE and not sentence[-1].isalnum()):
            yield sentence


async def checked(deltas: AsyncIterator[str], draft: Draft, guard: Guard, watch: Watch) -> AsyncGenerator[str]:
    """Yield what may be shown, as soon as it may; set the draft's mode at the end.

    The arms that do not retrieve have nothing to check against: the model's own words, and marked so.
    """
    waiting: list[str] = []
    claimed = not draft.arm.retrieves
    async for sentence in whole(deltas, watch):
        if not draft.said and not waiting and unknown(sentence):
            draft.declined = True
            break
        kept = passed(sentence, draft.shown, draft.question, guard) if draft.arm.retrieves else sentence
        if kept is not None and kept in (*draft.said, *waiting):
            break  # a model that repeats itself has no more to say
        if kept is None:
            continue
        waiting.append(kept)
        # a greeting is shown with the first claim that stands, never alone
        claimed = claimed or (not spoken(sentence, guard) and covers(sentence, draft.gist, draft.question))
        if claimed:
            shown = len(draft.text())
            draft.said += waiting
            waiting.clear()
            yield draft.text()[shown:]
    if draft.said:
        draft.mode = Mode.GUARDED if draft.arm.retrieves else Mode.MODEL
        shown = len(draft.text())
        draft.complete()
        if rest := draft.text()[shown:]:
            yield rest
    elif draft.arm.retrieves and not draft.declined:
        draft.note(phrase("guarded", draft.language))
