"""The slash commands. Each only says what is meant; `intake` acknowledges and accepts, `handler` does the work.

Rights are checked when a command is carried out. What Discord hides from members without Manage Server is only a hint,
and can be opened to others under Server Settings, Integrations.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str as _

from adapters.discord.buttons import open_upload
from adapters.discord.facts import to_files
from adapters.discord.intake import Intake, Interaction
from adapters.discord.question import to_language
from adapters.discord.texts import Texts
from core.errors import InputError
from core.phrases import phrase
from core.rooms import KEYS

Tree = app_commands.CommandTree[Any]
Suggest = Callable[[Interaction, str], Coroutine[Any, Any, list[app_commands.Choice[str]]]]
LONGEST: Final = 6_000  # characters of an option
WHERE: Final = [
    app_commands.Choice(name=_("the whole server"), value="server"),
    app_commands.Choice(name=_("only this channel"), value="channel"),
]
IN_SERVERS: Final = app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False)
MANAGERS: Final = discord.Permissions(manage_guild=True)
Texted = app_commands.Range[str, 1, LONGEST]


def add_commands(tree: Tree, intake: Intake, suggest: Suggest, values: Suggest) -> None:
    """Add all commands to a tree. `suggest` offers documents, `values` those of a setting."""
    _add_ask(tree, intake)
    _add_docs(tree, intake, suggest)
    _add_forget(tree, intake, suggest)
    _add_settings(tree, intake, values)
    _add_lessons(tree, intake)
    _add_help(tree, intake)


def _add_ask(tree: Tree, intake: Intake) -> None:
    @tree.command(name=_("ask"), description=_("Ask the documents a question"))
    @app_commands.describe(
        question=_("Your question, in a sentence"), private=_("Only you see the answer, from all that you may see")
    )
    async def ask(interaction: Interaction, question: Texted, private: bool = False) -> None:
        if not question.strip():
            raise app_commands.AppCommandError(phrase("empty", to_language(interaction.locale.value)))
        await intake.take(interaction, "ask", private=private, text=question)


def _add_docs(tree: Tree, intake: Intake, suggest: Suggest) -> None:
    docs = app_commands.Group(name=_("docs"), description=_("The documents that answers come from"))

    @docs.command(name=_("add"), description=_("Teach a page, a file or a text"))
    @app_commands.describe(
        url=_("The page's address"),
        file=_("A file: text, Markdown, HTML, PDF, DOCX"),
        text=_("The text itself"),
        title=_("What to call it"),
        audience=_("Who may see it"),
        collection=_("The collection to put it into"),
    )
    @app_commands.choices(audience=WHERE)
    async def add(
        interaction: Interaction,
        url: str = "",
        file: discord.Attachment | None = None,
        text: str = "",
        title: str = "",
        audience: str = "",
        collection: str = "",
    ) -> None:
        given = [("url", url.strip()), ("text", text.strip())]
        named = [(kind, value) for kind, value in given if value] + ([("file", "")] if file else [])
        if len(named) != 1:
            raise app_commands.AppCommandError(phrase("one_source", to_language(interaction.locale.value)))
        [(kind, value)] = named
        command = {
            "verb": "add",
            "kind": kind,
            "target": value,
            "title": title.strip(),
            "collection": collection.strip(),
        }
        command["scope"] = to_scope(interaction, audience)
        await intake.take(interaction, "order", files=to_files([file] if file else []), command=command)

    @docs.command(name=_("upload"), description=_("Teach up to ten files at once"))
    @app_commands.describe(audience=_("Who may see it"), collection=_("The collection to put it into"))
    @app_commands.choices(audience=WHERE)
    async def upload(interaction: Interaction, audience: str = "", collection: str = "") -> None:
        await open_upload(interaction, to_scope(interaction, audience), collection.strip())

    @docs.command(name=_("list"), description=_("Name the documents you may see"))
    @app_commands.describe(collection=_("Only of this collection"))
    async def list_(interaction: Interaction, collection: str = "") -> None:
        await intake.take(interaction, "order", command={"verb": "list", "collection": collection.strip()})

    def on_document(name: str, description: str, verb: str) -> None:
        @docs.command(name=_(name), description=_(description))
        @app_commands.describe(document=_("The document: its title, address or id"))
        @app_commands.autocomplete(document=suggest)
        async def do(interaction: Interaction, document: str) -> None:
            command = {"verb": verb, "kind": "document", "target": document.strip()}
            await intake.take(interaction, "order", command=command)

    on_document("show", "Show what is known of a document", "show")
    on_document("refresh", "Read a document again", "refresh")
    on_document("remove", "Take a document out of every answer", "remove")

    @docs.command(name=_("share"), description=_("Say who may see a document"))
    @app_commands.describe(document=_("The document: its title, address or id"), audience=_("Who may see it"))
    @app_commands.choices(audience=WHERE)
    @app_commands.autocomplete(document=suggest)
    async def share(interaction: Interaction, document: str, audience: str) -> None:
        scope = to_scope(interaction, audience)
        command = {"verb": "share", "kind": "document", "target": document.strip(), "scope": scope}
        await intake.take(interaction, "order", command=command)

    @docs.command(name=_("undo"), description=_("Take back the last change of the documents"))
    async def undo(interaction: Interaction) -> None:
        await intake.take(interaction, "order", command={"verb": "undo"})

    @docs.command(name=_("status"), description=_("How the bot, or a document, is doing"))
    @app_commands.describe(document=_("The document: its title, address or id"))
    @app_commands.autocomplete(document=suggest)
    async def status(interaction: Interaction, document: str = "") -> None:
        command = {"verb": "status", "kind": "document" if document.strip() else "", "target": document.strip()}
        await intake.take(interaction, "order", command=command)

    tree.add_command(docs)


def _add_forget(tree: Tree, intake: Intake, suggest: Suggest) -> None:
    @tree.command(name=_("forget"), description=_("Forget you, this conversation, or a document, with a receipt"))
    @app_commands.describe(what=_("What to forget"), document=_("The document: its title, address or id"))
    @app_commands.choices(
        what=[
            app_commands.Choice(name=_("me"), value="me"),
            app_commands.Choice(name=_("this conversation"), value="this"),
            app_commands.Choice(name=_("a document"), value="document"),
        ]
    )
    @app_commands.autocomplete(document=suggest)
    async def forget(interaction: Interaction, what: str, document: str = "") -> None:
        if what == "document" and not document.strip():
            raise app_commands.AppCommandError(phrase("which_document", to_language(interaction.locale.value)))
        target = document.strip() if what == "document" else ""
        await intake.take(interaction, "order", command={"verb": "forget", "kind": what, "target": target})


def _add_settings(tree: Tree, intake: Intake, values: Suggest) -> None:
    settings = app_commands.Group(
        name=_("settings"),
        description=_("How the bot behaves here"),
        default_permissions=MANAGERS,
        allowed_contexts=IN_SERVERS,
    )

    @settings.command(name=_("channel"), description=_("Show or change the settings of this channel"))
    @app_commands.describe(key=_("The setting"), value=_("One of the values offered; none shows what is set"))
    @app_commands.choices(key=[app_commands.Choice(name=key, value=key) for key in KEYS])
    @app_commands.autocomplete(value=values)
    async def channel(interaction: Interaction, key: str = "", value: str = "") -> None:
        await intake.take(interaction, "order", command={"verb": "settings", "key": key, "value": value.strip()})

    @settings.command(name=_("editors"), description=_("Show or change the roles that may edit documents"))
    @app_commands.describe(role=_("The role"), allowed=_("Whether its members may"))
    async def editors(interaction: Interaction, role: discord.Role | None = None, allowed: bool = True) -> None:
        await intake.take(interaction, "editors", role=str(role.id) if role else "", allowed=allowed)

    tree.add_command(settings)


def _add_lessons(tree: Tree, intake: Intake) -> None:
    @tree.command(name=_("gaps"), description=_("Name the questions that found no answer"))
    @app_commands.default_permissions(MANAGERS)
    @app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
    async def gaps(interaction: Interaction) -> None:
        await intake.take(interaction, "order", command={"verb": "gaps"})

    voice = app_commands.Group(
        name=_("voice"),
        description=_("Teach the bot how you would say it"),
        default_permissions=MANAGERS,
        allowed_contexts=IN_SERVERS,
    )

    @voice.command(name=_("approve"), description=_("Keep your last answer here, or a better one, as an example"))
    @app_commands.describe(text=_("A better answer"))
    async def approve(interaction: Interaction, text: str = "") -> None:
        await intake.take(interaction, "order", command={"verb": "approve", "target": text.strip()})

    tree.add_command(voice)


def _add_help(tree: Tree, intake: Intake) -> None:
    @tree.command(name=_("help"), description=_("Say what can be done here"))
    async def help_(interaction: Interaction) -> None:
        await intake.say(interaction, to_help(tree, interaction.locale.value))


def to_help(tree: Tree, locale: str) -> str:
    """Return what can be done, from the commands themselves, in this locale."""
    texts = tree.translator if isinstance(tree.translator, Texts) else Texts()

    def said(text: str) -> str:
        return texts.find(text, locale) or text

    lines = [phrase("discord_help", to_language(locale))]
    for command in tree.walk_commands():
        if isinstance(command, app_commands.Command):
            parents = [said(parent.name) for parent in (command.parent,) if parent]
            lines.append(f"- `/{' '.join([*parents, said(command.name)])}`: {said(command.description)}")
    return "\n".join(lines)


def to_scope(interaction: Interaction, audience: str) -> str:
    """Return the scope that was chosen; empty when none was. InputError outside of a server."""
    if audience != "channel":
        return "workspace" if audience else ""
    channel = interaction.channel
    if interaction.guild is None or channel is None:
        raise InputError(phrase("no_channel", to_language(interaction.locale.value)))
    room = channel.parent_id if isinstance(channel, discord.Thread) else channel.id
    return f"channel:{room}"
