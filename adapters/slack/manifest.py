"""The app's manifest, written from what the code uses: scopes follow features."""

from typing import Any, Final

_SCOPES: Final = {
    "app_mentions:read": "mentions",
    "chat:write": "answers",
    "commands": "/vocero and shortcuts",
    "im:history": "direct conversations",
    "im:read": "direct conversations",
    "im:write": "direct conversations",
    "channels:read": "who reads a channel",
    "groups:read": "who reads a private channel",
    "channels:history": "follow-ups in threads; finding one's own answer after a crash",
    "groups:history": "the same in private channels",
    "mpim:history": "group conversations",
    "mpim:read": "group conversations",
    "users:read": "admins and guests",
    "usergroups:read": "admins by user group",
    "files:read": "attached documents",
}
_EVENTS: Final = (
    *("app_home_opened", "app_mention", "member_joined_channel", "member_left_channel"),
    *("message.channels", "message.groups", "message.im", "message.mpim"),
)
_SHORTCUTS: Final = (
    ("Ask about this", "vocero_ask", "Answers what this message asks"),
    ("Add to knowledge", "vocero_add", "Teaches this message and its files"),
)
PROMPTS: Final = ("What do you know about?", "help", "list docs")
DESCRIPTION: Final = "Answers from your own documents, with sources, or says honestly that it does not know."


def missing(scopes: frozenset[str]) -> list[str]:
    """Return the scopes that a token lacks; none when it is not known what it has."""
    return sorted(set(_SCOPES) - scopes) if scopes else []


def to_manifest(*, agent: bool = False, http: str = "", oauth: bool = False) -> dict[str, Any]:
    """Return the manifest. `agent`: with Slack's agent view, which workspace guests cannot use.

    `http`: the public address for HTTP mode, empty for Socket Mode.
    """
    scopes = sorted([*_SCOPES, *(["assistant:write"] if agent else [])])
    events = sorted(
        [*_EVENTS]
        + (["agent_session_stopped", "app_context_changed"] if agent else [])
        + (["app_uninstalled", "team_access_revoked", "tokens_revoked"] if oauth else [])
    )
    there = {"request_url": f"{http.rstrip('/')}/slack/events"} if http else {}
    features: dict[str, Any] = {
        "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
        "bot_user": {"display_name": "vocero", "always_online": True},
        "shortcuts": [
            {"name": name, "type": "message", "callback_id": callback, "description": what}
            for name, callback, what in _SHORTCUTS
        ],
        "slash_commands": [
            {
                "command": "/vocero",
                "description": "Ask, or look after the documents",
                "usage_hint": "how long do refunds take? | list docs | help",
                "should_escape": True,
                **({"url": there["request_url"]} if there else {}),
            }
        ],
    }
    if agent:
        features["agent_view"] = {
            "agent_description": DESCRIPTION,
            "suggested_prompts": [{"title": prompt, "message": prompt} for prompt in PROMPTS],
        }
    redirect = {"redirect_urls": [f"{http.rstrip('/')}/slack/oauth_redirect"]} if oauth and http else {}
    return {
        "display_information": {"name": "Vocero", "description": DESCRIPTION, "background_color": "#1f3a34"},
        "features": features,
        "oauth_config": {**redirect, "scopes": {"bot": scopes}},
        "settings": {
            "event_subscriptions": {**there, "bot_events": events},
            "interactivity": {"is_enabled": True, **there},
            "org_deploy_enabled": True,
            "socket_mode_enabled": not http,
            "token_rotation_enabled": False,
        },
    }
