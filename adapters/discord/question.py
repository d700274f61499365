"""What was accepted, as the handler reads it from a payload. Pure."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from adapters.discord.audience import Kind, Person, Place

_EMOJI: Final = re.compile(r"<a?:(\w+):\d+>")
_MENTION: Final = re.compile(r"<@[!&]?\d+>")
_CHANNEL: Final = re.compile(r"<#\d+>")
_TIME: Final = re.compile(r"<t:\d+(?::\w)?>")
_COMMAND: Final = re.compile(r"</([^:>\n]+):\d+>")


class Way(StrEnum):
    """How it reached us."""

    MENTION = "mention"
    DIRECT = "direct"
    FOLLOW = "follow"  # in a thread, without our name
    COMMAND = "command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message or interaction. `message`: its id, or the interaction's; `private`: only the asker sees the reply.

    `label`: what people call the room, empty when that is not known.
    """

    place: Place
    person: Person
    way: Way
    message: str
    text: str = ""
    locale: str = ""
    private: bool = False
    label: str = ""
    files: tuple[Mapping[str, Any], ...] = ()

    @property
    def workspace(self) -> str:
        """The tenant."""
        return f"discord/{self.place.guild}"

    @property
    def asker(self) -> str:
        """The person's key."""
        return f"{self.workspace}/{self.person.user}"

    @property
    def room(self) -> str:
        """The key of the channel whose settings hold."""
        return f"{self.workspace}/{self.place.room}"

    @property
    def key(self) -> str:
        """The message's key."""
        return f"{self.workspace}/{self.place.channel}/{self.message}"

    @property
    def conversation(self) -> str:
        """The memory's key: a thread or a direct conversation is one; in a channel each person has one."""
        if self.place.kind is Kind.TEXT:
            return f"{self.workspace}/{self.place.channel}/{self.person.user}"
        return f"{self.workspace}/{self.place.channel}"


def to_heard(payload: Mapping[str, Any]) -> Heard:
    """Return what a payload holds."""
    at, who = payload["at"], payload["who"]
    return Heard(
        place=Place(**{**at, "kind": Kind(at["kind"])}),
        person=Person(**{**who, "roles": frozenset(who["roles"]), "channels": frozenset(who["channels"])}),
        way=Way(payload["way"]),
        message=payload["message"],
        text=payload.get("text", ""),
        locale=payload.get("locale", ""),
        private=payload.get("private", False),
        label=payload.get("label", ""),
        files=tuple(payload.get("files", ())),
    )


def to_payload(heard: Heard, kind: str, **more: Any) -> dict[str, Any]:
    """Return JSON from which `to_heard` makes the same."""
    who = {**asdict(heard.person), "roles": sorted(heard.person.roles), "channels": sorted(heard.person.channels)}
    return {
        "kind": kind,
        "from": heard.person.user,
        "at": {**asdict(heard.place), "kind": heard.place.kind.value},
        "who": who,
        "way": heard.way.value,
        "message": heard.message,
        "text": heard.text,
        "locale": heard.locale,
        "private": heard.private,
        "label": heard.label,
        "files": [dict(file) for file in heard.files],
        **more,
    }


def without_name(text: str, me: int) -> str:
    """Return a message without the bot's own mention; everyone else's stays."""
    return re.sub(rf"[ \t]*<@!?{me}>[ \t]*", " ", text).strip()


def to_plain(text: str) -> str:
    """Return Discord's marks as a person reads them; who was mentioned is not told."""
    text = _EMOJI.sub(r":\1:", _COMMAND.sub(r"/\1", text))
    text = _CHANNEL.sub("that channel", _MENTION.sub("someone", text))
    return _TIME.sub("then", text).strip()


def to_language(locale: str) -> str:
    """Return the language of a locale such as `es-419`; empty for none."""
    return locale.partition("-")[0].lower()
