"""Where a text may be cut without tearing a character apart, and how long it is for others."""

import unicodedata

_JOINER = "\u200d"
_SKIN = range(0x1F3FB, 0x1F400)
_FLAG = range(0x1F1E6, 0x1F200)
_TAG = range(0xE0020, 0xE0080)
_VOWEL = range(0x1160, 0x1200)  # Hangul vowels and finals that complete the jamo before them
_LOOK = 64  # how far back a better place is looked for: longer clusters are made to annoy, and are cut


def to_bytes(text: str) -> int:
    """Return the length in UTF-8 bytes, as streams count."""
    return len(text.encode("utf-8", "surrogatepass"))


def to_units(text: str) -> int:
    """Return the length in UTF-16 units, as JavaScript counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_whole(text: str, at: int) -> bool:
    """Whether a cut here leaves every character with its marks, and every emoji and flag in one piece."""
    if at <= 0 or at >= len(text) or text[at - 1] == "\n":
        return True
    before, after = text[at - 1], text[at]
    code = ord(after)
    if before == _JOINER or after == _JOINER or code in _SKIN or code in _TAG or code in _VOWEL:
        return False
    if "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff":
        return False
    if ord(before) in _FLAG and code in _FLAG:
        return _flags(text, at) % 2 == 0
    return before + after != "\r\n" and not unicodedata.category(after).startswith("M")


def whole_before(text: str, at: int) -> int:
    """Return the last whole place up to `at`, or `at` where none is near."""
    return next((place for place in range(at, max(0, at - _LOOK), -1) if is_whole(text, place)), at)


def _flags(text: str, at: int) -> int:
    """Return how many halves of flags stand in a row before this place."""
    first = at
    while first and ord(text[first - 1]) in _FLAG:
        first -= 1
    return at - first
