"""Carries out the chat commands, the same on every platform; what it returns is Markdown for the place it came from."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from core.audience import WORKSPACE, Audience
from core.bot import Bot
from core.chat import Exchanges, Lessons
from core.commands import Command, Kind, Verb
from core.documents import Document, Notice, Place, Receipt, Source, State, to_pasted
from core.errors import InputError, RefusedError, UnavailableError, UnknownError
from core.messages import Answer, Done, Outcome, Question
from core.phrases import phrase
from core.ports import Librarian, Memory
from core.rooms import KEYS, Rooms, Settings, choices, said
from core.teaching import teach, to_end, to_line, to_name

LISTED: Final = 30  # documents or gaps of one reply: a screen; the console has the rest


class NotADocument(InputError):
    """The name of a harmless command is no document: the message was rather a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command with who gave it, where, and who will read the reply.

    `room`: the platform's key of the channel. `scope`: where documents go when none was said. `files`: what came along,
    or the thread it was said in. `admin`: checked by the platform, now. `label`: what people call the room, empty when
    that is not known. `notice`: where the end can be told later. `private`: not every member of the workspace could
    read along here.
    """

    command: Command
    workspace: str
    audience: Audience
    user: str
    room: str
    conversation: str
    scope: str = WORKSPACE
    admin: bool = False
    private: bool = False
    tongue: str = "en"
    files: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
    notice: Notice | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A reply in Markdown; `urls` are the addresses in it that may be live."""

    text: str
    urls: frozenset[str] = frozenset()


Step = Callable[[Order], Awaitable[str | Said]]
Troubles = Callable[[], Awaitable[Sequence[str]]]


async def _none() -> Sequence[str]:
    return ()


