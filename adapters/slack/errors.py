"""The one door for Slack's errors.

BotError
├── UnavailableError
│   └── SlackDown      Slack is silent, busy or broken: tried again later
└── RefusedError
    └── SlackRefused   Slack will not do it, now or later
        ├── NoPlace    nobody can be told: the channel was left, archived or deleted
        ├── NoScope    the app lacks a right; the sentence names it
        └── NoToken    the token was revoked, or the app removed
"""

from typing import Any, Final

from slack_sdk.errors import SlackApiError

from core.errors import BotError, RefusedError, UnavailableError


class SlackDown(UnavailableError):
    """Slack is silent, busy or broken. `after`: seconds it asked us to wait."""

    def __init__(self, sentence: str, after: float = 0.0) -> None:
        super().__init__(sentence)
        self.after = after


class SlackRefused(RefusedError):
    """Slack will not do it. `code` is Slack's own word."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class NoPlace(SlackRefused):
    """Nobody can be told."""


class NoScope(SlackRefused):
    """The app lacks a right."""


class NoToken(SlackRefused):
    """The token is no longer good."""


_PLACE: Final = {"channel_not_found", "not_in_channel", "is_archived", "thread_not_found", "message_not_found"}
_PLACE_TOO: Final = {"restricted_action_thread_locked", "restricted_action", "cannot_reply_to_message"}
_TOKEN: Final = {
    "token_revoked",
    "account_inactive",
    "invalid_auth",
    "not_authed",
    "token_expired",
    "team_access_not_granted",
}
_DOWN: Final = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}


def to_error(error: SlackApiError) -> BotError:
    """Return the sentence for an answer of Slack that is not ok."""
    response: Any = error.response
    code = str(response.get("error") or "unknown") if hasattr(response, "get") else "unknown"
    if code == "ratelimited":
        after = float(getattr(response, "headers", {}).get("Retry-After", 1) or 1)
        return SlackDown("Slack is busy and asked me to wait.", after)
    if code == "missing_scope":
        needed = str(response.get("needed") or "").split(",")[0]
        return NoScope(
            f"I lack the Slack permission `{needed}`: an admin can add it under OAuth & Permissions "
            "on api.slack.com/apps, then install the app again.",
            code,
        )
    if code in _PLACE | _PLACE_TOO:
        return NoPlace(f"Slack has no place for this any more ({code}).", code)
    if code in _TOKEN:
        return NoToken(f"Slack no longer accepts the bot's token ({code}): install the app again.", code)
    if code in _DOWN or getattr(response, "status_code", 200) >= 500:
        return SlackDown(f"Slack could not do this ({code}).")
    return SlackRefused(f"Slack refused this ({code}).", code)
