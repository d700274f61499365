"""Commands: documents taught and taken away, rights at execution, confirmations, settings, forgetting, bad input."""

import re
from typing import Any

import pytest

from core.rooms import KEYS
from tests.adapters.discord.conftest import Joined, opened
from tests.adapters.discord.test_asking import kept
from tests.fakes.discord import visible

pytestmark = pytest.mark.slow

TEXT = "# Parking\n\nThe parking permit costs 40 euros."


async def test_a_text_is_taught_asked_about_and_removed_after_a_click(bot: Joined) -> None:
    """Add, list with autocompletion, remove with a confirmation by its owner only; each reply is private."""
    added = await bot.people.slash("mod", "docs add", text=TEXT)
    assert re.search(r"Learned Parking .*passages: 1", visible(await settled(added, "Learned")))
    assert added.private
    asked = await bot.people.slash("ben", "ask", question="what does the parking permit cost?")
    assert "40 euros" in visible(await asked.message())
    offered = await bot.people.slash("ben", "docs show", focus="document", document="park")
    await offered.acked()
    [choice] = offered.choices
    assert choice["name"] == "Parking"
    shown = await bot.people.slash("ben", "docs show", document=choice["value"])
    assert "Parking" in visible(await shown.message())
    wish = await bot.people.slash("mod", "docs remove", document=choice["value"])
    question = await wish.message()
    assert "Parking" in visible(question)
    stranger = await bot.people.click("owner", question, "Yes, do it")
    assert "Only the person" in visible(await stranger.message())
    await bot.people.click("mod", question, "Yes, do it")
    await bot.people.until(lambda: "out of every answer" in visible(question))
    again = await bot.people.slash("ben", "ask", question="what does the parking permit cost?")
    assert "don't know" in visible(await again.message())


async def test_nothing_happens_without_the_yes(bot: Joined) -> None:
    """No leaves everything as it was."""
    wish = await bot.people.slash("mod", "docs remove", document="Refund policy")
    question = await wish.message()
    await bot.people.click("mod", question, "No")
    await bot.people.until(lambda: "Nothing was changed" in visible(question))
    asked = await bot.people.slash("ben", "ask", question="how long do refunds take?")
    assert "14 days" in visible(await asked.message())


async def test_files_come_by_option_form_and_menu(bot: Joined) -> None:
    """One as an option, several by a form, those of a message by its menu."""
    file = bot.discord.attachment("lockers.md", b"# Lockers\n\nLockers open at seven.", "text/markdown")
    call = await bot.people.slash("mod", "docs add", file=file, title="Lockers")
    assert "Learned Lockers" in visible(await settled(call, "Learned"))
    form = await bot.people.slash("mod", "docs upload")
    await form.acked()
    files = [bot.discord.attachment(f"{n}.txt", f"Bay {n} is for bicycles.".encode()) for n in ("north", "south")]
    call = await bot.people.submit("mod", form, files=files)
    assert visible(await settled(call, "Learned")).count("Learned") == 2
    message = await bot.people.say(
        "ben", "our list", files=[bot.discord.attachment("bells.txt", b"Bells ring at noon.")]
    )
    call = await bot.people.menu("mod", "Add to knowledge", message)
    assert "Learned" in visible(await settled(call, "Learned"))
    refused = await bot.people.menu("ben", "Add to knowledge", message)
    assert "Only admins" in visible(await refused.message())


async def test_a_document_for_one_channel_stays_there(bot: Joined) -> None:
    """`only this channel` binds it; a hidden channel's documents are its own without being told."""
    call = await bot.people.slash("mod", "docs add", text="# Tea\n\nTea is at four.", audience="channel")
    assert "Learned Tea" in visible(await settled(call, "Learned"))
    call = await bot.people.slash("mod", "docs add", channel="people", text="# Bonus\n\nThe bonus is paid in March.")
    assert "Learned Bonus" in visible(await settled(call, "Learned"))
    for where, question, shown in (
        ("general", "when is tea?", "at four"),
        ("people", "when is tea?", "don't know"),
        ("people", "when is the bonus paid?", "March"),
        ("general", "when is the bonus paid?", "don't know"),
    ):
        call = await bot.people.slash("alice", "ask", channel=where, question=question)
        assert shown in visible(await call.message()), (where, question)


