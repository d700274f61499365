"""One question with its answer, from the first status line to the sources."""

from adapters.console.controls import Tag, icon
from adapters.console.prose import Prose
from adapters.console.sources import Sources
from core.messages import Answer, Citation, Done, Event, Mode, Outcome, Piece, Status

QUICK = 0.05  # seconds; less is not worth a number
_STAGES = {"recalling": "Reading the conversation", "searching": "Searching the documents", "writing": "Writing"}
_OUTCOMES = {
    Outcome.ANSWERED: ("Answered", "check"),
    Outcome.EXTRACTIVE: ("Quoted from the documents", "quote"),
    Outcome.ABSTAINED: ("Don’t know", "unknown"),
    Outcome.REFUSED: ("Refused", "stop"),
    Outcome.FAILED: ("Failed", "alert"),
}


class Exchange:
    """Shows what happens to one question; made inside the column of the conversation."""

    def __init__(self, question: str, sources: Sources) -> None:
        self._sources, self._pieces = sources, 0
        with Tag("article", classes="exchange", mark="exchange") as self.root:
            with Tag("div", classes="asked"):
                Tag("h3", "You asked", classes="unseen")
                Tag("p", question, mark="asked", dir="auto")
            self._answer = Tag("div", classes="answer", mark="answer", aria_busy="true")
            with self._answer:
                self._said = Tag("div", classes="prose", aria_live="polite", dir="auto")
                with Tag("p", classes="status", mark="status", role="status") as self._line:
                    Tag("span", classes="pulse", aria_hidden="true")
                    self._status = Tag("span", "Asking")

    def show(self, event: Event) -> None:
        """Show what the bot says happened."""
        match event:
            case Status(stage):
                self._status.set_text(f"{_STAGES.get(stage, stage.capitalize())} …")
            case Piece(text):
                with self._said:
                    Tag("span", text, classes="piece", mark="piece")
            case Done(answer):
                self.finish(answer)

    def finish(self, answer: Answer) -> None:
        """Show the whole answer; its text replaces the pieces."""
        self._answer.clear()
        self._answer.props.pop("aria-busy", None)
        by_number = {c.n: c for c in answer.citations}
        with self._answer:
            self._badge(answer)
            with Tag("div", classes="prose", mark="said", dir="auto", lang=answer.language, aria_live="polite"):
                titles = {n: c.title for n, c in by_number.items()}
                Prose(lambda n: self._sources.open(by_number[n], answer.text), titles).write(answer.text)
            self._row("Sources", answer.citations, answer.text)
            self._row("Nearest documents", answer.nearest, "")
            self._foot(answer)

    def stopped(self) -> None:
        """Say that the person stopped it; what was shown stays, and is marked as unfinished."""
        self._answer.props.pop("aria-busy", None)
        self._line.delete()
        with self._answer:
            Tag("p", "You stopped this answer before it was finished.", classes="small fine", mark="stopped")

    def _badge(self, answer: Answer) -> None:
        words, symbol = _OUTCOMES[answer.outcome]
        with Tag("p", classes=f"badge {answer.outcome.value}", mark="outcome"):
            icon(symbol)
            Tag("span", words)

    def _row(self, title: str, citations: tuple[Citation, ...], said: str) -> None:
        if not citations:
            return
        with Tag("div", classes="sources"):
            Tag("h4", title, classes="small fine")
            with Tag("ul"):
                for citation in citations:
                    with Tag("li"):
                        self._chip(citation, said)

    def _chip(self, citation: Citation, said: str) -> None:
        with Tag("button", classes="chip", mark=f"chip-{citation.n}", type="button") as chip:
            chip.on("click", lambda: self._sources.open(citation, said), args=[])
            if said:
                Tag("span", str(citation.n), classes="number")
            Tag("span", citation.title or "Untitled")

    def _foot(self, answer: Answer) -> None:
        with Tag("footer", classes="small fine"):
            if answer.understood:
                Tag("p", f"Understood as: {answer.understood}", mark="understood")
            for note in answer.notes:
                Tag("p", note, mark="note")
            Tag("p", " · ".join(facts(answer)), mark="facts")


def facts(answer: Answer) -> list[str]:
    """Return how an answer came about, a few words each."""
    who = answer.model or "the model"
    by = {
        Mode.GUARDED: f"Written by {who}, each sentence checked against the documents",
        Mode.MODEL: f"Written by {who} alone, not checked against the documents",
        Mode.EXTRACTIVE: "The documents’ own words",
    }[answer.mode]
    said = [by] if answer.outcome in (Outcome.ANSWERED, Outcome.EXTRACTIVE) else []
    if answer.adapter:
        said.append(f"in the voice {answer.adapter}")
    if answer.cached:
        said.append("kept from the last time it was asked")
    seconds = answer.timings.total
    return [*said, f"{seconds:.1f} s" if seconds >= QUICK else "at once"]
