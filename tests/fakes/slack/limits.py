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
PER_MINUTE = {"usergroups.users.list": 20, "users.list": 20, "chat.update": 50, "conversations.replies": 50}
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
