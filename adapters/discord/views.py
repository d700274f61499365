"""Cards as discord.py sends them: components v2, or one plain message with buttons; and the forms.

Every view is stopped before it is sent, so that discord.py keeps nothing of it in memory: clicks and forms are read
from their ids in `buttons`, in whichever process they arrive, after any restart.
"""

from typing import Any, Final

import discord
from discord import ui

from adapters.discord.render import Button, Card, to_content
from core.phrases import phrase

BLURPLE: Final = 0x5865F2
LABEL: Final = 80
FORM: Final = 900.0  # seconds; the token behind a form lives as long
FILES: Final = 10


def to_message(card: Card, *, plain: bool) -> dict[str, Any]:
    """Return the arguments that send or edit this card; nothing pings but what the card names."""
    mentions = discord.AllowedMentions.none()
    if card.pings.startswith("<@&"):
        mentions.roles = [discord.Object(int(card.pings.strip("<@&>")))]
    elif card.pings:
        mentions.users = [discord.Object(int(card.pings.strip("<@>")))]
    if plain:
        return {"content": to_content(card), "view": _to_plain(card), "allowed_mentions": mentions}
    return {"view": _to_layout(card), "allowed_mentions": mentions}


def _to_layout(card: Card) -> ui.LayoutView:
    head = f"{card.head}\n" if card.head else ""
    children: list[ui.Item[Any]] = [ui.TextDisplay(head + card.text)]
    if card.foot:
        children.append(ui.TextDisplay("\n".join(card.foot)))
    if card.buttons:
        children.append(ui.ActionRow(*map(_to_button, card.buttons)))
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.Container(*children, accent_colour=card.colour or BLURPLE))
    view.stop()
    return view


def _to_plain(card: Card) -> ui.View | None:
    if not card.buttons:
        return None
    view = ui.View(timeout=None)
    for button in card.buttons:
        view.add_item(_to_button(button))
    view.stop()
    return view


def _to_button(button: Button) -> ui.Button[Any]:
    style = discord.ButtonStyle.danger if button.danger else discord.ButtonStyle.secondary
    return ui.Button(label=button.label[:LABEL], custom_id=button.id, style=style)


def to_form(id_: str, title: str, label: str, *, most: int, value: str = "") -> ui.Modal:
    """Return a form with one field, `text`."""
    form = ui.Modal(title=title[:45], custom_id=id_, timeout=FORM)
    field = ui.TextInput[ui.Modal](
        custom_id="text", style=discord.TextStyle.paragraph, max_length=most, default=value or None
    )
    form.add_item(ui.Label(text=label[:45], component=field))
    form.stop()
    return form


def to_upload(id_: str, tongue: str) -> ui.Modal:
    """Return the form that takes files, `files`."""
    form = ui.Modal(title=phrase("upload", tongue)[:45], custom_id=id_, timeout=FORM)
    field = ui.FileUpload[ui.Modal](custom_id="files", max_values=FILES)
    form.add_item(ui.Label(text=phrase("upload_files", tongue)[:45], component=field))
    form.stop()
    return form
