"""The Web API: arguments from query, form or JSON; tokens, scopes, rates, scripted faults; then the method."""

import json
import math
import re
import time
from collections import defaultdict, deque
from typing import Any

from aiohttp import web

from tests.fakes.slack.limits import BURST, BY_KIND, PER_MINUTE, SCOPES, USUAL, refuse, refuse_view
from tests.fakes.slack.streams import Streams
from tests.fakes.slack.world import APP, BOT, BOT_ID, TEAM, Message, World

ALL_SCOPES = frozenset(
    {*SCOPES.values(), "app_mentions:read", "commands", "groups:history", "groups:read", "im:read"}
    | {"mpim:history", "mpim:read"}
)
BY_TEAM = {"users.list", "users.conversations", "conversations.list", "usergroups.list", "usergroups.users.list"}
Reply = dict[str, Any]
_CAPITAL = re.compile("[A-Z]")


class WebApi:
    """What answers `/api/METHOD`. `fail[method]` is a list of faults to come: an error's name, 429, 500 or empty."""

    def __init__(self, world: World) -> None:
        self.world, self.streams = world, Streams(world)
        self.calls: list[tuple[str, Reply]] = []
        self.fail: dict[str, list[str]] = {}
        self.scopes: set[str] = set(ALL_SCOPES)
        self.tokens = {"xoxb-test": TEAM}
        self.tiers = False
        self.retry_after = 1
        self.codes: dict[str, str] = {}  # OAuth code -> team
        self.link = lambda: ""  # the address of a fresh socket
        self.base = lambda: ""
        self.delay = 0.0
        self._after = self.retry_after
        self._window: dict[str, deque[float]] = defaultdict(deque)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call."""
        method = request.match_info["method"]
        arguments = await read_arguments(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or arguments.pop("token", "")
        self.calls.append((method, arguments))
        fault = self._fault(method, arguments)
        if fault in ("429", "500"):
            headers = {"Retry-After": str(self._after)} if fault == "429" else {}
            error = {"429": "ratelimited", "500": "internal_error"}[fault]
            return web.json_response({"ok": False, "error": error}, status=int(fault), headers=headers)
        result = {"error": fault} if fault else self._refuse(method, token, arguments) or self._call(method, arguments)
        body = {"ok": "error" not in result, **result}
        return web.json_response(body, headers={"x-oauth-scopes": ",".join(sorted(self.scopes))})

    def _fault(self, method: str, a: Reply) -> str:
        scripted = self.fail.get(method)
        self._after = self.retry_after
        if scripted:
            return scripted.pop(0)
        if self.tiers:
            posted = f"{method} {a.get('channel')}" if method == "chat.postMessage" else ""
            if self._full(method, 60.0, PER_MINUTE.get(method, USUAL)) or (posted and self._full(posted, 5.0, BURST)):
                return "429"
            for name in filter(None, (method, posted)):
                self._window[name].append(time.monotonic())
        return ""

    def _full(self, name: str, seconds: float, most: int) -> bool:
        window, now = self._window[name], time.monotonic()
        while window and now - window[0] > seconds:
            window.popleft()
        self._after = math.ceil(seconds - (now - window[0])) if len(window) >= most else self.retry_after
        return len(window) >= most

    def _refuse(self, method: str, token: str, a: Reply) -> Reply | None:
        if method == "oauth.v2.access":
            return None
        if not token:
            return {"error": "not_authed"}
        if method == "apps.connections.open":
            return None if token.startswith("xapp-") else {"error": "not_allowed_token_type"}
        if token not in self.tokens:
            return {"error": "token_revoked" if token.startswith("xoxb-") else "invalid_auth"}
        place = self.world.channels.get(a.get("channel", ""))
        needed = BY_KIND[method][place.kind] if place and method in BY_KIND else SCOPES.get(method)
        if needed and needed not in self.scopes:
            return {"error": "missing_scope", "needed": needed, "provided": ",".join(sorted(self.scopes))}
        return None

    def _call(self, method: str, a: Reply) -> Reply:
        if self.world.org and method in BY_TEAM and not a.get("team_id"):
            return {"error": "missing_argument"}
        known = getattr(self, "m_" + _CAPITAL.sub(lambda c: "_" + c[0].lower(), method.replace(".", "_")), None)
        return known(a) if known else {"error": "unknown_method", "req_method": method}

    def _place(self, a: Reply) -> str:
        channel = self.world.channels.get(a.get("channel", ""))
        if channel is None:
            return "channel_not_found"
        if channel.archived:
            return "is_archived"
        return "" if BOT in channel.members else "not_in_channel"

    def m_auth_test(self, a: Reply) -> Reply:
        return {
            "url": "https://fake.slack.com/",
            "team": "Fake",
            "user": "vocero",
            "team_id": self.world.org or TEAM,
            **({"enterprise_id": self.world.org} if self.world.org else {}),
            "user_id": BOT,
            "bot_id": BOT_ID,
            "app_id": APP,
            "is_enterprise_install": bool(self.world.org),
        }

    def m_auth_revoke(self, a: Reply) -> Reply:
        return {"revoked": True}

    def m_apps_connections_open(self, a: Reply) -> Reply:
        return {"url": self.link()}

    def m_oauth_v2_access(self, a: Reply) -> Reply:
        team = self.codes.pop(a.get("code", ""), "")
        if not team:
            return {"error": "invalid_code"}
        token = f"xoxb-{team}"
        self.tokens[token] = team
        whole = team.startswith("E")
        return {
            "access_token": token,
            "token_type": "bot",
            "scope": ",".join(sorted(self.scopes)),
            "bot_user_id": BOT,
            "app_id": APP,
            "team": None if whole else {"id": team, "name": team},
            "enterprise": {"id": team, "name": team} if whole else None,
            "authed_user": {"id": "U0ANA"},
            "is_enterprise_install": whole,
        }

    def m_chat_post_message(self, a: Reply) -> Reply:
        if error := self._place(a) or refuse(a):
            return {"error": error}
        channel, root = a["channel"], a.get("thread_ts") or ""
        if root and (channel, root) not in self.world.messages:
            return {"error": "thread_not_found"}
        ts = self.world.ts()
        message = Message(
            channel=channel,
            ts=ts,
            user=BOT,
            text=a.get("text") or a.get("markdown_text") or "",
            thread_ts=root,
            blocks=a.get("blocks") or [],
            metadata=a.get("metadata") or {},
            unfurl=a.get("unfurl_links") not in (False, "false", "0", 0),
        )
        self.world.messages[channel, ts] = message
        self.world.status.pop((channel, root or ts), None)
        return {"ts": ts, "channel": channel, "message": message.to_json()}

    def m_chat_post_ephemeral(self, a: Reply) -> Reply:
        if error := self._place(a) or refuse(a):
            return {"error": error}
        ts = self.world.ts()
        self.world.messages[a["channel"], ts] = Message(
            channel=a["channel"],
            ts=ts,
            user=BOT,
            text=a.get("text") or "",
            thread_ts=a.get("thread_ts") or "",
            blocks=a.get("blocks") or [],
            to=a["user"],
        )
        return {"message_ts": ts}

    def m_chat_update(self, a: Reply) -> Reply:
        message = self.world.messages.get((a["channel"], a["ts"]))
        if message is None or message.to:
            return {"error": "message_not_found"}
        if message.user != BOT:
            return {"error": "cant_update_message"}
        if message.streaming:
            return {"error": "streaming_state_conflict"}
        if error := self._place(a) or refuse(a, update=True):
            return {"error": error}
        message.text = a.get("text") or a.get("markdown_text") or ""
        message.blocks = a.get("blocks") or []
        message.metadata = a.get("metadata") or message.metadata
        message.edits += 1
        return {"ts": message.ts, "channel": message.channel, "text": message.text}

    def m_chat_delete(self, a: Reply) -> Reply:
        message = self.world.messages.get((a["channel"], a["ts"]))
        if message is None:
            return {"error": "message_not_found"}
        if message.user != BOT:
            return {"error": "cant_delete_message"}
        del self.world.messages[a["channel"], a["ts"]]
        return {"ts": a["ts"], "channel": a["channel"]}

    def m_chat_start_stream(self, a: Reply) -> Reply:
        return {"error": error} if (error := self._place(a)) else self.streams.start(a)

    def m_chat_append_stream(self, a: Reply) -> Reply:
        return self.streams.append(a)

    def m_chat_stop_stream(self, a: Reply) -> Reply:
        return self.streams.stop(a)

    def m_assistant_threads_set_status(self, a: Reply) -> Reply:
        channel, thread = a["channel_id"], a["thread_ts"]
        self.world.statuses.append((self.world.clock(), channel, thread, a.get("status", "")))
        self.world.status[channel, thread] = a.get("status", "")
        return {}

    def m_assistant_threads_set_suggested_prompts(self, a: Reply) -> Reply:
        prompts = a.get("prompts") or []
        if not 0 < len(prompts) <= 4:
            return {"error": "invalid_arguments"}
        if not a.get("thread_ts"):  # with agent_view a thread makes it fail silently
            self.world.prompts[a["channel_id"]] = prompts
        return {}

    def m_conversations_info(self, a: Reply) -> Reply:
        channel = self.world.channels.get(a["channel"])
        if channel is None or (channel.kind == "private" and BOT not in channel.members):
            return {"error": "channel_not_found"}
        return {"channel": channel.to_json()}

    def m_conversations_members(self, a: Reply) -> Reply:
        channel = self.world.channels.get(a["channel"])
        return self._page(a, "members", channel.members) if channel else {"error": "channel_not_found"}

    def m_conversations_list(self, a: Reply) -> Reply:
        kinds = {"public_channel": "public", "private_channel": "private"}
        wanted = {kinds.get(k, k) for k in a.get("types", "public_channel").split(",")}
        listed = [c for c in self.world.channels.values() if c.kind in wanted]
        seen = [c.to_json() for c in listed if c.kind == "public" or BOT in c.members]
        return self._page(a, "channels", seen)

    def m_conversations_open(self, a: Reply) -> Reply:
        if a.get("users") not in self.world.users:
            return {"error": "user_not_found"}
        return {"channel": {"id": self.world.im(a["users"]).id}}

    def m_conversations_replies(self, a: Reply) -> Reply:
        thread = self.world.thread(a["channel"], a["ts"])
        if not thread:
            return {"error": "thread_not_found"}
        return self._page(a, "messages", [m.to_json() for m in thread])

    def m_conversations_history(self, a: Reply) -> Reply:
        roots = [m for m in self.world.history(a["channel"]) if not m.to and m.thread_ts in ("", m.ts)]
        return self._page(a, "messages", [m.to_json() for m in roots if m.ts >= a.get("oldest", "0")][::-1])

    def m_users_info(self, a: Reply) -> Reply:
        user = self.world.users.get(a["user"])
        if user is None:
            return {"error": "user_not_found"}
        return {"user": {**user.to_json(), **({"locale": user.locale} if a.get("include_locale") else {})}}

    def m_users_list(self, a: Reply) -> Reply:
        team = a.get("team_id") or TEAM
        return self._page(a, "members", [u.to_json() for u in self.world.users.values() if u.team == team])

    def m_users_conversations(self, a: Reply) -> Reply:
        user = a.get("user") or BOT
        team = a.get("team_id") or TEAM
        all_ = [c for c in self.world.channels.values() if c.team == team]
        held = [c for c in all_ if user in c.members and c.kind in ("public", "private")]
        seen = [c.to_json() for c in held if c.kind == "public" or BOT in c.members]
        return self._page(a, "channels", seen)

    def m_usergroups_users_list(self, a: Reply) -> Reply:
        group = self.world.groups.get(a["usergroup"])
        return {"error": "no_such_subteam"} if group is None else {"users": group}

    def m_reactions_add(self, a: Reply) -> Reply:
        return {}

    def m_views_publish(self, a: Reply) -> Reply:
        view = a["view"]
        if error := refuse_view(view):
            return {"error": error}
        self.world.homes[a["user_id"]] = view
        return {"view": {"id": "V1"}}

    def m_views_open(self, a: Reply) -> Reply:
        user, since = self.world.triggers.pop(a.get("trigger_id", ""), ("", 0.0))
        if not user:
            return {"error": "exchanged_trigger_id"}
        if self.world.clock() - since > 3:
            return {"error": "expired_trigger_id"}
        if error := refuse_view(a["view"]):
            return {"error": error}
        self.world.modals[user] = a["view"]
        return {"view": {"id": "V2", **a["view"]}}

    def m_files_info(self, a: Reply) -> Reply:
        file = self.world.files.get(a["file"])
        return {"file": file} if file else {"error": "file_not_found"}

    def _page(self, a: Reply, key: str, rows: list[Any]) -> Reply:
        start, limit = int(a.get("cursor") or 0), int(a.get("limit") or 100)
        more = str(start + limit) if start + limit < len(rows) else ""
        return {key: rows[start : start + limit], "response_metadata": {"next_cursor": more}, "has_more": bool(more)}


async def read_arguments(request: web.Request) -> Reply:
    """Return the arguments, however they came; nested ones that came as JSON text are read."""
    found: Reply = dict(request.query)
    if request.content_type == "application/json":
        found.update(await request.json())
    elif request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        found.update(await request.post())
    for key in ("blocks", "metadata", "view", "prompts", "chunks"):
        if isinstance(found.get(key), str):
            found[key] = json.loads(found[key])
    return found
