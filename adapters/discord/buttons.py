"""Buttons and forms. What they mean stands in their ids, so that they work in every process and after every restart.

An id is `v;WHAT;...`. One door for all of them, since discord.py only logs what a button's own callback raises.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

import discord
import structlog

from adapters.discord.intake import Intake, Interaction
from adapters.discord.question import to_language
from adapters.discord.render import Button
from adapters.discord.views import to_form, to_upload
from core.commands import Command, Kind, Verb
from core.errors import BotError, InputError, RefusedError
from core.messages import Answer, Outcome
from core.phrases import phrase

CLICK: Final = 60.0  # seconds in which a confirmation may be pressed
LONGEST: Final = 100  # characters of an id
log = structlog.get_logger()


def to_buttons(answer: Answer, exchange: str, tongue: str, *, human: bool) -> list[Button]:
    """Return what stands below an answer; nothing without an exchange to name."""
    if not exchange or answer.outcome in (Outcome.REFUSED, Outcome.FAILED):
        return []
    found = []
    if answer.outcome is not Outcome.ABSTAINED:
        found.append(Button(label=phrase("helpful", tongue), id=f"v;up;{exchange}"))
        found.append(Button(label=phrase("unhelpful", tongue), id=f"v;down;{exchange}"))
    if answer.citations:
        found.append(Button(label=phrase("sources", tongue), id=f"v;src;{exchange}"))
    found.append(Button(label=phrase("follow_up", tongue), id=f"v;more;{exchange}"))
    if human:
        found.append(Button(label=phrase("human", tongue), id=f"v;human;{exchange}"))
    return found


def to_confirmation(command: Command, user: str, tongue: str) -> list[Button]:
    """Return Yes and No for a command whose document is named by its id. InputError when it does not fit."""
    parts = [command.verb.value, command.kind.value, command.target, command.scope, user, str(int(time.time()))]
    if any(";" in part for part in parts) or len(value := ";".join(parts)) > LONGEST - 6:
        raise InputError(phrase("no_document", tongue, name=command.target[:80]))
    return [
        Button(label=phrase("yes", tongue), id=f"v;yes;{value}", danger=True),
        Button(label=phrase("no", tongue), id=f"v;no;{value}"),
    ]


def to_confirmed(value: str, user: str, tongue: str) -> Command:
    """Return what a confirmation carries. RefusedError when it is someone else's, or too old."""
    try:
        verb, kind, target, scope, owner, at = value.split(";")
        command = Command(verb=Verb(verb), kind=Kind(kind), target=target, scope=scope)
        age = time.time() - float(at)
    except ValueError as error:
        raise RefusedError(phrase("too_late", tongue)) from error
    if owner != user:
        raise RefusedError(phrase("not_yours", tongue))
    if not 0 <= age <= CLICK:
        raise RefusedError(phrase("too_late", tongue))
    return command


async def pressed(interaction: Interaction, intake: Intake) -> None:
    """Deal with a button or a form."""
    data: Mapping[str, Any] = dict(interaction.data or {})
    begin, _, rest = str(data.get("custom_id") or "").partition(";")
    what, _, value = rest.partition(";")
    if begin != "v":
        return
    tongue = to_language(interaction.locale.value)
    try:
        if interaction.type is discord.InteractionType.modal_submit:
            await _submitted(interaction, intake, what, value, tongue)
        else:
            await _clicked(interaction, intake, what, value, tongue)
    except BotError as error:
        log.info("click_refused", what=what, error=type(error).__name__)
        if not interaction.response.is_done():
            await intake.say(interaction, str(error))


async def _clicked(interaction: Interaction, intake: Intake, what: str, value: str, tongue: str) -> None:
    private = bool(interaction.message and interaction.message.flags.ephemeral)
    if what == "up":
        await intake.take(interaction, "verdict", name=value, good=True)
    elif what == "down":
        form = to_form(f"v;why;{value}", phrase("why", tongue), phrase("why_label", tongue), most=1000)
        await interaction.response.send_modal(form)
        await intake.accept_after(interaction, "verdict", name=value, good=False)
    elif what == "src":
        await intake.take(interaction, "sources", name=value)
    elif what == "more":
        form = to_form(
            f"v;more;{int(private)}", phrase("follow_up", tongue), phrase("follow_up_label", tongue), most=4000
        )
        await interaction.response.send_modal(form)
    elif what == "human":
        answered = str(interaction.message.id) if interaction.message else ""
        await intake.take(interaction, "human", name=value, answered=answered)
    elif what == "yes":
        to_confirmed(value, str(interaction.user.id), tongue)
        await intake.take(interaction, "confirmed", private=private, update=True, value=value)
    elif what == "no":
        if value.split(";")[4:5] != [str(interaction.user.id)]:
            raise RefusedError(phrase("not_yours", tongue))
        await intake.take(interaction, "cancelled", private=private, update=True)
    else:
        raise RefusedError(phrase("stale", tongue))


async def _submitted(interaction: Interaction, intake: Intake, what: str, value: str, tongue: str) -> None:
    fields = to_fields(dict(interaction.data or {}))
    text = str(fields.get("text") or "").strip()
    if what == "why":
        await intake.take(interaction, "why", name=value, text=text)
    elif what == "more":
        if not text:
            raise InputError(phrase("empty", tongue))
        await intake.take(interaction, "ask", private=value == "1", text=text)
    elif what == "upload":
        scope, _, collection = value.partition(";")
        command = {"verb": "add", "kind": "file", "scope": scope, "collection": collection}
        await intake.take(interaction, "order", files=fields.get("files") or (), command=command)
    else:
        raise RefusedError(phrase("stale", tongue))


def to_fields(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was filled in, by id; files as JSON."""
    attachments: Mapping[str, Any] = (data.get("resolved") or {}).get("attachments") or {}
    found: dict[str, Any] = {}
    for top in data.get("components") or []:
        for field in [top["component"]] if "component" in top else top.get("components") or []:
            if "values" in field:
                chosen = [attachments[id_] for id_ in field["values"] if id_ in attachments]
                found[field["custom_id"]] = [
                    {"name": a["filename"], "size": a["size"], "url": a["url"], "type": a.get("content_type") or ""}
                    for a in chosen
                ]
            else:
                found[field["custom_id"]] = field.get("value") or ""
    return found


async def open_upload(interaction: Interaction, scope: str, collection: str) -> None:
    """Open the form for files."""
    id_ = f"v;upload;{scope};{collection}"[:LONGEST]
    await interaction.response.send_modal(to_upload(id_, to_language(interaction.locale.value)))
