"""How Slack delivers: to one of the open sockets at random, or as a signed POST; again when it is not acknowledged."""

import asyncio
import hashlib
import hmac
import json
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout, WSMsgType, web


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """How a delivery ended: after how many seconds and attempts it was acknowledged, and with what."""

    acked: bool
    seconds: float = 0.0
    attempt: int = 0
    payload: Any = None


@dataclass(slots=True, kw_only=True)
class Delivery:
    """The two ways. `patience`: seconds Slack waits; `again`: seconds before each retry, in Slack 0, 60 and 300."""

    secret: str = "sssh"
    patience: float = 3.0
    again: tuple[float, ...] = (0.0, 0.05, 0.1)
    url: str = ""  # where POSTs go; sockets otherwise
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    acks: dict[str, "asyncio.Future[Any]"] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)  # of every acknowledgement
    connects: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(7))

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket until it closes."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.connects += 1
        hello = {"type": "hello", "num_connections": len(self.sockets), "connection_info": {"app_id": "A0APP"}}
        await socket.send_json({**hello, "debug_info": {"host": "fake", "approximate_connection_time": 18060}})
        async for frame in socket:
            if frame.type == WSMsgType.TEXT:
                answer = json.loads(frame.data)
                waiting = self.acks.pop(answer.get("envelope_id", ""), None)
                if waiting and not waiting.done():
                    waiting.set_result(answer.get("payload"))
        if socket in self.sockets:
            self.sockets.remove(socket)
        return socket

    async def refresh(self) -> None:
        """Ask the oldest socket to reconnect, as Slack does every few hours."""
        await self.sockets[0].send_json({"type": "disconnect", "reason": "refresh_requested"})

    async def cut(self) -> None:
        """Close every socket without a word."""
        for socket in list(self.sockets):
            await socket.close()

    async def deliver(self, kind: str, payload: dict[str, Any], *, retry: bool = True) -> Delivered:
        """Deliver an envelope, an event several times if need be; interactions get one attempt."""
        waits = (0.0, *self.again) if kind == "events_api" and retry else (0.0,)
        for attempt, wait in enumerate(waits):
            await asyncio.sleep(wait)
            begun = time.perf_counter()
            result = await (self._post if self.url else self._send)(kind, payload, attempt)
            if result is not None:
                seconds = time.perf_counter() - begun
                self.seconds.append(seconds)
                return Delivered(acked=True, seconds=seconds, attempt=attempt, payload=result.get("payload"))
        return Delivered(acked=False, attempt=len(waits) - 1)

    async def _send(self, kind: str, payload: dict[str, Any], attempt: int) -> dict[str, Any] | None:
        if not self.sockets:
            return None
        id_ = str(uuid.uuid4())
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.acks[id_] = waiting
        envelope = {
            "envelope_id": id_,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": "timeout" if attempt else ""}
        try:
            await self.dice.choice(self.sockets).send_json(envelope)
            return {"payload": await asyncio.wait_for(waiting, self.patience)}
        except (TimeoutError, ConnectionError):
            return None
        finally:
            self.acks.pop(id_, None)

    async def _post(self, kind: str, payload: dict[str, Any], attempt: int) -> dict[str, Any] | None:
        if kind == "events_api":
            body, content = json.dumps(payload), "application/json"
        else:
            fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body, content = urlencode(fields), "application/x-www-form-urlencoded"
        extra = {"x-slack-retry-num": str(attempt), "x-slack-retry-reason": "http_timeout"} if attempt else {}
        status, text = await self.post(body, content, **extra)
        if status != 200:
            return None
        return {"payload": json.loads(text) if text.startswith("{") else text or None}

    async def post(
        self, body: str, content: str, *, at: int | None = None, sign: str = "", **extra: str
    ) -> tuple[int, str]:
        """Send a signed request; tests may give another time or signature."""
        stamp = str(int(time.time()) if at is None else at)
        digest = hmac.new(self.secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "content-type": content,
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": sign or f"v0={digest}",
            **extra,
        }
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=self.patience)) as session,
                session.post(self.url, data=body.encode(), headers=headers) as response,
            ):
                return response.status, await response.text()
        except (ClientError, TimeoutError):
            return 0, ""
