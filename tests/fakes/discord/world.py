"""Servers, people, roles and channels, and the permissions that follow from them."""

import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

EPHEMERAL, LOADING, V2 = 1 << 6, 1 << 7, 1 << 15
ADMINISTRATOR, MANAGE_GUILD, VIEW, SEND, HISTORY = 1 << 3, 1 << 5, 1 << 10, 1 << 11, 1 << 16
CREATE_THREADS, SEND_IN_THREADS = 1 << 35, 1 << 38
MEMBER = VIEW | SEND | HISTORY | 1 << 6 | 1 << 14 | 1 << 15 | 1 << 31 | CREATE_THREADS | SEND_IN_THREADS
ALL = (1 << 53) - 1
TEXT, DM, CATEGORY, PUBLIC_THREAD, PRIVATE_THREAD, FORUM = 0, 1, 4, 11, 12, 15
THREADS = (10, PUBLIC_THREAD, PRIVATE_THREAD)
EPOCH = 1_420_070_400_000  # Discord's own, in milliseconds

Json = dict[str, Any]


def now() -> str:
    """Return the time as Discord writes it."""
    return datetime.now(UTC).isoformat()


class World:
    """One application, its servers, and who is where. Names are keys; ids are what the wire carries."""

    def __init__(self) -> None:
        self._counter = itertools.count(1)
        self.app_id = self.id()
        self.bot = self.to_user(self.app_id, "vocero", bot=True)
        self.users: dict[str, Json] = {}
        self.guilds: dict[str, Json] = {}
        self.roles: dict[str, Json] = {}
        self.members: dict[str, dict[str, Json]] = defaultdict(dict)  # server id, user id
        self.channels: dict[str, Json] = {}
        self.messages: dict[str, dict[str, Json]] = defaultdict(dict)

    def id(self, at: float | None = None) -> str:
        """Return a new snowflake, of this time if given."""
        milliseconds = int((time.time() if at is None else at) * 1000) - EPOCH
        return str(milliseconds << 22 | next(self._counter) & 0x3FFFFF)

    def to_user(self, id_: str, name: str, *, bot: bool = False) -> Json:
        """Return a user as the wire carries it."""
        named = {"id": id_, "username": name, "global_name": name.title(), "bot": bot}
        return {**named, "discriminator": "0", "avatar": None, "public_flags": 0}

    def guild(self, name: str, *, features: tuple[str, ...] = ()) -> Json:
        """Make a server with an owner of the same name, and let the bot join it."""
        id_ = self.id()
        self.guilds[name] = {"id": id_, "name": name.title(), "features": list(features), "owner_id": "0"}
        self.roles[f"{name}:@everyone"] = self._role(id_, id_, "@everyone", MEMBER)
        self.join(self.bot, id_)
        return self.guilds[name]

    def user(self, name: str, *, guild: str | None = "lab", permissions: int = 0, roles: tuple[str, ...] = ()) -> Json:
        """Make a person, and a member of a server unless None; `permissions` come as a role of their own."""
        made = self.users.setdefault(name, self.to_user(self.id(), name))
        if guild is None:
            return made
        id_ = self.guilds[guild]["id"]
        member = self.join(made, id_)
        if permissions:
            member["roles"].append(self.role(f"of {name} in {guild}", guild=guild, permissions=permissions)["id"])
        member["roles"] += [self.roles[role]["id"] for role in roles]
        return made

    def join(self, user: Mapping[str, Any], guild_id: str) -> Json:
        """Make someone a member."""
        member = {
            "user": dict(user),
            "roles": [],
            "joined_at": now(),
            "deaf": False,
            "mute": False,
            "flags": 0,
            "nick": None,
            "avatar": None,
            "pending": False,
            "communication_disabled_until": None,
            "premium_since": None,
        }
        return self.members[guild_id].setdefault(user["id"], member)

    def role(self, name: str, *, guild: str = "lab", permissions: int = 0) -> Json:
        """Make a role."""
        made = self._role(self.id(), self.guilds[guild]["id"], name, permissions)
        self.roles[name] = made
        return made

    def _role(self, id_: str, guild_id: str, name: str, permissions: int) -> Json:
        plain = {"color": 0, "colors": {"primary_color": 0}, "hoist": False, "position": 0, "managed": False}
        more = {"mentionable": False, "flags": 0, "permissions": str(permissions), "guild": guild_id}
        return {"id": id_, "name": name, **plain, **more}

    def channel(self, name: str, kind: int = TEXT, *, guild: str = "lab", **extra: Any) -> Json:
        """Make a channel of a server."""
        made: Json = {
            "id": self.id(),
            "type": kind,
            "name": name,
            "guild_id": self.guilds[guild]["id"],
            "position": 0,
            "permission_overwrites": [],
            "topic": None,
            "nsfw": False,
            "last_message_id": None,
            "parent_id": None,
            "rate_limit_per_user": 0,
            "flags": 0,
            **({"available_tags": []} if kind == FORUM else {}),
            **extra,
        }
        self.channels[name] = made
        return made

    def thread(self, name: str, parent: Json, owner: str, *, id_: str = "", private: bool = False) -> Json:
        """Open a thread; a forum's post is one, too."""
        about = {"archived": False, "locked": False, "archive_timestamp": now(), "auto_archive_duration": 1440}
        made: Json = {
            "id": id_ or self.id(),
            "type": PRIVATE_THREAD if private else PUBLIC_THREAD,
            "name": name,
            "guild_id": parent["guild_id"],
            "parent_id": parent["id"],
            "owner_id": owner,
            "message_count": 0,
            "member_count": 1,
            "rate_limit_per_user": 0,
            "flags": 0,
            "last_message_id": None,
            "thread_metadata": {**about, "create_timestamp": now()},
        }
        self.channels[f"thread:{made['id']}"] = made
        return made

    def direct(self, user: str) -> Json:
        """Return the direct conversation of a person with the bot."""
        made = {"id": self.id(), "type": DM, "recipients": [self.users[user]], "last_message_id": None}
        return self.channels.setdefault(f"@{user}", made)

    def hide(self, channel: str, *, roles: tuple[str, ...] = (), users: tuple[str, ...] = ()) -> None:
        """Let only these roles and people, and the bot, see a channel."""
        made = self.channels[channel]
        allowed = [(self.roles[r]["id"], 0) for r in roles] + [(self.users[u]["id"], 1) for u in users]
        deny = {"id": made["guild_id"], "type": 0, "allow": "0", "deny": str(VIEW)}
        allow = [{"id": i, "type": kind, "allow": str(VIEW), "deny": "0"} for i, kind in [*allowed, (self.app_id, 1)]]
        made["permission_overwrites"] = [deny, *allow]

    def deny(self, channel: str, permissions: int) -> None:
        """Take permissions from the bot in a channel."""
        entry = {"id": self.app_id, "type": 1, "allow": "0", "deny": str(permissions)}
        self.channels[channel]["permission_overwrites"].append(entry)

    def permissions(self, user_id: str, channel: Json) -> int:
        """Return what someone may do in a channel: roles, then overwrites; a thread has its parent's."""
        if channel["type"] == DM:
            return MEMBER
        if channel["type"] in THREADS:
            channel = self.by_id(channel["parent_id"])
        member = self.members[channel["guild_id"]].get(user_id)
        if member is None:
            return 0
        mine = {channel["guild_id"], *member["roles"]}
        have = 0
        for role in self.roles.values():
            have |= int(role["permissions"]) if role["id"] in mine else 0
        if have & ADMINISTRATOR or self._owns(user_id, channel["guild_id"]):
            return ALL
        entries = channel["permission_overwrites"]
        for group in (
            [e for e in entries if e["id"] == channel["guild_id"]],
            [e for e in entries if e["id"] in mine and e["id"] != channel["guild_id"]],
            [e for e in entries if e["id"] == user_id],
        ):
            for entry in group:
                have &= ~int(entry["deny"])
            for entry in group:
                have |= int(entry["allow"])
        return have

    def _owns(self, user_id: str, guild_id: str) -> bool:
        return any(g["id"] == guild_id and g["owner_id"] == user_id for g in self.guilds.values())

    def by_id(self, channel_id: str) -> Json:
        """Return a channel by its id; KeyError."""
        for made in self.channels.values():
            if made["id"] == channel_id:
                return made
        raise KeyError(channel_id)

    def guild_named(self, guild_id: str) -> Json:
        """Return a server by its id; KeyError."""
        for made in self.guilds.values():
            if made["id"] == guild_id:
                return made
        raise KeyError(guild_id)

    def to_guild(self, guild: Json) -> Json:
        """Return a server as GUILD_CREATE carries it."""
        id_ = guild["id"]
        here = [c for c in self.channels.values() if c.get("guild_id") == id_]
        none = ("icon", "system_channel_id", "rules_channel_id", "afk_channel_id", "description", "banner", "splash")
        more = ("discovery_splash", "vanity_url_code", "public_updates_channel_id", "safety_alerts_channel_id")
        zero = ("premium_tier", "verification_level", "default_message_notifications", "explicit_content_filter")
        empty = ("emojis", "stickers", "presences", "voice_states", "stage_instances", "guild_scheduled_events")
        return {
            **dict.fromkeys((*none, *more, "application_id")),
            **dict.fromkeys((*zero, "mfa_level", "nsfw_level", "system_channel_flags"), 0),
            **{name: [] for name in (*empty, "soundboard_sounds")},
            "id": id_,
            "name": guild["name"],
            "owner_id": guild["owner_id"],
            "features": guild["features"],
            "roles": [role for role in self.roles.values() if role["guild"] == id_],
            "channels": [c for c in here if c["type"] not in THREADS],
            "threads": [c for c in here if c["type"] in THREADS],
            "members": [self.members[id_][self.app_id]],
            "member_count": len(self.members[id_]),
            "large": False,
            "unavailable": False,
            "afk_timeout": 300,
            "preferred_locale": "en-US",
            "premium_progress_bar_enabled": False,
            "joined_at": now(),
        }


def walk(components: list[Json]) -> Iterator[Json]:
    """Yield components with all that is in them."""
    for component in components:
        yield component
        yield from walk(component.get("components") or [])
        for key in ("accessory", "component"):
            if component.get(key):
                yield from walk([component[key]])


def visible(message: Json) -> str:
    """Return the words of a message, wherever they stand."""
    texts = [c["content"] for c in walk(message.get("components") or []) if c["type"] == 10]
    return "\n".join([message.get("content") or "", *texts]).strip()
