"""Words and sentences, in any language as far as rules without a dictionary go. Pure."""

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

_WORD = re.compile(r"\d+(?:[.,:/]\d+)*|[^\W_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(r"\d")
# A sentence ends at a stop followed by space and something that can begin one; never inside `e.g. x` or `3.5`.
_ENDS = re.compile(
    r"(?<=[.!?…。！？])[\"'”’»)\]]*(?:\s*\[\d+\])*"
    r"(?:\s+(?!\[\d)(?=[\"'“‘«(\[¿¡]*[^\W_a-zß-ÿ])|(?<=[。！？]))"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[])(?:e\.g|i\.e|etc|vs|approx|no|nos|nr|mr|mrs|ms|dr|st|fig|inc|ltd|co|cf|al|p\.ej|sr|sra|ud|uds|núm|pág"
    r"|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|[a-z])\.$",
    re.IGNORECASE,
)

# core/stopwords/LANGUAGE.txt: words that carry no topic; one more language is one more file
STOP: Final = {
    path.stem: frozenset(path.read_text(encoding="utf-8").split())
    for path in sorted((Path(__file__).parent / "stopwords").glob("*.txt"))
}
_ANY_STOP: Final = frozenset().union(*STOP.values())
_SUFFIXES: Final = (
    *("ations", "ation", "ingly", "ments", "ment", "ings", "ing", "edly", "ies", "ied", "ed", "es", "ly", "s"),
)


def stem(word: str) -> str:
    """Return a word's comparable form: case, accents and common endings gone; digits unchanged."""
    if _NUMBER.search(word):  # there is no end of numbers, so they are not kept
        plain = _plain(word)
        return plain.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", plain) else plain
    return _stem(word)


def _plain(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("’", "'").removesuffix("'s")


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    plain = _plain(word)
    for suffix in _SUFFIXES:
        if plain.endswith(suffix) and len(plain) - len(suffix) >= 3:
            plain = plain[: -len(suffix)]
            break
    return plain[:-1] if len(plain) > 4 and plain[-1] in "ey" else plain


def words(text: str) -> list[str]:
    """Return the words and numbers as they stand."""
    return _WORD.findall(text)


def content(text: str) -> list[str]:
    """Return the stems of what carries meaning: no stop words of any language we know, one entry an occurrence."""
    return [stem(w) for w in words(text) if w.casefold().replace("’", "'") not in _ANY_STOP]


def numbers(text: str) -> set[str]:
    """Return the numbers in a text, in comparable form, list markers and citations left out."""
    bare = re.sub(r"\[\d+(?:\s*,\s*\d+)*\]", " ", re.sub(r"(?m)^\s*\d+[.)]\s", " ", text))
    return {stem(w) for w in words(bare) if _NUMBER.search(w)}


def sentences(text: str) -> list[str]:
    """Return a prose text's sentences in order, each with its stops and citations; together they lose nothing."""
    parts: list[str] = []
    begin = 0
    for match in _ENDS.finditer(text):
        head = text[begin : match.end()]
        if _ABBREVIATION.search(text[begin : match.start()].rstrip("\"'”’»)] ")):
            continue
        parts.append(head.strip())
        begin = match.end()
    parts.append(text[begin:].strip())
    return [part for part in parts if part]


def language(text: str) -> str:
    """Return `en` or `es`, whichever has more of its stop words and letters in the text; English when in doubt."""
    found = [w.casefold() for w in words(text)]
    spanish = sum(w in STOP["es"] and w not in STOP["en"] for w in found)
    spanish += 2 * len(re.findall("[¿¡ñ]", text.casefold()))
    english = sum(w in STOP["en"] and w not in STOP["es"] for w in found)
    return "es" if spanish > english else "en"
