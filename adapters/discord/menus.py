"""Choices in a message's menu: the message as a question, or as a document."""

import discord
from discord import app_commands
from discord.app_commands import locale_str as _

from adapters.discord.commands import Tree
from adapters.discord.facts import to_files
from adapters.discord.intake import Intake, Interaction
from adapters.discord.question import to_language, without_name
from core.phrases import phrase


def add_menus(tree: Tree, intake: Intake) -> None:
    """Add both to a tree. Both reply to the one who chose."""

    @tree.context_menu(name=_("Ask about this"))
    async def ask_about(interaction: Interaction, message: discord.Message) -> None:
        text = without_name(message.content, interaction.application_id)
        if not text:
            raise app_commands.AppCommandError(phrase("no_text", to_language(interaction.locale.value)))
        await intake.take(interaction, "ask", text=text)

    @tree.context_menu(name=_("Add to knowledge"))
    async def add_to_knowledge(interaction: Interaction, message: discord.Message) -> None:
        files = to_files(message.attachments)
        if not files and not message.content.strip():
            raise app_commands.AppCommandError(phrase("no_text", to_language(interaction.locale.value)))
        command = {"verb": "add", "kind": "file" if files else "text", "target": "" if files else message.content}
        await intake.take(interaction, "order", files=files, command=command)
