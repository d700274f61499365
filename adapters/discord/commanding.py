"""A command from Discord: who may, a confirmation for what cannot be taken back, the files, the reply."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import discord

from adapters.discord.audience import Kind as PlaceKind
from adapters.discord.audience import to_audience, to_default_scope
from adapters.discord.buttons import to_confirmation, to_confirmed
from adapters.discord.desk import Desk
from adapters.discord.files import download_all
from adapters.discord.permissions import is_admin, is_manager
from adapters.discord.question import Heard
from adapters.discord.render import Card, to_reply
from adapters.discord.replies import Posting, Reply
from adapters.discord.telling import read_thread, to_notice
from core.audience import Audience
from core.commands import Command, Kind, Verb
from core.errors import InputError, RefusedError
from core.orders import Order, Said
from core.phrases import phrase


class Commanding:
    """Checks, confirms and runs commands; who may is asked every time."""

    def __init__(self, desk: Desk, client: Callable[[], Awaitable[discord.Client]]) -> None:
        self._desk, self._client = desk, client

    async def admin(self, heard: Heard) -> bool:
        """Whether this person is an admin, now. KnowledgeDown."""
        editors = await self._desk.guilds.editors(heard.workspace)
        return is_admin(heard, named=self._desk.admins, editors=editors)

    async def run(self, heard: Heard, command: Command, *, audience: Audience, tongue: str, reply: Reply) -> None:
        """Carry out a command, or ask first. NotADocument when it was rather a question; BotError with the reason."""
        order = await self._order(heard, command, audience, tongue)
        await self._desk.orders.check(order)
        await reply.begin()
        if command.destructive and command.verb is not Verb.UNDO:
            command, title = await self._named(order)
            said = phrase("confirm", tongue, command=f"`{_words(command, title)}`")
            [card, *_] = to_reply(said, plain=self._desk.plain)
            buttons = to_confirmation(command, heard.person.user, tongue)
            await reply.end([replace(card, buttons=tuple(buttons), colour=0xFEE75C)])
            return
        await self._do(order, heard, reply)

    async def confirmed(self, heard: Heard, value: str, *, audience: Audience, tongue: str, reply: Reply) -> None:
        """Carry out what a button carries. RefusedError when it is someone else's or too old."""
        command = to_confirmed(value, heard.person.user, tongue)
        order = await self._order(heard, command, audience, tongue)
        await self._desk.orders.check(order)
        await self._do(order, heard, reply)

    async def appoint(self, heard: Heard, payload: Mapping[str, Any], *, tongue: str, reply: Reply) -> None:
        """Show or change the roles that may edit documents: only who manages the server."""
        if not is_manager(heard.person):
            raise RefusedError(phrase("managers_only", tongue))
        if role := str(payload.get("role") or ""):
            allowed = bool(payload.get("allowed", True))
            editors = await self._desk.guilds.appoint(heard.workspace, role, by=heard.asker, allowed=allowed)
        else:
            editors = await self._desk.guilds.editors(heard.workspace)
        roles = ", ".join(f"<@&{role}>" for role in sorted(editors))
        await reply.end([Card(text=phrase("editors", tongue, roles=roles or "–"))])

    async def _do(self, order: Order, heard: Heard, reply: Reply) -> None:
        command, files = order.command, order.files
        reasons: tuple[str, ...] = ()
        if command.verb is Verb.ADD:
            what = command.target[:200] if command.kind is Kind.URL else command.title
            what = what or ", ".join(str(file["name"]) for file in heard.files) or "…"
            [card, *_] = to_reply(phrase("reading_source", order.tongue, what=_unmarked(what)), plain=self._desk.plain)
            await reply.hold_place(card)
        if command.kind is Kind.FILE:
            if not heard.files:
                raise InputError(phrase("no_files", order.tongue))
            desk = self._desk
            files, reasons = await download_all(
                heard.files, session=desk.session, trusted=desk.trusted, tongue=order.tongue
            )
        elif command.verb is Verb.ADD and command.kind is Kind.THIS:
            posting = Posting(await self._client(), plain=self._desk.plain)
            files = (await read_thread(posting, heard, title=command.title, tongue=order.tongue),)
        order = replace(order, files=files, notes=(*reasons, *order.notes))
        said = (
            await self._approved(order, heard) if command.verb is Verb.APPROVE else await self._desk.orders.run(order)
        )
        allowed = said.urls | ({command.target} if command.kind is Kind.URL else set())
        await reply.end(to_reply(said.text, allowed, plain=self._desk.plain))

    async def _approved(self, order: Order, heard: Heard) -> Said:
        """Approve the last answer here: the one that all could see, else the one that only they could."""
        try:
            return await self._desk.orders.run(replace(order, audience=to_audience(heard.place, heard.person)))
        except InputError:
            return await self._desk.orders.run(replace(order, private=True))

    async def _named(self, order: Order) -> tuple[Command, str]:
        """Return the command with its document's id, which fits into a button, and the document's title."""
        if order.command.kind is not Kind.DOCUMENT:
            return order.command, ""
        document, _ = await self._desk.librarian.document(order.workspace, order.command.target)
        return replace(order.command, target=document.id), document.title

    async def _order(self, heard: Heard, command: Command, audience: Audience, tongue: str) -> Order:
        return Order(
            command=command,
            workspace=heard.workspace,
            audience=audience,
            user=heard.asker,
            room=heard.room,
            label=heard.label,
            conversation=heard.conversation,
            scope=to_default_scope(heard.place),
            admin=await self.admin(heard),
            private=not heard.place.open or heard.place.kind in (PlaceKind.DIRECT, PlaceKind.PRIVATE_THREAD),
            tongue=tongue,
            notes=self._desk.notes if command.verb is Verb.STATUS else (),
            notice=to_notice(heard, tongue),
        )


def to_command(said: Mapping[str, Any]) -> Command:
    """Return the command that a payload holds."""
    return Command(**{**said, "verb": Verb(said["verb"]), "kind": Kind(said.get("kind", ""))})


def _words(command: Command, title: str) -> str:
    target = title or command.target or command.kind.value
    return _unmarked(" ".join([command.verb.value, target, *(["→", command.scope] if command.scope else [])]))[:200]


def _unmarked(text: str) -> str:
    """Return a text without what would end code or open anything in Discord's Markdown."""
    return text.translate({ord(mark): None for mark in "`<>*_~|@"})