async def test_an_address_is_refused_with_its_reason(bot: Joined) -> None:
    """What cannot be fetched is said in the reply; the setting's values are named."""
    call = await bot.people.slash("mod", "docs add", url="not an address")
    assert "could not learn" in visible(await settled(call, "could not learn"))
    call = await bot.people.slash("mod", "settings channel", key="quiet", value="perhaps")
    assert "off | on" in visible(await call.message())


async def test_a_document_is_given_to_others_after_a_click(bot: Joined) -> None:
    """Sharing asks first; then another channel no longer finds it."""
    call = await bot.people.slash("mod", "docs add", text="# Sauna\n\nThe sauna opens at six.")
    await settled(call, "Learned")
    wish = await bot.people.slash("mod", "docs share", channel="people", document="Sauna", audience="channel")
    question = await wish.message()
    await bot.people.click("mod", question, "Yes, do it")
    await bot.people.until(lambda: "is now for" in visible(question))
    for where, shown in (("people", "at six"), ("general", "don't know")):
        call = await bot.people.slash("alice", "ask", channel=where, question="when does the sauna open?")
        assert shown in visible(await call.message())


async def test_an_editors_role_may_teach_once_it_was_appointed(bot: Joined) -> None:
    """Only who manages the server appoints; what the role may is asked every time; it is written down."""
    bot.discord.world.role("docs editor")
    role = bot.discord.world.roles["docs editor"]
    await bot.discord.gateway.emit("GUILD_ROLE_CREATE", {"guild_id": bot.discord.guild_id, "role": role})
    bot.discord.world.user("dora", roles=("docs editor",))
    before = await bot.people.slash("dora", "docs add", text="# Bins\n\nBins go out on Friday.")
    assert "Only admins" in visible(await before.message())
    refused = await bot.people.slash("dora", "settings editors", force=True, role="docs editor")
    assert "Only members who may manage" in visible(await refused.message())
    call = await bot.people.slash("mod", "settings editors", role="docs editor")
    assert "<@&" in visible(await call.message())
    after = await bot.people.slash("dora", "docs add", text="# Bins\n\nBins go out on Friday.")
    assert "Learned Bins" in visible(await settled(after, "Learned"))
    await (await bot.people.slash("mod", "settings editors", role="docs editor", allowed=False)).message()
    last = await bot.people.slash("dora", "docs add", text="# Bins\n\nBins go out on Monday.")
    assert "Only admins" in visible(await last.message())
    actions = await kept(bot, "select action from vocero.audit where action in ('appoint', 'dismiss') order by id")
    assert actions == [("appoint",), ("dismiss",)]


async def test_a_channel_can_want_no_threads_quiet_and_spanish(bot: Joined) -> None:
    """Settings hold for their channel: answers in it, don't-knows for the asker alone, the bot's words in Spanish."""
    bot.discord.world.channel("lounge")
    guild = bot.discord.world.to_guild(bot.discord.world.guilds["lab"])
    lounge = bot.discord.world.channels["lounge"]
    assert lounge in guild["channels"]
    await bot.discord.gateway.emit("CHANNEL_CREATE", lounge)
    for key, value in (("threads", "off"), ("quiet", "on"), ("language", "es")):
        call = await bot.people.slash("mod", "settings channel", channel="lounge", key=key, value=value)
        assert key in visible(await call.message())
    asked = await bot.people.say("ben", "@bot how long do refunds take?", channel="lounge")
    answer = await bot.people.seen(lambda m: "Fuentes" in visible(m), "lounge")
    assert answer["message_reference"]["message_id"] == asked["id"]
    call = await bot.people.slash("ben", "ask", channel="lounge", question="who won the cup?")
    await call.until(lambda: call.followups)
    assert "don't know" in visible(call.followups[0])
    assert call.followups[0]["flags"] & 64
    assert call.original is not None
    assert call.original["id"] not in {m["id"] for m in bot.people.messages("lounge")}
    await bot.people.say("ben", "@bot who won the cup?", channel="lounge")
    direct = bot.discord.world.direct("ben")
    assert await bot.people.seen(lambda m: "don't know" in visible(m), direct)


