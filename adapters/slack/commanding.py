"""A command from Slack: who may, a confirmation for what cannot be taken back, the files that came along, the reply."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from adapters.slack.admins import is_admin
from adapters.slack.answering import Reply
from adapters.slack.audience import Kind as PlaceKind
from adapters.slack.files import download_all
from adapters.slack.heard import Heard
from adapters.slack.render import to_confirmation, to_reply
from adapters.slack.team import Desk, Team
from adapters.slack.telling import read_thread, to_notice
from core.audience import WORKSPACE, Audience
from core.commands import Command, Kind, Verb
from core.documents import to_pasted
from core.errors import InputError, RefusedError
from core.orders import Order
from core.phrases import phrase

CLICK: Final = 60.0  # seconds in which a confirmation may be pressed


class Commanding:
    """Checks, confirms and runs commands; who may is asked every time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def admin(self, heard: Heard, team: Team) -> bool:
        """Whether this person is an admin, now."""
        return await is_admin(
            heard.user, heard.team, people=team.people, named=self._desk.admins, user_team=heard.user_team
        )

    async def run(
        self, heard: Heard, command: Command, *, team: Team, audience: Audience, tongue: str, reply: Reply
    ) -> None:
        """Carry out a command, or ask first. NotADocument when it was rather a question; BotError with the reason."""
        order = await self._order(heard, command, team, audience, tongue)
        await self._desk.orders.check(order)
        await reply.begin("working")
        if reply.finished:
            return
        if command.destructive:
            said = phrase("confirm", tongue, command=f"`{_words(command)}`")
            posts = to_confirmation(said, self._values(heard, command), tongue)
            if posts is None:
                raise InputError(phrase("no_document", tongue, name=command.target[:80]))
            await reply.end(posts)
            return
        await self._do(order, heard, team, reply)

    async def confirmed(
        self, heard: Heard, value: str, *, team: Team, audience: Audience, tongue: str, reply: Reply
    ) -> None:
        """Carry out what a button carries. RefusedError when it is someone else's or too old."""
        command, user, at = _read(value)
        if user != heard.user:
            raise RefusedError(phrase("not_yours", tongue))
        if not 0 <= time.time() - at <= CLICK:
            raise RefusedError(phrase("too_late", tongue))
        await self.carry_out(heard, command, team=team, audience=audience, tongue=tongue, reply=reply)

    async def carry_out(
        self, heard: Heard, command: Command, *, team: Team, audience: Audience, tongue: str, reply: Reply
    ) -> None:
        """Carry out a command that was confirmed, or needs no confirmation. BotError with the reason."""
        order = await self._order(heard, command, team, audience, tongue)
        await self._desk.orders.check(order)
        await reply.begin("working")
        if not reply.finished:
            await self._do(order, heard, team, reply)

    async def quietly(self, heard: Heard, command: Command, *, team: Team, audience: Audience, tongue: str) -> str:
        """Carry out a command and return what is to be said of it. BotError with the reason."""
        return (await self._desk.orders.run(await self._order(heard, command, team, audience, tongue))).text

    async def allowed(self, heard: Heard, verb: Verb, team: Team, tongue: str = "en") -> None:
        """Raise RefusedError for a person who may not."""
        if not await self.admin(heard, team):
            raise RefusedError(phrase("admins_only", tongue, command=verb.value))

    async def _do(self, order: Order, heard: Heard, team: Team, reply: Reply) -> None:
        reasons: tuple[str, ...] = ()
        if order.command.verb is Verb.ADD:
            await reply.hold_place(
                phrase("reading_source", order.tongue, what=_unmarked(_source(order.command, heard)))
            )
        files = order.files
        if order.command.kind is Kind.FILE:
            files, reasons = await download_all(
                tuple([await self._looked_up(file, team) for file in heard.files]),
                token=team.token,
                session=self._desk.session,
                trusted=self._desk.trusted,
            )
        elif order.command.verb is Verb.ADD and order.command.kind is Kind.THIS:
            title = order.command.title
            files = (await read_thread(team.outbox, heard, team, title=title, tongue=order.tongue),)
        said = await self._desk.orders.run(replace(order, files=files, notes=(*reasons, *order.notes)))
        await reply.end(to_reply(said.text, said.urls))

    async def _looked_up(self, file: Mapping[str, Any], team: Team) -> Mapping[str, Any]:
        """Return what Slack says of a file; of one shared by another company an event holds next to nothing."""
        if file.get("file_access") != "check_file_info":
            return file
        found: Mapping[str, Any] = (await team.outbox.call("files.info", file=file["id"])).get("file") or file
        return found

    async def _order(self, heard: Heard, command: Command, team: Team, audience: Audience, tongue: str) -> Order:
        own = f"channel:{heard.channel}"
        public = audience.may_see(WORKSPACE) and (heard.private or heard.kind != "group")
        label = ""
        if not heard.channel.startswith("D"):
            place = await team.people.place(heard)
            public = public and place.kind is not PlaceKind.PRIVATE
            label = f"#{place.name}" if place.name else ""
        return Order(
            command=command,
            workspace=heard.workspace,
            audience=audience,
            user=heard.asker,
            room=heard.room,
            conversation=heard.conversation,
            scope=WORKSPACE if public else own,
            admin=await self.admin(heard, team),
            private=heard.private or not public or heard.kind == "group",
            tongue=tongue,
            notes=self._desk.notes if command.verb is Verb.STATUS else (),
            notice=to_notice(heard, tongue),
            label=label,
        )

    def _values(self, heard: Heard, command: Command) -> dict[str, Any]:
        kept = {key: str(value) for key, value in asdict(command).items() if value and key != "said"}
        return {"command": kept, "user": heard.user, "at": int(time.time()), "root": heard.root}


def _read(value: str) -> tuple[Command, str, float]:
    """Return a button's command, its owner and its time; RefusedError for anything else."""
    try:
        values: dict[str, Any] = json.loads(value)
        kept = dict(values["command"])
        command = Command(**{**kept, "verb": Verb(kept["verb"]), "kind": Kind(kept.get("kind", ""))})
        return command, str(values["user"]), float(values["at"])
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedError("That button is from another version of me: say it again.") from error


def root_of(value: str) -> str:
    """Return the thread that a confirmation belongs to, empty when it says none."""
    try:
        return str(json.loads(value).get("root") or "")
    except (AttributeError, ValueError):
        return ""


def _source(command: Command, heard: Heard) -> str:
    if command.kind is Kind.FILE:
        return ", ".join(str(file.get("name")) for file in heard.files)
    return to_pasted(command.target, command.title).title if command.kind is Kind.TEXT else command.target[:200]


def _words(command: Command) -> str:
    said = [command.verb.value, command.kind.value if command.kind in (Kind.ME, Kind.THIS) else command.target]
    if command.scope:
        said += ["with", command.scope]
    return _unmarked(" ".join(word for word in said if word))[:300]


def _unmarked(text: str) -> str:
    """Return a text without what ends code or opens anything in Slack's marks."""
    return text.translate({ord(mark): None for mark in "`<>&*_~"})
