"""From blocks and spans to elements: answers and passages as they are read."""

from collections.abc import Callable, Iterable
from itertools import groupby

from adapters.console.controls import Tag, outward
from adapters.console.quoting import units
from adapters.console.text import Block, blocks, spans

_TAGS = {"p": "p", "h": "h4", "li": "li", "code": "pre"}


class Prose:
    """Writes text into the element it is called in; `cite` opens a source by its number, `titles` name them."""

    def __init__(self, cite: Callable[[int], object] | None = None, titles: dict[int, str] | None = None) -> None:
        self._cite, self._titles = cite, titles or {}

    def write(self, text: str) -> None:
        """Write a whole text."""
        self.blocks(blocks(text), set())

    def blocks(self, found: Iterable[Block], marked: set[tuple[int, int]]) -> None:
        """Write blocks, the marked `(block, unit)` highlighted; items and rows stand together."""
        for shape, group in groupby(enumerate(found), key=lambda pair: _shape(pair[1])):
            with Tag(shape) if shape else Tag("div"):
                for b, block in group:
                    self._block(block, {u for at, u in marked if at == b})

    def _block(self, block: Block, marked: set[int]) -> None:
        if block.cells:
            with Tag("tr", classes="marked" if marked else ""):
                for cell in block.cells:
                    with Tag("th" if block.kind == "head" else "td"):
                        self._units([cell], {0} if marked else set())
            return
        with Tag(_TAGS[block.kind]) as element:
            if block.bullet:
                element.props["value"] = int(block.bullet[:-1])
            if block.kind == "code":
                Tag("mark" if marked else "code", block.text)
            else:
                self._units(units(block), marked)

    def _units(self, texts: list[str], marked: set[int]) -> None:
        for u, text in enumerate(texts):
            with Tag("mark" if u in marked else "span"):
                self._line(text)
            if u + 1 < len(texts):
                Tag("span", " ")

    def _line(self, text: str) -> None:
        for span in spans(text):
            if span.kind == "cite":
                self._marker(int(span.text))
            elif span.kind == "link":
                outward(span.text, span.target)
            elif span.kind in ("strong", "em"):
                with Tag(span.kind):
                    self._line(span.text)
            else:
                Tag({"text": "span"}.get(span.kind, span.kind), span.text)

    def _marker(self, n: int) -> None:
        if self._cite is None or n not in self._titles:
            Tag("sup", f"[{n}]", classes="cite-text")
            return
        cite, label = self._cite, f"Open source {n}: {self._titles[n]}"
        made = Tag("button", str(n), classes="cite", mark=f"cite-{n}", type="button", aria_label=label)
        made.on("click", lambda: cite(n), args=[])


def _shape(block: Block) -> str:
    if block.kind == "li":
        return "ol" if block.bullet else "ul"
    return "table" if block.cells else ""
