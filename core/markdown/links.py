"""Finds what a chat client could make a link of, and decides which of it may stay: what is allowed word for word."""

import re
from collections.abc import Iterable, Iterator

from core.markdown.visible import to_visible

REMOVED = "(link removed)"
SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,30}://", re.IGNORECASE)
MASS = r"everyone|here|channel"
_STOP = r"\s<>\"\[\]{}|\\^`"
_RUN = re.compile(rf"[^{_STOP}]*")
_ASCII_RUN = re.compile(r"[!#-;=?-Z_a-z~]*")
_WORD = re.compile(rf"[^{_STOP}()]+")
_DOTTED = re.compile(r"\w\.\w")
_TRAILING = ".,;:!?)'*_~"
_SAFE = re.compile(rf"[^{_STOP}]{{1,2000}}")
_MASS = re.compile(rf"(?i)@(?:{MASS})")


def to_allowed(words: Iterable[str]) -> frozenset[str]:
    """Return those of the words that may stay: a word with a mark, a mention or a hidden character in it never may."""
    return frozenset(
        word for word in words if _SAFE.fullmatch(word) and not _MASS.search(word) and to_visible(word) == word
    )


def links(text: str) -> frozenset[str]:
    """Return every address, e-mail and dotted name of a passage, as `defuse` takes them for allowed."""
    return to_allowed({*_addresses(text), *(word for _, word in dotted(text))})


def address(text: str, start: int, allowed: frozenset[str]) -> tuple[str, int]:
    """Return the allowed address that stands here, empty if none does, and where what stands here ends."""
    longest = max(map(len, allowed), default=0)
    for run in _runs(text, start):
        size = len(run)
        while size:
            if size <= longest and run[:size] in allowed:
                return run[:size], start + size
            if run[size - 1].isascii() and run[size - 1] not in _TRAILING:
                break
            size -= 1
    return "", start + len(_runs(text, start)[1].rstrip(_TRAILING))


def ends(text: str, at: int) -> bool:
    """Whether a client that makes a link of the bare word before this place ends it here."""
    after = text[at:].lstrip(_TRAILING) if text[at : at + 1] in _TRAILING else text[at:]
    if after[:1] in ('"', "`"):  # a client that reads on past a quote or a backtick would take the rest along
        after = after.lstrip('"`' + _TRAILING)
    return not after or after[0].isspace() or after[0] == ">"


def dotted(text: str) -> Iterator[tuple[int, str]]:
    """Yield the place and the text of every word with a dot inside, without the marks around it; no full addresses."""
    for match in _WORD.finditer(text):
        bare = match.group().lstrip("*_~.,;:!?'")
        start = match.end() - len(bare)
        bare = bare.rstrip(_TRAILING)
        if _DOTTED.search(bare) and "://" not in bare:
            yield start, bare


def _runs(text: str, start: int) -> tuple[str, str]:
    """Return what a client might take for one address here: up to a space or mark, and up to the end of ASCII."""
    runs = [pattern.match(text, start) for pattern in (_RUN, _ASCII_RUN)]
    whole, plain = (run.group() if run else "" for run in runs)
    return whole, plain


def _addresses(text: str) -> Iterator[str]:
    for match in SCHEME.finditer(text):
        for run in _runs(text, match.start()):
            bare = run.rstrip(_TRAILING)
            balanced = bare + ")" * (bare.count("(") - bare.count(")"))
            yield balanced if run.startswith(balanced) else bare
