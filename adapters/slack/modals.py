"""Slack's dialogs: why an answer did not help, the settings of a channel, something to learn. Pure.

`read_*` takes what Slack hands back, `{action id: value}` as `events` flattened it; what is missing is empty.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.slack.render import Block, escape, section
from core.phrases import ENGLISH, phrase
from core.rooms import KEYS, Settings, choices, said

WHY: Final = "vocero_why"
SETTINGS: Final = "vocero_settings"
ADD: Final = "vocero_add_form"
REASONS: Final = ("wrong", "outdated", "missing", "unclear", "other")
OPTIONS: Final = 100  # of one select, Slack's limit
_TEXT: Final = 3_000  # characters of one input, Slack's limit
_LABEL: Final = 75

View = dict[str, Any]


def to_why(exchange: str, tongue: str) -> View:
    """Return the question what was wrong with an answer."""
    reasons = [_option(phrase(f"why_{reason}", tongue), reason) for reason in REASONS]
    blocks = [
        _input(phrase("why", tongue), "reason", {"type": "radio_buttons", "options": reasons}, optional=True),
        _input(
            phrase("why_label", tongue),
            "text",
            {"type": "plain_text_input", "multiline": True, "max_length": 1_500},
            optional=True,
        ),
    ]
    return _modal(WHY, phrase("unhelpful", tongue), blocks, {"exchange": exchange}, tongue)


def read_why(values: Mapping[str, Any]) -> str:
    """Return the reason, and what was said of it."""
    reason, text = str(values.get("reason") or ""), str(values.get("text") or "").strip()
    return f"{reason}: {text}" if reason in REASONS and text else text or (reason if reason in REASONS else "")


def to_settings(channel: str, settings: Settings, collections: Sequence[str], tongue: str) -> View:
    """Return a channel's settings, as they are."""
    blocks: list[Block] = [section(f"<#{channel}>")]
    for key in KEYS:
        hint = {"type": "plain_text", "text": phrase(f"setting_{key}", tongue)[:150]}
        if key == "collections":
            if listed := sorted({*collections, *settings.collections})[:OPTIONS]:
                blocks.append({**_collections(settings.collections, listed), "hint": hint})
            continue
        options = {choice: _option(choice, choice) for choice in choices(key)}
        element = {
            "type": "static_select",
            "options": list(options.values()),
            "initial_option": options[said(getattr(settings, key))],
        }
        blocks.append({**_input(key, key, element), "hint": hint})
    return _modal(SETTINGS, phrase("home_settings", tongue), blocks, {"channel": channel}, tongue)


def read_settings(values: Mapping[str, Any], before: Settings) -> dict[str, str]:
    """Return what was changed, by key."""
    found: dict[str, str] = {}
    for key in KEYS:
        given = values.get(key)
        if key == "collections":
            now = ",".join(given) if isinstance(given, list) and given else "auto"
            if key in values and now != (",".join(before.collections) or "auto"):
                found[key] = now
        elif isinstance(given, str) and given != said(getattr(before, key)):
            found[key] = given
    return found


def to_add(tongue: str) -> View:
    """Return the form to teach an address or a text."""
    blocks = [
        _input(phrase("add_address", tongue), "url", {"type": "url_text_input"}, optional=True),
        _input(
            phrase("add_text", tongue),
            "text",
            {"type": "plain_text_input", "multiline": True, "max_length": _TEXT},
            optional=True,
        ),
        _input(phrase("add_title", tongue), "title", {"type": "plain_text_input", "max_length": 150}, optional=True),
        _input(
            phrase("add_channel", tongue),
            "channel",
            {"type": "conversations_select", "filter": {"include": ["public", "private"]}},
            optional=True,
        ),
    ]
    return _modal(ADD, phrase("home_add", tongue), blocks, {}, tongue)


def faults(submitted: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with a dialog as it was filled in, by input: shown there, and it stays open."""
    values = submitted.get("values") or {}
    given = [key for key in ("url", "text") if str(values.get(key) or "").strip()]
    if submitted.get("callback") != ADD or len(given) == 1:
        return {}
    tongue = private(submitted).get("tongue", ENGLISH)
    return dict.fromkeys(given or ["url"], phrase("one_source", tongue))


def private(view: Mapping[str, Any]) -> dict[str, str]:
    """Return what a dialog of ours was opened with; empty for anything else."""
    try:
        kept = json.loads(str(view.get("private") or "{}"))
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}


def _collections(wanted: Sequence[str], listed: Sequence[str]) -> Block:
    options = {name: _option(name, name) for name in listed if len(name) <= _LABEL}
    element: dict[str, Any] = {"type": "multi_static_select", "options": list(options.values())}
    if chosen := [options[name] for name in wanted if name in options]:
        element["initial_options"] = chosen
    return _input("collections", "collections", element, optional=True)


def _modal(callback: str, title: str, blocks: list[Block], kept: dict[str, str], tongue: str) -> View:
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": json.dumps({**kept, "tongue": tongue}),
        "title": {"type": "plain_text", "text": title[:24]},
        "submit": {"type": "plain_text", "text": phrase("send", tongue)[:24]},
        "close": {"type": "plain_text", "text": phrase("no", tongue)[:24]},
        "blocks": blocks,
    }


def _input(label: str, name: str, element: dict[str, Any], *, optional: bool = False) -> Block:
    return {
        "type": "input",
        "block_id": name,
        "label": {"type": "plain_text", "text": label},
        "element": {**element, "action_id": name},
        "optional": optional,
    }


def _option(text: str, value: str) -> dict[str, Any]:
    return {"text": {"type": "plain_text", "text": escape(text)[:_LABEL]}, "value": value[:150]}
