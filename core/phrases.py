"""What the bot says in its own words, in the asker's language; each language is one file of `locales`."""

import string
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

LOCALES: Final = Path(__file__).parent / "locales"
ENGLISH: Final = "en"


def read_replies(folder: Path = LOCALES) -> dict[str, dict[str, str]]:
    """Return the phrases of each language; one whose gaps are not those of the English one is left out."""
    said = {
        file.stem: tomllib.loads(file.read_text(encoding="utf-8")).get("replies", {}) for file in folder.glob("*.toml")
    }
    english = said.get(ENGLISH) or _replies()[ENGLISH]
    return {
        language: {key: text for key, text in phrases.items() if key in english and _gaps(text) == _gaps(english[key])}
        for language, phrases in sorted(said.items())
    }


def phrase(key: str, language: str, **values: object) -> str:
    """Return a phrase in this language, in English where there is no translation."""
    replies = _replies()
    return (replies.get(language, {}).get(key) or replies[ENGLISH][key]).format(**values)


@cache
def _replies() -> dict[str, dict[str, str]]:
    return read_replies()


def _gaps(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        return {text}  # no text at all: a brace too many
