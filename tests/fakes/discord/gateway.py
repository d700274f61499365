"""The gateway: identify, heartbeat, resume with replay, invalid session, close codes, redaction without the intent."""

import asyncio
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.discord.world import DM, VIEW, Json, World

MESSAGE_CONTENT, MEMBERS, PRESENCES = 1 << 15, 1 << 1, 1 << 8


class Socket:
    """One connection; everything sent is one compressed stream when the client wants it."""

    def __init__(self, ws: web.WebSocketResponse, *, compress: bool) -> None:
        self.ws, self._z = ws, zlib.compressobj() if compress else None

    async def send(self, op: int, d: Any = None, *, s: int | None = None, t: str | None = None) -> None:
        """Send a payload; nothing when the socket is gone."""
        if self.ws.closed:
            return
        text = json.dumps({"op": op, "d": d, "s": s, "t": t})
        try:
            if self._z:
                await self.ws.send_bytes(self._z.compress(text.encode()) + self._z.flush(zlib.Z_SYNC_FLUSH))
            else:
                await self.ws.send_str(text)
        except ConnectionError:
            return


@dataclass
class Session:
    """What survives a connection: the events since it began."""

    id: str
    intents: int
    socket: Socket | None
    log: list[tuple[int, str, Json]] = field(default_factory=list)

    async def dispatch(self, t: str, d: Json) -> None:
        """Number an event, keep it, and send it if someone listens."""
        self.log.append((len(self.log) + 1, t, d))
        if self.socket is not None:
            await self.socket.send(0, d, s=len(self.log), t=t)


class Gateway:
    """All sessions."""

    def __init__(self, world: World, *, token: str, content_intent: bool, heartbeat: float = 41.25) -> None:
        self._world, self._token, self._heartbeat = world, token, heartbeat
        self._allowed = ~0 if content_intent else ~MESSAGE_CONTENT
        self.port = 0
        self.sessions: dict[str, Session] = {}
        self.identifies = self.resumes = 0
        self.refuse = 0  # connections still to refuse
        self.ready = asyncio.Event()
        self.changed = asyncio.Condition()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://127.0.0.1:{self.port}/gateway/"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Hold one connection."""
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=503)
        ws = web.WebSocketResponse(max_msg_size=4096)
        await ws.prepare(request)
        socket = Socket(ws, compress=request.query.get("compress") == "zlib-stream")
        await socket.send(10, {"heartbeat_interval": int(self._heartbeat * 1000)})
        session: Session | None = None
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                continue
            payload = json.loads(message.data)
            op, d = payload["op"], payload.get("d")
            if op == 1:
                await asyncio.sleep(0.02)  # discord.py notes when it sent only after it has: loopback is faster
                await socket.send(11)
            elif op == 2:
                session = await self._identify(socket, d)
            elif op == 6:
                session = await self._resume(socket, d)
        if session and session.socket is socket:
            session.socket = None
            if ws.close_code in (1000, 1001):
                self.sessions.pop(session.id, None)  # a clean close ends the session
        return ws

    async def _identify(self, socket: Socket, d: Json) -> Session | None:
        self.identifies += 1
        if d["token"] != self._token:
            await socket.ws.close(code=4004, message=b"Authentication failed.")
            return None
        if d["intents"] & ~self._allowed & (MESSAGE_CONTENT | MEMBERS | PRESENCES):
            await socket.ws.close(code=4014, message=b"Disallowed intent(s).")
            return None
        session = Session(self._world.id(), d["intents"], socket)
        self.sessions[session.id] = session
        hello = {
            "v": 10,
            "user": self._world.bot,
            "session_id": session.id,
            "shard": d.get("shard", [0, 1]),
            "resume_gateway_url": self.url,
            "guilds": [{"id": guild["id"], "unavailable": True} for guild in self._world.guilds.values()],
            "application": {"id": self._world.app_id, "flags": 0},
        }
        await session.dispatch("READY", hello)
        for guild in self._world.guilds.values():
            await session.dispatch("GUILD_CREATE", self._world.to_guild(guild))
        self.ready.set()
        return session

    async def _resume(self, socket: Socket, d: Json) -> Session | None:
        session = self.sessions.get(d["session_id"])
        if session is None:
            await socket.send(9, False)
            return None
        self.resumes += 1
        session.socket = socket
        for s, t, event in [entry for entry in session.log if entry[0] > d["seq"]]:
            await socket.send(0, event, s=s, t=t)
        await session.dispatch("RESUMED", {"_trace": []})
        self.ready.set()
        return session

    async def emit(self, t: str, d: Json) -> None:
        """Send an event to everyone, as far as the bot may see it."""
        if self._sees(d, t):
            for session in list(self.sessions.values()):
                hidden = t.startswith("MESSAGE_") and not session.intents & MESSAGE_CONTENT
                await session.dispatch(t, self._redacted(d) if hidden and "author" in d else d)
        async with self.changed:
            self.changed.notify_all()

    def _sees(self, d: Json, t: str) -> bool:
        if not t.startswith("MESSAGE_"):
            return True
        try:
            channel = self._world.by_id(d["channel_id"])
        except KeyError:
            return True
        return channel["type"] == DM or bool(self._world.permissions(self._world.app_id, channel) & VIEW)

    def _redacted(self, message: Json) -> Json:
        """Return a message as a bot without the intent gets it: a reply to a command's answer is not to a message."""
        me = self._world.app_id
        answered = message.get("referenced_message") or {}
        named = f"<@{me}>" in message["content"] or f"<@!{me}>" in message["content"]
        mentioned = any(user["id"] == me for user in message["mentions"])
        mine = message["author"]["id"] == me or named or (mentioned and not answered.get("interaction_metadata"))
        if mine or "guild_id" not in message:
            return message
        return message | {"content": "", "embeds": [], "attachments": [], "components": []}

    async def drop(self, *, code: int = 0, op: int = 0, forget: bool = False) -> None:
        """Break the connections: op 7 (reconnect), op 9 (invalid session) or a close code; `forget`: no resume."""
        self.ready.clear()
        for session in list(self.sessions.values()):
            if forget:
                self.sessions.pop(session.id)
            socket, session.socket = session.socket, None  # aiohttp reports 1000 for our own close: detach first
            if socket is None:
                continue
            if op:
                await socket.send(op, False if op == 9 else None)
            else:
                await socket.ws.close(code=code or 4000)

    async def close(self) -> None:
        """End every connection."""
        for session in list(self.sessions.values()):
            if session.socket is not None:
                await session.socket.ws.close(code=1001)
