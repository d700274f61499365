"""Streaming messages: who may start one, how long it lives, how much it holds."""

from typing import Any

from tests.fakes.slack.limits import refuse_block
from tests.fakes.slack.world import BOT, Message, World

LIVES = 300.0  # seconds
HOLDS = 11_977  # characters


class Streams:
    """The three methods of a streamed message."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.started: dict[str, float] = {}
        self.refused: dict[str, str] = {}  # channel -> error

    def start(self, a: dict[str, Any]) -> dict[str, Any]:
        """chat.startStream."""
        channel = a["channel"]
        if channel in self.refused:
            return {"error": self.refused[channel]}
        if not channel.startswith("D") and not (a.get("recipient_team_id") and a.get("recipient_user_id")):
            return {"error": "missing_recipient_user_id"}
        if not a.get("thread_ts"):
            return {"error": "invalid_arguments"}
        ts = self.world.ts()
        message = Message(channel=channel, ts=ts, user=BOT, text=_text(a), thread_ts=a["thread_ts"], streaming=True)
        self.world.messages[channel, ts] = message
        self.started[ts] = self.world.clock()
        self.world.status.pop((channel, a["thread_ts"]), None)
        return {"ts": ts, "channel": channel}

    def append(self, a: dict[str, Any]) -> dict[str, Any]:
        """chat.appendStream."""
        message = self.world.messages.get((a["channel"], a["ts"]))
        if message is None:
            return {"error": "message_not_found"}
        if not message.streaming or self.world.clock() - self.started[message.ts] > LIVES:
            message.streaming = False
            return {"error": "message_not_in_streaming_state"}
        if len(message.text) + len(_text(a)) > HOLDS:
            return {"error": "msg_too_long"}
        message.text += _text(a)
        return {"ts": message.ts, "channel": message.channel}

    def stop(self, a: dict[str, Any]) -> dict[str, Any]:
        """chat.stopStream."""
        blocks = a.get("blocks") or []
        if error := next((e for b in blocks if (e := refuse_block(b))), "invalid_blocks" if len(blocks) > 50 else ""):
            return {"error": error}
        result = self.append(a)
        if "error" not in result:
            message = self.world.messages[a["channel"], a["ts"]]
            message.streaming, message.blocks = False, blocks
            message.metadata = a.get("metadata") or {}
        return result


def _text(a: dict[str, Any]) -> str:
    chunks = (c.get("text", "") for c in a.get("chunks") or [] if c.get("type") == "markdown_text")
    return (a.get("markdown_text") or "") + "".join(chunks)
