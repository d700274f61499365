"""What Slack delivers, as an arrival for the inbox, or nothing when it can only be noise. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.inbox import Arrival

_SAID: Final = {None, "file_share", "thread_broadcast"}
_CHANGED: Final = {"message_changed", "message_deleted"}
_MEMBERS: Final = {"member_joined_channel", "member_left_channel", "channel_shared", "channel_unshared", "user_change"}
_LEFT: Final = {"app_uninstalled", "tokens_revoked", "team_access_revoked"}
_OTHER: Final = {"app_home_opened", "agent_session_stopped", *_LEFT, *_MEMBERS}
_KEPT: Final = ("channel", "channel_type", "user", "user_team", "text", "ts", "thread_ts", "files", "subtype", "type")
_FILE: Final = (
    *("id", "name", "title", "mimetype", "size", "mode", "file_access"),
    *("url_private_download", "url_private"),
)

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The app in one team: what `auth.test` said. `url` is the team's, with a slash at the end.

    `org`: the organisation that installed it for its teams, empty: this team did by itself.
    """

    team: str
    user: str
    bot: str
    url: str = ""
    name: str = "vocero"
    org: str = ""


def to_team(body: Json, team: str, org: str) -> str:
    """Return the team that a body is about; an organisation's install names it beside its authorizations, or nowhere.

    `team` and `org` are what bolt read.
    """
    event: Json = body.get("event") or {}
    user = body.get("user")
    own = user.get("team_id") if isinstance(user, dict) else ""
    return str(team or body.get("team_id") or body.get("context_team_id") or event.get("team") or own or org or "")


def to_arrival(body: Json, me: Me) -> Arrival | None:
    """Return what to accept; None for what needs no work: other bots, own words, chatter without a mention."""
    if "event" in body:
        return _event(body, me)
    if "command" in body:
        keys = ("text", "user_id", "channel_id", "channel_name", "response_url", "trigger_id")
        payload = {"kind": "command", **{key: body.get(key, "") for key in keys}}
        return _arrival(me, f"command/{body['trigger_id']}", f"{body['channel_id']}/{body['user_id']}", payload)
    if body.get("type") in ("block_actions", "message_action"):
        return _interaction(body, me)
    if body.get("type") == "view_submission":
        return _submission(body, me)
    return None


def _event(body: Json, me: Me) -> Arrival | None:
    event: Json = body["event"]
    kind, key = event.get("type", ""), str(body.get("event_id", ""))
    if kind in _OTHER:
        user = event.get("user")
        about = {"user": user if isinstance(user, str) else (user or {}).get("id", "")}
        names = ("channel", "tab", "thread_ts", "streaming_message_ts", "team_ids")
        kept = {name: event[name] for name in names if name in event}
        grants = body.get("authorizations") or [{}]
        if kind in _LEFT and (grants[0].get("is_enterprise_install") or body.get("is_enterprise_install")):
            kept["org"] = grants[0].get("enterprise_id") or body.get("enterprise_id") or ""
        return _arrival(me, key, f"{kind}/{about['user']}", {"kind": kind, **about, **kept})
    if kind not in ("message", "app_mention"):
        return None
    if event.get("subtype") in _CHANGED:
        return _change(event, key, me, shared=bool(body.get("is_ext_shared_channel")))
    if not _is_said(event, me):
        return None
    payload = {"kind": "said", **_message(event), "shared": bool(body.get("is_ext_shared_channel"))}
    return _arrival(me, key, _place(event), payload)


def _is_said(event: Json, me: Me) -> bool:
    """Whether a person said something that might be for us: to us alone, with our name in it, or in a thread."""
    if event.get("subtype") not in _SAID or event.get("bot_id") or event.get("bot_profile") or event.get("hidden"):
        return False
    if not event.get("user") or event["user"] == me.user:
        return False
    near = event.get("channel_type") == "im" or event.get("type") == "app_mention" or event.get("thread_ts")
    return bool(near) or f"<@{me.user}" in (event.get("text") or "")


