"""What Slack refuses: sizes of texts and blocks, and which scope each method wants."""

from typing import Any

SCOPES = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.startStream": "chat:write",
    "chat.appendStream": "chat:write",
    "chat.stopStream": "chat:write",
    "assistant.threads.setStatus": "chat:write",
    "assistant.threads.setSuggestedPrompts": "assistant:write",
    "conversations.info": "channels:read",
    "conversations.members": "channels:read",
    "conversations.list": "channels:read",
    "conversations.open": "im:write",
    "conversations.replies": "channels:history",
    "conversations.history": "im:history",
    "users.info": "users:read",
    "users.list": "users:read",
    "users.conversations": "channels:read",
    "usergroups.list": "usergroups:read",
    "usergroups.users.list": "usergroups:read",
    "reactions.add": "reactions:write",
    "reactions.remove": "reactions:write",
    "files.info": "files:read",
}
BY_KIND = {  # the scope of these depends on what kind of conversation is asked for
    "conversations.info": {"public": "channels:read", "private": "groups:read", "im": "im:read", "mpim": "mpim:read"},
    "conversations.members": {
        "public": "channels:read",
        "private": "groups:read",
        "im": "im:read",
        "mpim": "mpim:read",
    },
    "conversations.replies": {
        "public": "channels:history",
        "private": "groups:history",
        "im": "im:history",
        "mpim": "mpim:history",
    },
}
BY_KIND["conversations.history"] = BY_KIND["conversations.replies"]
PER_MINUTE = {
    **dict.fromkeys(("usergroups.list", "usergroups.users.list", "users.list", "conversations.list"), 20),
    **dict.fromkeys(("chat.startStream", "chat.stopStream"), 20),
    **dict.fromkeys(("chat.update", "chat.delete", "conversations.replies", "conversations.history"), 50),
    **dict.fromkeys(("conversations.info", "conversations.open", "users.conversations", "reactions.add"), 50),
    "assistant.threads.setStatus": 600,
    "chat.postMessage": 300,  # a workspace; a channel takes one a second, with short bursts
}
BURST = 5  # posts to one channel at once
USUAL = 100  # a minute, for methods that are not in the table above
_TEXTS = {"section": 3000, "header": 150, "markdown": 12_000}
_ELEMENTS = {"context": 10, "actions": 25, "context_actions": 5}


def refuse(arguments: dict[str, Any], *, update: bool = False) -> str:
    """Return Slack's error for a message's content, empty when it is fine."""
    text, blocks, markdown = arguments.get("text") or "", arguments.get("blocks") or [], arguments.get("markdown_text")
    if not (text or blocks or markdown):
        return "no_text"
    if markdown and (text or blocks):
        return "markdown_text_conflict"
    if (update and len(text) > 4_000) or len(text) > 40_000 or len(markdown or "") > 12_000:
        return "msg_too_long"
    if len(blocks) > 50:
        return "invalid_blocks"
    if sum(_size(block) for block in blocks) > 13_200:
        return "msg_blocks_too_long"
    return next((error for block in blocks if (error := refuse_block(block))), "")


def refuse_block(block: dict[str, Any]) -> str:
    """Return `invalid_blocks` for a block that Slack would not take."""
    kind, elements = block.get("type", ""), block.get("elements", [])
    text = block.get("text", "")
    words = text.get("text", "") if isinstance(text, dict) else text
    if kind in _TEXTS and not 0 < len(words) <= _TEXTS[kind]:
        return "invalid_blocks"
    if kind in _ELEMENTS and not 0 < len(elements) <= _ELEMENTS[kind]:
        return "invalid_blocks"
    if len(block.get("block_id", "")) > 255 or len(block.get("fields", [])) > 10:
        return "invalid_blocks"
    return "invalid_blocks" if any(_bad_element(element) for element in elements) else ""


def refuse_view(view: dict[str, Any]) -> str:
    """Return Slack's error for a home or a modal that it would not show."""
    blocks, modal = view.get("blocks") or [], view.get("type") == "modal"
    if len(blocks) > 100 or len(view.get("private_metadata", "")) > 3_000:
        return "invalid_arguments"
    titles = [view.get(part, {}).get("text", "") for part in ("title", "submit", "close")] if modal else []
    if any(not 0 < len(title) <= 24 for title in titles):
        return "invalid_arguments"
    for block in blocks:
        if block.get("type") == "input" and (not modal or not block.get("label", {}).get("text")):
            return "invalid_arguments"
        if refuse_block({**block, "elements": [*block.get("elements", []), *_controls(block)]}):
            return "invalid_arguments"
        if any(_bad_choice(control) for control in [*block.get("elements", []), *_controls(block)]):
            return "invalid_arguments"
    return ""


def _controls(block: dict[str, Any]) -> list[dict[str, Any]]:
    return [block[part] for part in ("element", "accessory") if part in block] if block["type"] != "actions" else []


def _bad_choice(control: dict[str, Any]) -> bool:
    options = control.get("options", [])
    most = {"overflow": 5, "radio_buttons": 10}.get(control.get("type", ""), 100)
    initial = control.get("initial_options", [control["initial_option"]] if "initial_option" in control else [])
    wants = control.get("type") in ("static_select", "multi_static_select", "overflow", "radio_buttons")
    return (
        (wants and not 0 < len(options) <= most)
        or any(not 0 < len(o["text"]["text"]) <= 75 or len(o["value"]) > 150 for o in options)
        or any(option not in options for option in initial)
    )


def _bad_element(element: dict[str, Any]) -> bool:
    values = [element, element.get("positive_button", {}), element.get("negative_button", {})]
    label = element.get("text", {})
    return (
        len(element.get("action_id", "")) > 255
        or any(len(v.get("value", "")) > 2_000 for v in values)
        or (element.get("type") == "button" and not 0 < len(label.get("text", "")) <= 75)
        or (element.get("type") in ("mrkdwn", "plain_text") and not 0 < len(element.get("text", "")) <= 3_000)
    )


def _size(node: Any) -> int:
    if isinstance(node, dict):
        return sum(_size(value) for value in node.values())
    if isinstance(node, list):
        return sum(map(_size, node))
    return len(node) if isinstance(node, str) else 0
