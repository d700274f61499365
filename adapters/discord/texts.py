"""Names and descriptions of the commands in other languages; a new language is one more file in `core/locales`."""

import tomllib
from pathlib import Path

import discord
from discord import app_commands

from core.phrases import LOCALES


def read_locales(folder: Path = LOCALES) -> dict[str, dict[str, str]]:
    """Return, for each of Discord's locales that has a file, English texts and what they are there."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(folder.glob("*.toml")):
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        parts = [part for name, part in table.items() if name != "replies"]
        texts = {english: text for part in parts for english, text in part.items()}
        spoken = [locale.value for locale in discord.Locale if locale.value.partition("-")[0] == file.stem]
        found |= dict.fromkeys(spoken, texts)
    return found


class Texts(app_commands.Translator):
    """Looks every text up; what has no translation stays English."""

    def __init__(self) -> None:
        self._locales = read_locales()

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,  # noqa: ARG002 - the library's signature
    ) -> str | None:
        """Return a text in this locale."""
        return self.find(string.message, locale.value)

    def find(self, text: str, locale: str) -> str | None:
        """Return a text in this locale, None when it has none."""
        return self._locales.get(locale, {}).get(text)
