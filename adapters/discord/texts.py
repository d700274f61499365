"""Names and descriptions of the commands in other languages; a new language is one more file in `locales`."""

import tomllib
from importlib.resources import files
from typing import Final

import discord
from discord import app_commands

_REGIONS: Final = {"es": ("es-ES", "es-419"), "en": ("en-US", "en-GB"), "pt": ("pt-BR",), "zh": ("zh-CN", "zh-TW")}


def read_locales() -> dict[str, dict[str, str]]:
    """Return, for each of Discord's locales, English texts and what they are there."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(files("adapters.discord").joinpath("locales").iterdir(), key=lambda entry: entry.name):
        language = file.name.removesuffix(".toml")
        if language == file.name:
            continue
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        texts = {english: text for part in table.values() for english, text in part.items()}
        found |= dict.fromkeys(_REGIONS.get(language, (language,)), texts)
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