async def test_a_channel_can_have_collections_voice_and_stream_of_its_own(bot: Joined) -> None:
    """Every setting there is can be changed and shown, its values are offered; collections only take away."""
    bot.discord.world.channel("desk")
    await bot.discord.gateway.emit("CHANNEL_CREATE", bot.discord.world.channels["desk"])
    added = await bot.people.slash("mod", "docs add", text="# Kiosk\n\nThe kiosk opens at ten.", collection="kiosk")
    await settled(added, "Learned")
    shown = visible(await (await bot.people.slash("mod", "settings channel", channel="desk")).message())
    assert all(f"`{key}`" in shown for key in KEYS)
    for key, typed, offered in (
        ("language", "", ["auto", "en", "es"]),
        ("quiet", "o", ["off", "on"]),
        ("voice", "pl", ["plain"]),
        ("collections", "ki", ["kiosk"]),
        ("collections", "general, ki", ["general, kiosk"]),
    ):
        call = await bot.people.slash("mod", "settings channel", channel="desk", focus="value", key=key, value=typed)
        await call.acked()
        assert [choice["value"] for choice in call.choices] == offered
    for key, value in (("collections", "kiosk"), ("voice", "plain"), ("stream", "off"), ("mentions", "on")):
        call = await bot.people.slash("mod", "settings channel", channel="desk", key=key, value=value)
        assert f"`{key}`: {value}" in visible(await call.message())
    for question, answer in (("when does the kiosk open?", "at ten"), ("how long do refunds take?", "don't know")):
        call = await bot.people.slash("ben", "ask", channel="desk", question=question)
        assert answer in visible(await call.message())
    wrong = await bot.people.slash("mod", "settings channel", channel="desk", key="collections", value="nothing")
    assert "no collection nothing" in visible(await wrong.message())
    rooms = await bot.chat.rooms.known(bot.discord.workspace)
    assert "#desk" in {room.label for room in rooms}


async def test_i_can_be_forgotten_with_a_receipt(bot: Joined) -> None:
    """`forget me` asks first, and then says what is gone."""
    await (await bot.people.slash("ben", "ask", question="how long do refunds take?")).message()
    wish = await bot.people.slash("ben", "forget", what="me")
    question = await wish.message()
    await bot.people.click("ben", question, "Yes, do it")
    await bot.people.until(lambda: "Forgotten:" in visible(question))


async def test_an_answer_is_approved_as_an_example(bot: Joined) -> None:
    """The last answer here, with its passages."""
    await (await bot.people.slash("mod", "ask", question="how long do refunds take?")).message()
    call = await bot.people.slash("mod", "voice approve", text="Refunds take 14 days.")
    assert "Kept as an example" in visible(await call.message())
    assert ("Refunds take 14 days.",) in await kept(bot, "select answer from vocero.example")


async def test_help_and_replies_speak_the_askers_language(bot: Joined) -> None:
    """The names of commands, what they do and what the bot says come in Spanish for who reads Spanish."""
    call = await bot.people.slash("ben", "help", _locale="es-419")
    said = visible(await call.message())
    assert "/documentos enseñar" in said
    assert "Haz una pregunta" in said
    ask = bot.discord.commands.find("ask", bot.discord.guild_id)
    assert ask["name_localizations"]["es-ES"] == "preguntar"
    refused = await bot.people.slash("ben", "docs add", text=TEXT, _locale="es-ES")
    assert "Solo los administradores" in visible(await refused.message())


async def test_members_are_not_offered_what_only_managers_do(bot: Joined) -> None:
    """Discord hides settings, gaps and voice; asking and documents are for all."""
    for path in ("settings channel", "gaps", "voice approve"):
        with pytest.raises(PermissionError):
            await bot.people.slash("ben", path)
    gaps = await bot.people.slash("mod", "gaps")
    assert await gaps.message()
    status = await bot.people.slash("ben", "docs status")
    assert "I am well" in visible(await status.message())
    listed = await bot.people.slash("alice", "docs list")
    assert re.search("Salaries", visible(await listed.message()))
    listed = await bot.people.slash("ben", "docs list")
    assert "Salaries" not in visible(await listed.message())


async def test_a_command_said_by_mention_works_too(bot: Joined) -> None:
    """The words of the other platforms are understood in a message."""
    asked = await bot.people.say("mod", "@bot add: # Keys\n\nKeys hang in the porch.")
    thread = await opened(bot, asked)
    assert await bot.people.seen(lambda m: "Learned Keys" in visible(m), thread)


async def settled(call: Any, said: str) -> dict[str, Any]:
    """Wait until a reply says this."""
    await call.until(lambda: call.original is not None and said in visible(call.original))
    return dict(call.original)
