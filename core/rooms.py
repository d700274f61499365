"""How the bot behaves in one room, such as a channel or a direct conversation: the settings and their port."""

from dataclasses import dataclass, fields, replace
from typing import Final, Protocol

from core.audience import Audience
from core.errors import InputError
from core.messages import Question
from core.phrases import ENGLISH, phrase

_YES: Final = {"on", "yes", "true", "1", "si", "sí"}
_NO: Final = {"off", "no", "false", "0"}
_AUTO: Final = {"", "auto", "default", "all", "todas", "todos"}
_WORDS: Final = {"language": ("en", "es"), "voice": ("plain",), "stream": ("on", "off")}
COLLECTIONS: Final = 20  # one room may name
LONGEST: Final = 80  # characters of a collection's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the bot behaves in one room. What no one set has the default.

    `mentions`: answer only when mentioned; off: also follow-ups in threads the bot is part of. `threads`: answer in the
    thread, off: in the room. `quiet`: what the bot cannot answer is said to the asker alone. `language`: of the bot's
    own words, empty: the asker's. `collections`: answer from these only, empty: from all that the readers may see.
    `voice`: `plain` speaks without the brand voice, empty: in the one that is live. `stream`: `on` shows sentences as
    they pass the checks, `off` the whole answer at its end, empty: as the platform does best.
    """

    mentions: bool = False
    threads: bool = True
    quiet: bool = False
    language: str = ""
    collections: tuple[str, ...] = ()
    voice: str = ""
    stream: str = ""

    def to_question(
        self, text: str, *, workspace: str, audience: Audience, user: str, conversation: str = ""
    ) -> Question:
        """Return what is asked in this room; its collections only ever take away from what the audience may see."""
        return Question(
            text=text,
            workspace=workspace,
            audience=replace(audience, collections=frozenset(self.collections)),
            user=user,
            conversation=conversation,
            plain=self.voice == "plain",
        )


KEYS: Final = tuple(field.name for field in fields(Settings))


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A room that is known: the platform's key, what people call it there (may be empty), who changed it last."""

    name: str
    label: str = ""
    settings: Settings = Settings()
    by: str = ""


class Rooms(Protocol):
    """Keeps the settings."""

    async def settings(self, workspace: str, room: str) -> Settings:
        """Return a room's settings, all defaults when nothing was set or nothing can be read."""
        ...

    async def change(
        self, workspace: str, room: str, key: str, value: str, *, by: str, label: str = "", tongue: str = ENGLISH
    ) -> Settings:
        """Change one and return all. `label`: what people call the room. InputError in `tongue`, KnowledgeDown."""
        ...

    async def known(self, workspace: str) -> list[Room]:
        """Return the rooms with settings of their own and those where something was answered. KnowledgeDown."""
        ...


def changed(settings: Settings, key: str, value: str, tongue: str = ENGLISH) -> Settings:
    """Return the settings with one changed; InputError names the keys and values there are, in `tongue`."""
    if key not in KEYS:
        raise InputError(phrase("no_setting", tongue, name=key[:40], keys=", ".join(KEYS)))
    word = value.strip().casefold()
    if key == "collections":
        return replace(settings, collections=_names(value, tongue))
    if key in _WORDS:
        if word not in (*_AUTO, *_WORDS[key]):
            raise InputError(phrase("no_value", tongue, name=key, values=" | ".join(choices(key))))
        kept = "" if word in _AUTO else word
        match key:
            case "language":
                return replace(settings, language=kept)
            case "voice":
                return replace(settings, voice=kept)
            case _:
                return replace(settings, stream=kept)
    if word not in _YES | _NO:
        raise InputError(phrase("no_value", tongue, name=key, values=" | ".join(choices(key))))
    on = word in _YES
    if key == "mentions":
        return replace(settings, mentions=on)
    return replace(settings, threads=on) if key == "threads" else replace(settings, quiet=on)


def choices(key: str) -> tuple[str, ...]:
    """Return the values a setting takes, its default first; none where they are names."""
    if key == "collections":
        return ()
    if key in _WORDS:
        return ("auto", *_WORDS[key])
    return ("on", "off") if getattr(Settings(), key) else ("off", "on")


def said(value: object) -> str:
    """Return a setting's value as it is said, and can be given to `changed`."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(value) if isinstance(value, tuple) and value else str(value or "auto")


def _names(value: str, tongue: str) -> tuple[str, ...]:
    if value.strip().casefold() in _AUTO:
        return ()
    names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
    if not names:
        raise InputError(phrase("name_collections", tongue))
    if len(names) > COLLECTIONS or any(len(name) > LONGEST for name in names):
        raise InputError(phrase("too_many_collections", tongue, most=COLLECTIONS, longest=LONGEST))
    return names