class Orders:
    """The executor. Each command is a method of its name."""

    def __init__(
        self,
        *,
        bot: Bot,
        librarian: Librarian,
        memory: Memory,
        rooms: Rooms,
        exchanges: Exchanges,
        lessons: Lessons,
        troubles: Troubles = _none,
    ) -> None:
        """Keep what is given; `troubles` says what is wrong with the services now, each in a sentence with remedy."""
        self._bot, self._librarian, self._memory = bot, librarian, memory
        self._rooms, self._exchanges, self._lessons = rooms, exchanges, lessons
        self._troubles = troubles

    async def check(self, order: Order) -> None:
        """Raise RefusedError when the command is not for this person; NotADocument, UnknownError for a wrong name."""
        command = order.command
        if command.admin and not order.admin:
            with suppress(UnavailableError):  # refused in any case
                await self._librarian.note_refusal(order.workspace, command.verb.value, by=order.user)
            raise RefusedError(phrase("admins_only", order.tongue, command=command.verb.value))
        if command.kind is Kind.DOCUMENT:
            await self._document(order)

    async def run(self, order: Order) -> Said:
        """Do it and return what to say. BotError with the reason."""
        await self.check(order)
        steps: dict[Verb, Step] = {
            Verb.ADD: self._add,
            Verb.LIST: self._list,
            Verb.SHOW: self._show,
            Verb.STATUS: self._status,
            Verb.REFRESH: self._refresh,
            Verb.REMOVE: self._remove,
            Verb.UNDO: self._undo,
            Verb.SHARE: self._share,
            Verb.FORGET: self._forget,
            Verb.GAPS: self._gaps,
            Verb.APPROVE: self._approve,
            Verb.SETTINGS: self._settings,
            Verb.DEFAULT: self._default,
        }
        step = steps.get(order.command.verb)
        if step is None:
            raise RefusedError(phrase("not_yet", order.tongue, command=order.command.verb.value))
        said = await step(order)
        return said if isinstance(said, Said) else Said(said)

    async def _document(self, order: Order) -> Document:
        """Return the document named, if everyone here may know of it."""
        command = order.command
        try:
            found, _ = await self._librarian.document(order.workspace, command.target)
        except UnknownError:
            found = None
        if found is None or not (order.audience.may_see(found.scope) or order.admin):
            if command.destructive or command.admin:
                raise UnknownError(phrase("no_document", order.tongue, name=command.target[:80]))
            raise NotADocument(phrase("no_document", order.tongue, name=command.target[:80]))
        return found

    async def _add(self, order: Order) -> str:
        command = order.command
        place = Place(workspace=order.workspace, collection=command.collection, scope=_scope(order))
        if command.kind is Kind.URL:
            sources: tuple[Source, ...] = (Source(name=command.target, url=command.target, title=command.title),)
        elif command.kind is Kind.TEXT:
            sources = (to_pasted(command.target, command.title),)
        else:
            sources = tuple(replace(file, title=command.title) if command.title else file for file in order.files)
        learned = await teach(
            self._bot, self._librarian, sources, place, by=order.user, depth=command.depth, notice=order.notice
        )
        return "\n".join([*(to_line(one, order.tongue) for one in learned), *order.notes])

    async def ended(self, workspace: str, ends: Sequence[Mapping[str, Any]], tongue: str) -> Said:
        """Return what to say when something that was left to a worker has ended; `ends` as the notice holds them."""
        return Said(await to_end(self._librarian, workspace, ends, tongue))

    async def _list(self, order: Order) -> str:
        command = order.command
        try:
            found = await self._librarian.documents(order.workspace, order.audience)
        except UnknownError:
            found = []
        wanted = [
            d
            for d in found
            if d.state is not State.REMOVED
            and command.collection in ("", d.collection)
            and (not command.scope or d.scope == command.scope)
        ]
        if not wanted:
            return phrase("no_documents", order.tongue)
        lines = [f"- {_line(d)}" for d in wanted[:LISTED]]
        more = [phrase("more", order.tongue, n=len(wanted) - LISTED)] if len(wanted) > LISTED else []
        return "\n".join([phrase("documents", order.tongue, n=len(wanted)), *lines, *more])

    async def _show(self, order: Order) -> Said:
        d = await self._document(order)
        parts = [
            f"**{to_name(d.title)}** `{d.id}`",
            f"{d.source[:300]}",
            f"{d.state.value}, {d.chunks} · {d.collection}",
        ]
        changed = f"{d.changed:%Y-%m-%d %H:%M} UTC"
        parts += [phrase("revised", order.tongue, revision=d.revision, when=changed), d.reason]
        return Said("\n".join(parts).strip(), frozenset({d.url, d.source}))

    async def _status(self, order: Order) -> str:
        if order.command.kind is Kind.DOCUMENT:
            d = await self._document(order)
            return _line(d) + _standing(d, order.tongue)
        try:
            found = await self._librarian.documents(order.workspace, order.audience)
        except UnknownError:
            found = []
        ready = [d for d in found if d.state in (State.INDEXED, State.UNCHANGED)]
        troubles = await self._troubles()
        state = phrase("troubled" if troubles else "well", order.tongue)
        lines = [phrase("status", order.tongue, state=state, documents=len(ready), chunks=sum(d.chunks for d in ready))]
        lines += [f"- {trouble}" for trouble in troubles if order.admin]
        open_ = [d for d in found if d.state in (State.QUEUED, State.RUNNING, State.FAILED)]
        lines += [f"- {_line(d)}{_standing(d, order.tongue)}" for d in open_[:LISTED]]
        return "\n".join([*lines, *order.notes])

    async def _refresh(self, order: Order) -> str:
        d = await self._document(order)
        if not d.url:
            raise RefusedError(phrase("not_an_address", order.tongue, title=to_name(d.title)))
        return to_line(await self._librarian.refresh(order.workspace, d.id, by=order.user), order.tongue)

    async def _undo(self, order: Order) -> str:
        undone = await self._librarian.undo(order.workspace, by=order.user)
        title = to_name(undone.title or undone.source)
        return phrase("undone", order.tongue, title=title, state=undone.state.value)

    async def _remove(self, order: Order) -> str:
        d = await self._document(order)
        gone = await self._bot.remove(d.id, workspace=order.workspace, by=order.user)
        return phrase("removed", order.tongue, title=to_name(gone.title or d.title))

    async def _share(self, order: Order) -> str:
        d = await self._document(order)
        shared = await self._librarian.share(order.workspace, d.id, _scope(order), by=order.user)
        return phrase("shared", order.tongue, title=to_name(shared.title or d.title), scope=shared.scope)

    async def _default(self, order: Order) -> str:
        place = Place(workspace=order.workspace, collection=order.command.collection, scope=_scope(order))
        await self._librarian.prefer(place, by=order.user)
        return phrase("default", order.tongue, scope=place.scope, collection=to_name(place.collection))

    async def _forget(self, order: Order) -> str:
        kind = {Kind.ME: "user", Kind.THIS: "conversation"}.get(order.command.kind, "document")
        if kind == "document":
            name = (await self._document(order)).id
        else:
            name = order.user if kind == "user" else order.conversation
        receipt = await self._bot.forget(kind, name, workspace=order.workspace, by=order.user)
        return _receipt(receipt, order.tongue)

    async def _gaps(self, order: Order) -> str:
        gaps = await self._lessons.gaps(order.workspace, sorted(order.audience.scopes), LISTED)
        if not gaps:
            return phrase("no_gaps", order.tongue)
        lines = [f"- {gap.created:%Y-%m-%d}: {to_name(gap.question)[:300]}" for gap in gaps]
        return "\n".join([phrase("gaps", order.tongue, n=len(gaps)), *lines])

    async def _approve(self, order: Order) -> str:
        settings = await self._rooms.settings(order.workspace, order.room)
        at, talk = order.workspace, order.conversation
        asked = settings.to_question("", workspace=at, audience=order.audience, user=order.user, conversation=talk)
        turns = await self._memory.recall(asked)
        question = next((turn.text for turn in reversed(turns) if turn.who == "user"), "")
        said = next((turn.text for turn in reversed(turns) if turn.who == "bot"), "")
        if not question:
            raise InputError(phrase("nothing_to_approve", order.tongue))
        # asked again outside of the conversation, from the cache: its citations are the example's lineage
        answer = await answer_of(self._bot, replace(asked, text=question, conversation="", user=""))
        grounded = answer.citations if answer.outcome in (Outcome.ANSWERED, Outcome.EXTRACTIVE) else ()
        kept = replace(answer, text=order.command.target or said, citations=grounded)
        name = await self._lessons.approve(
            order.workspace,
            question,
            kept,
            by=order.user,
            conversation=order.conversation,
            audience=order.audience,
            private=order.private,
            rejected=said if order.command.target else "",
        )
        return phrase("approved_private" if order.private else "approved", order.tongue, name=name)

    async def _settings(self, order: Order) -> str:
        command = order.command
        if command.value:
            settings = await self.settle(order, command.key, command.value)
        else:
            settings = await self._rooms.settings(order.workspace, order.room)
        keys = [command.key] if command.key else list(KEYS)
        lines = [self._setting(settings, key, order.tongue) for key in keys]
        return "\n".join([phrase("settings", order.tongue), *lines])

    async def settle(self, order: Order, key: str, value: str) -> Settings:
        """Change a setting of the order's room. InputError, also for a collection that nobody here may see."""
        if key == "collections" and value.strip().casefold() not in ("auto", "all"):
            try:
                held = await self._librarian.documents(order.workspace, order.audience)
            except UnknownError:
                held = []
            there = {d.collection for d in held if d.state is not State.REMOVED}
            wanted = [name.strip() for name in value.split(",") if name.strip()]
            if unknown := [name for name in wanted if name not in there]:
                names = ", ".join(sorted(there)) or "-"
                raise InputError(
                    phrase("no_collection", order.tongue, name=to_name(unknown[0])[:80], names=names[:500])
                )
        at, label, tongue = (order.workspace, order.room), order.label, order.tongue
        return await self._rooms.change(*at, key, value, by=order.user, label=label, tongue=tongue)

    def _setting(self, settings: Settings, key: str, tongue: str) -> str:
        now, given = said(getattr(settings, key)), choices(key)
        other = f" ({' | '.join(given)})" if given else ""
        return f"- `{key}`: {to_name(now)}{other}: {phrase(f'setting_{key}', tongue)}"