def _change(event: Json, key: str, me: Me, *, shared: bool) -> Arrival | None:
    before: Json = event.get("previous_message") or {}
    if before.get("bot_id") or before.get("user") == me.user:
        return None
    if event["subtype"] == "message_deleted":
        ts = event.get("deleted_ts") or before.get("ts")
        payload = {"kind": "deleted", "channel": event["channel"], "ts": ts}
        return _arrival(me, key, _place({**before, "channel": event["channel"], "ts": ts}), payload)
    after: Json = event.get("message") or {}
    named = f"<@{me.user}"
    if named not in (after.get("text") or "") or named in (before.get("text") or ""):
        return None  # only a mention that is new asks anything; a preview unfolding is an edit, too
    said = {**after, "channel": event["channel"], "channel_type": event.get("channel_type", "")}
    if not _is_said(said, me):
        return None
    return _arrival(me, key, _place(said), {"kind": "said", **_message(said), "shared": shared})


def _interaction(body: Json, me: Me) -> Arrival:
    channel = (body.get("channel") or {}).get("id") or (body.get("container") or {}).get("channel_id", "")
    message: Json = body.get("message") or {}
    payload = {
        "kind": "action" if body["type"] == "block_actions" else "shortcut",
        "user": body["user"]["id"],
        "user_team": body["user"].get("team_id", ""),
        "channel": channel,
        "response_url": body.get("response_url", ""),
        "ephemeral": bool((body.get("container") or {}).get("is_ephemeral")),
        "home": (body.get("view") or {}).get("type") == "home",
        "message": {**_message(message), "from_us": message.get("user") == me.user, "channel": channel},
        "callback": body.get("callback_id", ""),
        "trigger": body["trigger_id"],
        "actions": [
            {"action_id": a.get("action_id"), "type": a.get("type"), "value": _value(a)}
            for a in body.get("actions", [])
        ],
    }
    root = message.get("thread_ts") or message.get("ts") or body["user"]["id"]
    return _arrival(me, f"action/{body['trigger_id']}", f"{channel}/{root}", payload)


def _submission(body: Json, me: Me) -> Arrival:
    view: Json = body["view"]
    inputs = [part for block in ((view.get("state") or {}).get("values") or {}).values() for part in block.items()]
    payload = {
        "kind": "view",
        "user": body["user"]["id"],
        "user_team": body["user"].get("team_id", ""),
        "callback": view.get("callback_id", ""),
        "private": view.get("private_metadata", ""),
        "values": {name: _value(element) for name, element in inputs},
    }
    return _arrival(me, f"view/{body['trigger_id']}", body["user"]["id"], payload)


def _value(element: Json) -> Any:
    """Return what an interactive element holds: a text, a choice's value, a channel, or a list of values."""
    if "selected_options" in element:
        return [option.get("value") for option in element["selected_options"] or ()]
    if "selected_option" in element:
        return (element["selected_option"] or {}).get("value")
    return element.get("selected_conversation") or element.get("value")


def _message(event: Json) -> dict[str, Any]:
    kept = {key: event[key] for key in _KEPT if event.get(key) is not None}
    if "files" in kept:
        kept["files"] = [{key: file[key] for key in _FILE if key in file} for file in kept["files"]]
    return kept


def _place(event: Json) -> str:
    """Return the part of a conversation's key after the team: a direct conversation is one, elsewhere each thread."""
    channel = event["channel"]
    return channel if channel.startswith("D") else f"{channel}/{event.get('thread_ts') or event['ts']}"


def _arrival(me: Me, key: str, conversation: str, payload: Json) -> Arrival:
    workspace = f"slack/{me.team}"
    return Arrival(
        workspace=workspace,
        event_key=key,
        conversation=f"{workspace}/{conversation}",
        payload={**payload, "me": me.user, "from": payload.get("user") or payload.get("user_id") or ""},
    )
