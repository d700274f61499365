"""The elements that the page is made of. Text is always a text node; nothing given here is read as HTML."""

from collections.abc import Callable
from typing import Any

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from adapters.console.text import host, to_link


class Tag(TextElement):
    """A plain HTML element with a text; attributes are values, never parsed."""

    def __init__(self, name: str, text: str = "", *, classes: str = "", mark: str = "", **attributes: Any) -> None:
        super().__init__(tag=name, text=text)
        self.classes(classes).mark(mark)
        given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        self.props.update(given | ({"data-mark": mark} if mark else {}))


def icon(name: str) -> Tag:
    """Return a decorative icon of the style sheet, silent to screen readers."""
    return Tag("span", classes=f"icon icon-{name}", aria_hidden="true")


def button(
    text: str, do: Callable[[], object], *, mark: str, classes: str = "", symbol: str = "", label: str = ""
) -> Tag:
    """Return a button; `mark` names it for tests, `label` is read aloud where the text alone says too little."""
    made = Tag("button", classes=f"button {classes}", mark=mark, type="button")
    if label:
        made.props.update({"aria-label": label, "title": label})
    with made.on("click", do, args=[]):
        if symbol:
            icon(symbol)
        if text:
            Tag("span", text, classes="button-text")
    return made


def enable(made: Tag, enabled: bool) -> None:
    """Let a button be pressed, or not."""
    if enabled:
        made.props.pop("disabled", None)
    else:
        made.props["disabled"] = True


def field(
    label: str, *, mark: str, rows: int = 0, placeholder: str = "", longest: int, hidden: bool = False
) -> ui.input:
    """Return a text field with its label, above it or only read aloud."""
    with Tag("div", classes="field"):
        made = (ui.textarea if rows else ui.input)(placeholder=placeholder)
        if not hidden:
            Tag("label", label, for_=made.html_id).move(target_index=0)
    made.mark(mark).classes("control").props("borderless dense" + (" autogrow" if rows == 1 else ""))
    given = {"data-mark": mark, "aria-label": label, "maxlength": longest, "autocomplete": "off"}
    made.props.update(given | ({"rows": rows} if rows else {}))
    return made


def outward(text: str, url: str) -> Tag | None:
    """Return a link out of the page, or nothing where the address is no http(s) one."""
    target = to_link(url)
    if not target:
        return None
    return Tag(
        "a", text or host(target), classes="link", href=target, target="_blank", rel="noopener noreferrer nofollow"
    )