async def answer_of(bot: Bot, question: Question) -> Answer:
    """Return the answer to a question, without its steps."""
    async with aclosing(bot.answer(question)) as events:
        async for event in events:
            if isinstance(event, Done):
                return event.answer
    raise RuntimeError("an answer ended without its end")


def _scope(order: Order) -> str:
    scope = order.command.scope or order.scope
    if scope.startswith("#"):
        raise InputError(phrase("name_channel", order.tongue, name=scope[:80]))
    return scope


def _line(d: Document) -> str:
    reason = f": {d.reason}" if d.reason else ""
    return f"`{d.id}` {to_name(d.title or d.source)} ({d.state.value}, {d.chunks}, {d.collection}){reason}"


def _standing(d: Document, tongue: str) -> str:
    """Return what is being done, in which attempt and until when, for a document that is not done."""
    if d.deadline is None:
        return ""
    return " " + phrase("standing", tongue, stage=to_name(d.stage), attempt=d.attempt, until=f"{d.deadline:%H:%M}")


def _receipt(receipt: Receipt, tongue: str) -> str:
    gone = ", ".join(f"{n} {what}" for what, n in receipt.gone)
    lines = [phrase("forgotten", tongue, gone=gone or "0")]
    if receipt.pending:
        lines.append(phrase("pending", tongue, what="; ".join(receipt.pending)))
    if receipt.unprovable:
        lines.append(phrase("unprovable", tongue, what="; ".join(receipt.unprovable)))
    return "\n".join(lines)
