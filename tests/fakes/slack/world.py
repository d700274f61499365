"""Who and what there is: people, channels, messages, files. What a channel's readers would see is `screen`."""

import itertools
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

BOT, BOT_ID, APP, TEAM = "U0BOT", "B0BOT", "A0APP", "T0TEAM"
_TICKS = itertools.count(1)  # of all fakes: two of them may stand on one database


@dataclass(slots=True, kw_only=True)
class User:
    """A person, or a bot, of this workspace or another."""

    id: str
    name: str
    team: str = TEAM
    admin: bool = False
    owner: bool = False
    guest: bool = False
    single_channel_guest: bool = False
    stranger: bool = False
    bot: bool = False
    deleted: bool = False
    teams: tuple[str, ...] = ()  # of an organisation, those they are a member of
    org: str = ""
    locale: str = "en-US"

    def to_json(self) -> dict[str, Any]:
        """Return what users.info gives."""
        return {
            "id": self.id,
            "team_id": self.team,
            "name": self.name,
            "deleted": self.deleted,
            "is_admin": self.admin,
            "is_owner": self.owner,
            "is_primary_owner": False,
            "is_restricted": self.guest or self.single_channel_guest,
            "is_ultra_restricted": self.single_channel_guest,
            "is_bot": self.bot,
            "is_stranger": self.stranger,
            "is_app_user": False,
            **({"enterprise_user": {"enterprise_id": self.org, "teams": list(self.teams)}} if self.org else {}),
            "profile": {"real_name": self.name, "display_name": self.name},
        }


@dataclass(slots=True, kw_only=True)
class Channel:
    """A conversation; `kind` is public, private, im or mpim."""

    id: str
    name: str
    kind: str = "public"
    members: list[str] = field(default_factory=list)
    shared: bool = False
    archived: bool = False
    team: str = TEAM
    org_shared: bool = False  # with other teams of the organisation

    @property
    def type(self) -> str:
        """The `channel_type` of events."""
        return {"public": "channel", "private": "group"}.get(self.kind, self.kind)

    def to_json(self) -> dict[str, Any]:
        """Return what conversations.info gives."""
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": self.kind == "public",
            "is_group": False,
            "is_im": self.kind == "im",
            "is_mpim": self.kind == "mpim",
            "is_private": self.kind != "public",
            "is_archived": self.archived,
            "is_ext_shared": self.shared,
            "is_org_shared": self.org_shared,
            "is_shared": self.shared or self.org_shared,
            "is_member": BOT in self.members,
            "num_members": len(self.members),
        }


