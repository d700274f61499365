"""Takes a message apart: words, quoted names, addresses and channels, as Slack, Discord and people write them."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

_QUOTES = '"“”„«»'
_TOKEN = re.compile(
    rf"""
      <(?P<link>https?://[^\s<>|]+)(?:\|[^<>\n]*)?>                  # <https://x|label>, <https://x>
    | <\#(?P<channel>[A-Za-z0-9]+)(?:\|[^<>\n]*)?>                   # <#C1|finance>, <#42>
    | \[[^\[\]\n]*\]\(<?(?P<target>https?://[^\s<>]+?)>?\)(?!\S)     # [label](https://x)
    | [{_QUOTES}](?P<double>[^{_QUOTES}]*)[{_QUOTES}](?=$|[\s.,;:!?)])
    | [‘'](?P<single>[^‘’']+)[’'](?=$|[\s.,;:!?)])
    | `(?P<code>[^`\n]+)`
    | (?P<word>\S+)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_URL = re.compile(r"https?://[^\s<>]+", re.IGNORECASE)
_NAME = re.compile(r"[\w./:@%+~-]*[\w]")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


class Shape(StrEnum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted"
    URL = "url"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a message; `text` is without its marks: a name without quotes, a channel's id."""

    shape: Shape
    text: str

    @property
    def folded(self) -> str:
        """A word's comparable form, empty for anything but a word."""
        return fold(self.text.strip(".,;:!")) if self.shape is Shape.WORD else ""

    @property
    def names_document(self) -> bool:
        """Whether this can only be the name of a document; see the rule."""
        if self.shape is Shape.WORD:
            return bool(_NAME.fullmatch(self.text)) and bool(re.search(r"[\d._/]", self.text))
        return self.shape is not Shape.CHANNEL and bool(self.text)

    @property
    def unclosed(self) -> bool:
        """Whether a quote begins here that never ends."""
        return self.shape is Shape.WORD and self.text[0] in _QUOTES


def fold(word: str) -> str:
    """Return a word in lower case and without accents, for comparison."""
    bare = unicodedata.normalize("NFKD", word.casefold())
    return "".join(mark for mark in bare if not unicodedata.combining(mark))


def to_tokens(text: str) -> list[Token]:
    """Return the tokens of a message, in order."""
    return [_token(match) for match in _TOKEN.finditer(text)]


def _token(match: re.Match[str]) -> Token:
    kind, text = match.lastgroup or "word", match.group(match.lastgroup or "word")
    if kind == "channel":
        return Token(Shape.CHANNEL, text)
    if kind == "link":  # Slack escapes three characters inside its links
        for entity, character in _ENTITIES:
            text = text.replace(entity, character)
    bare = text.strip() if kind in ("double", "single", "code") else text.rstrip(".,;:!")
    if _URL.fullmatch(bare):
        return Token(Shape.URL, bare)
    if kind == "word":
        return Token(Shape.WORD, bare or text)
    return Token(Shape.QUOTED, " ".join(text.split()))
