"""Text as a reader of the page would see it: nothing invisible, one form per letter, one kind of line end."""

import re
import unicodedata

# Letters and marks that show nothing, though Unicode does not call them format characters: fillers, joiners and
# variation selectors, all used to hide instructions or to split words that a filter looks for.
BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + "".join(
    chr(code) for start, end in ((0x180B, 0x180F), (0xFE00, 0xFE10), (0xE0100, 0xE01F0)) for code in range(start, end)
)
SPACES = dict.fromkeys((160, 5760, *range(8192, 8203), 8239, 8287, 12288), " ")
LINES = {0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n\n"}
BULLETS = {0xF0B7: "•", 0xF0A7: "•", 0xF0FC: "✓"}  # what Word's symbol fonts leave behind
TABLE: dict[int, str | None] = {**SPACES, **LINES, **BULLETS, **{ord(char): None for char in BLANK}}
# control, format (zero width, bidi, tags), surrogate, private use, unassigned
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def clean(text: str) -> str:
    """Make text NFC with plain spaces and line feeds, without invisible characters or runs of blank lines."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").translate(TABLE))
    unseen = {char for char in set(text) if unicodedata.category(char) in UNSEEN} - {"\n", "\t"}
    text = text.translate(dict.fromkeys(map(ord, unseen)))
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def has_words(text: str) -> bool:
    """Say whether anything could be asked about it: at least one letter or digit."""
    return any(char.isalnum() for char in text)
