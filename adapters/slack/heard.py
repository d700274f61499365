"""A message as the bot heard it, from an accepted payload. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_LINK: Final = re.compile(r"<(https?://[^\s<>|]+)(?:\|([^<>\n]*))?>")
_CHANNEL: Final = re.compile(r"<#[A-Z0-9]+\|?([^<>\n]*)>")
_PERSON: Final = re.compile(r"<@[A-Z0-9]+(?:\|([^<>\n]*))?>")
_SPECIAL: Final = re.compile(r"<!(?:subteam\^[A-Z0-9]+\|?)?([^<>\n|]*)(?:\|[^<>\n]*)?>")


class Way(StrEnum):
    """How a message reached us."""

    MENTION = "mention"
    DIRECT = "direct"
    FOLLOW = "follow"  # in a thread, without our name
    COMMAND = "command"
    SHORTCUT = "shortcut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message for us. `text` keeps Slack's own marks but our mention; `to_plain` takes them off for a question.

    `root` is the thread it stands in or opens; `kind`: `im`, `mpim`, `channel`, `group` or empty when not told.
    """

    team: str
    channel: str
    user: str
    text: str
    way: Way
    ts: str = ""
    root: str = ""
    kind: str = ""
    user_team: str = ""
    shared: bool = False
    files: tuple[Mapping[str, Any], ...] = ()
    response_url: str = ""

    @property
    def workspace(self) -> str:
        """The tenant."""
        return f"slack/{self.team}"

    @property
    def asker(self) -> str:
        """The person's key."""
        return f"{self.workspace}/{self.user}"

    @property
    def room(self) -> str:
        """The channel's key."""
        return f"{self.workspace}/{self.channel}"

    @property
    def message(self) -> str:
        """The message's key, which two events about it share."""
        return f"{self.room}/{self.ts}"

    @property
    def conversation(self) -> str:
        """The memory's key: a direct conversation is one, in a channel each thread is."""
        if self.channel.startswith("D"):
            return self.room
        return f"{self.room}/{self.root}" if self.root else f"{self.room}/{self.user}"

    @property
    def private(self) -> bool:
        """Whether only the asker sees the reply."""
        return self.channel.startswith("D") or self.way is Way.COMMAND


def to_heard(payload: Mapping[str, Any], team: str) -> Heard:
    """Return what was heard from a `said` payload."""
    text, me = str(payload.get("text") or ""), str(payload["me"])
    direct = payload["channel"].startswith("D") or payload.get("channel_type") == "im"
    mentioned = payload.get("type") == "app_mention" or f"<@{me}" in text
    return Heard(
        team=team,
        channel=payload["channel"],
        user=payload["user"],
        user_team=payload.get("user_team") or "",
        text=without_name(text, me),
        way=Way.DIRECT if direct else Way.MENTION if mentioned else Way.FOLLOW,
        ts=payload["ts"],
        root=payload.get("thread_ts") or payload["ts"],
        kind=payload.get("channel_type") or "",
        shared=bool(payload.get("shared")),
        files=tuple(payload.get("files") or ()),
    )


def without_name(text: str, me: str) -> str:
    """Return a message without the bot's own mention; everyone else's stays."""
    return re.sub(rf"[ \t]*<@{re.escape(me)}(?:\|[^<>]*)?>[ \t]*", " ", text).strip()


def to_plain(text: str) -> str:
    """Return Slack's marks as a person reads them."""
    text = _LINK.sub(lambda m: f"{m[2]} ({m[1]})" if m[2] and m[2] not in m[1] else m[1], text)
    text = _CHANNEL.sub(lambda m: f"#{m[1]}" if m[1] else "that channel", text)
    text = _PERSON.sub(lambda m: m[1] or "someone", text)
    text = _SPECIAL.sub(lambda m: m[1], text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()
