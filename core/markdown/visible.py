"""Takes out of a text what nobody sees: it hides words from readers, and from the rules that guard them."""

import re

_BREAK = re.compile("\r\n?|[\x85\u2028\u2029]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)  # controls, soft hyphens, zero-width, bidirectional marks, fillers, odd variants, lone surrogates, tag characters
_JOINING = re.compile("[\u200c\u200d\ufe0e\ufe0f]+")
_WANTED = {"\u200c", "\u200d", "\ufe0e", "\ufe0f", "\ufe0f\u200d"}


def to_visible(text: str) -> str:
    """Return the text without invisible characters and with plain line breaks.

    Kept are single joiners and emoji styles between characters beyond ASCII: Persian, Hindi and family emoji need them.
    """
    return _JOINING.sub(_joining, _UNSEEN.sub("", _BREAK.sub("\n", text)))


def _joining(match: re.Match[str]) -> str:
    run, text = match.group(), match.string
    before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 1]
    if run not in _WANTED or not before or (before.isascii() and (before not in "0123456789#*" or run != "\ufe0f")):
        return ""
    styles = run[-1] in "\ufe0e\ufe0f"
    return run if styles or (after and not after.isascii() and not after.isspace() and not before.isspace()) else ""
