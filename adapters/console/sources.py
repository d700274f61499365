"""The panel beside the conversation that shows a source: its title, its link, its passage with what was quoted."""

from adapters.console.controls import Tag, button, outward
from adapters.console.prose import Prose
from adapters.console.quoting import citing, quoted
from adapters.console.text import blocks, host
from core.messages import Citation

_CLOSE = "(e) => { if (e.key === 'Escape') emit(); }"


class Sources:
    """Shows one source at a time; closed until one is opened."""

    def __init__(self) -> None:
        self._panel = Tag("aside", classes="panel", aria_label="Source", tabindex="-1", mark="source")
        self._panel.on("keydown", self.close, js_handler=_CLOSE)
        self._panel.visible = False

    def open(self, citation: Citation, answer: str = "") -> None:
        """Show a source, with what the answer took from it highlighted."""
        self._panel.clear()
        with self._panel:
            self._head(citation)
            passage = blocks(citation.text)
            marked = quoted(passage, citing(answer, citation.n)) if answer else set()
            if marked:
                with Tag("p", classes="small hint"):
                    Tag("mark", "Highlighted")
                    Tag("span", " is what the answer rests on.")
            with Tag("div", classes="prose passage", mark="passage"):
                Prose().blocks(passage, marked)
            Tag("p", f"Passage {citation.chunk} of document {citation.document}", classes="small fine")
        self._panel.visible = True
        self._run(f"window.opener_ = document.activeElement; getHtmlElement({self._panel.id})?.focus()")

    def _head(self, citation: Citation) -> None:
        with Tag("header", classes="panel-head"):
            with Tag("div"):
                Tag("p", f"Source {citation.n}", classes="small fine")
                Tag("h2", citation.title or "Untitled", mark="source-title")
                link = outward(host(citation.url), citation.url)
                if link is not None:
                    link.classes("small outward")
            button("", self.close, mark="close-source", classes="quiet", symbol="close", label="Close the source")

    def close(self) -> None:
        """Hide the panel; the focus goes back to what opened it."""
        self._panel.visible = False
        self._panel.clear()
        self._run("window.opener_?.focus()")

    def _run(self, script: str) -> None:
        self._panel.client.run_javascript(script)