@dataclass(slots=True, kw_only=True)
class Message:
    """One message as Slack keeps it; `to` is who alone sees it, when ephemeral."""

    channel: str
    ts: str
    user: str
    text: str = ""
    thread_ts: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    to: str = ""
    edits: int = 0
    streaming: bool = False
    unfurl: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the message as events and conversations.replies hold it."""
        body: dict[str, Any] = {"type": "message", "ts": self.ts, "user": self.user, "text": self.text, "team": TEAM}
        optional = {"thread_ts": self.thread_ts, "blocks": self.blocks, "metadata": self.metadata, "files": self.files}
        body.update({key: value for key, value in optional.items() if value})
        if self.user == BOT:
            body["bot_id"] = BOT_ID
            body["app_id"] = APP
        if self.edits:
            body["edited"] = {"user": self.user, "ts": self.ts}
        return body

    def buttons(self) -> dict[str, dict[str, Any]]:
        """Return the interactive elements by action id, feedback buttons as `id:positive` and `id:negative`."""
        found: dict[str, dict[str, Any]] = {}
        for block in self.blocks:
            for element in [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]:
                if element.get("type") == "feedback_buttons":
                    for side in ("positive", "negative"):
                        found[f"{element['action_id']}:{side}"] = {**element[f"{side}_button"], **_of(element, block)}
                elif "action_id" in element:
                    found[element["action_id"]] = {**element, **_of(element, block)}
        return found


def _of(element: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    return {"action_id": element["action_id"], "type": element["type"], "block_id": block.get("block_id", "b")}


class World:
    """The state, and its clock, which tests may replace."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.org = ""  # the organisation that installed the app for its teams
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.messages: dict[tuple[str, str], Message] = {}
        self.groups: dict[str, list[str]] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.bodies: dict[str, tuple[str, bytes]] = {}
        self.status: dict[tuple[str, str], str] = {}
        self.statuses: list[tuple[float, str, str, str]] = []
        self.prompts: dict[str, list[Any]] = {}
        self.homes: dict[str, dict[str, Any]] = {}
        self.modals: dict[str, dict[str, Any]] = {}  # the open one, by user
        self.triggers: dict[str, tuple[str, float]] = {}  # who clicked, when; gone once used
        self.add_user(User(id=BOT, name="vocero", bot=True))
        self.add_user(User(id="U0ANA", name="ana", owner=True, admin=True))
        self.add_user(User(id="U0BEN", name="ben"))
        self.add_user(User(id="U0GUS", name="gus", guest=True))
        self.add_user(User(id="U0EVE", name="eve", team="T9ELSE", stranger=True))
        self.add_channel(Channel(id="C0GENERAL", name="general", members=[BOT, "U0ANA", "U0BEN"]))
        self.add_channel(Channel(id="C0PEOPLE", name="people", kind="private", members=[BOT, "U0ANA"]))
        self.add_channel(Channel(id="C0SHARED", name="partners", shared=True, members=[BOT, "U0ANA", "U0EVE"]))
        self.add_channel(Channel(id="C0GUESTS", name="guests", members=[BOT, "U0ANA", "U0GUS"]))
        self.add_channel(Channel(id="C0AWAY", name="away", members=["U0ANA"]))

    def ts(self) -> str:
        """Return a timestamp no message has."""
        return f"{int(self.clock())}.{next(_TICKS) % 1_000_000:06d}"

    def add_user(self, user: User) -> User:
        """Let someone in."""
        self.users[user.id] = user
        return user

    def add_channel(self, channel: Channel) -> Channel:
        """Open a channel."""
        self.channels[channel.id] = channel
        return channel

    def im(self, user: str) -> Channel:
        """Return a person's conversation with the bot, opened when there is none."""
        id_ = "D" + user[1:]
        return self.channels.get(id_) or self.add_channel(Channel(id=id_, name="", kind="im", members=[BOT, user]))

    def user(self, name: str) -> User:
        """Return a person by id or name."""
        return self.users.get(name) or next(u for u in self.users.values() if u.name == name.lstrip("@"))

    def channel(self, name: str) -> Channel:
        """Return a channel by id or name."""
        return self.channels.get(name) or next(c for c in self.channels.values() if c.name == name.lstrip("#"))

    def trigger(self, user: str) -> str:
        """Return what a click lets an app open a dialog with: once, for three seconds."""
        id_ = f"{uuid.uuid4().hex}.1"
        self.triggers[id_] = (user, self.clock())
        return id_

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Return a thread with its root, oldest first, without ephemeral messages."""
        return [m for m in self.history(channel) if not m.to and ts in (m.ts, m.thread_ts)]

    def history(self, channel: str) -> list[Message]:
        """Return all of a channel's messages, oldest first."""
        return sorted((m for (c, _), m in self.messages.items() if c == channel), key=lambda m: m.ts)

    def screen(self, channel: str, *, viewer: str = "") -> list[str]:
        """Return what a viewer sees of a channel, a line a message: who, and all visible text."""
        seen = [m for m in self.history(channel) if not m.to or m.to == viewer]
        return [f"{self.users[m.user].name}: {visible(m)}" for m in seen]


def visible(message: Message) -> str:
    """Return all text of a message that a client shows: blocks where there are any, else the text."""
    shown = [text for block in message.blocks for text in _texts(block)]
    return "\n".join(shown) if shown else message.text


def _texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [
            t for key, value in node.items() if key != "value" for t in _texts(value) if key != "text" or not own
        ]
    return [t for item in node for t in _texts(item)] if isinstance(node, list) else []
