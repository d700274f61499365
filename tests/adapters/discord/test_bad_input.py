"""What people give that cannot be used: each a clear sentence, seen by the asker alone, in the asker's language."""

import re
from typing import Any

import pytest

from tests.adapters.discord.conftest import Joined, Joining
from tests.adapters.discord.test_commands import settled
from tests.adapters.discord.test_faults import WAIT
from tests.fakes.brain import Script, brain
from tests.fakes.discord import FakeDiscord, visible

pytestmark = pytest.mark.slow

LOCALES = {"en": "en-US", "es": "es-419"}
TEXT = "# Parking\n\nThe parking permit costs 40 euros."

# who, the command, its options, what is said in English and in Spanish
BAD: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("ben", "docs add", {"text": TEXT}, "Only admins may use add", "Solo los administradores pueden usar add"),
    ("ben", "docs remove", {"document": "Refund policy"}, "Only admins may use remove", "Solo los administradores"),
    ("ben", "docs share", {"document": "Refund policy", "audience": "server"}, "Only admins", "Solo los admin"),
    ("ben", "gaps", {}, "Only admins may use gaps", "Solo los administradores pueden usar gaps"),
    ("ben", "voice approve", {}, "Only admins may use approve", "Solo los administradores pueden usar approve"),
    ("ben", "settings channel", {"key": "quiet", "value": "on"}, "Only admins", "Solo los administradores"),
    ("ben", "settings editors", {}, "Only members who may manage", "Solo quienes pueden gestionar"),
    ("ben", "ask", {"question": " \n "}, "What would you like to know", "Qué te gustaría saber"),
    ("mod", "docs add", {}, "one thing to learn", "una sola cosa que aprender"),
    ("mod", "docs add", {"text": "  ", "url": " "}, "one thing to learn", "una sola cosa que aprender"),
    ("mod", "docs add", {"text": TEXT, "url": "https://example.com"}, "one thing to learn", "una sola cosa"),
    ("mod", "docs remove", {"document": "nothing"}, "There is no document 'nothing'", "No hay ningún documento"),
    ("mod", "docs show", {"document": " "}, "There is no document", "No hay ningún documento"),
    ("ben", "docs show", {"document": "Salaries"}, "There is no document", "No hay ningún documento"),
    ("mod", "forget", {"what": "document"}, "Name the document", "Di qué documento"),
    ("mod", "voice approve", {}, "no answer here that I remember", "No recuerdo ninguna respuesta"),
]


@pytest.mark.parametrize("tongue", LOCALES)
@pytest.mark.parametrize(("who", "path", "options", "english", "spanish"), BAD, ids=[f"{b[0]} {b[1]}" for b in BAD])
async def test_bad_input_is_refused_aside(
    bot: Joined, who: str, path: str, options: dict[str, Any], english: str, spanish: str, tongue: str
) -> None:
    """Rights, empty options, too many of them, names that nothing has."""
    call = await bot.people.slash(who, path, force=True, _locale=LOCALES[tongue], **options)
    await settled(call, {"en": english, "es": spanish}[tongue])
    assert call.private


FILES = [
    ("tool.exe", b"MZ", {}, "cannot read .exe files", "no sé leer archivos .exe"),
    ("photo.png", b"\x89PNG", {}, "cannot read .png files", "no sé leer archivos .png"),
    ("large.txt", b"x", {"size": 30_000_000}, "larger than 20 MB", "ocupa más de 20 MB"),
    ("far.txt", b"x", {"url": "http://198.51.100.7/far.txt"}, "does not lie at Discord", "no está en Discord"),
    ("gone.txt", b"x", {"url": "/cdn/0/gone.txt"}, "did not hand", "no me ha entregado"),
]


@pytest.mark.parametrize("tongue", LOCALES)
@pytest.mark.parametrize(("name", "content", "more", "english", "spanish"), FILES, ids=[f[0] for f in FILES])
async def test_a_wrong_file_is_named_with_the_reason(
    bot: Joined, name: str, content: bytes, more: dict[str, Any], english: str, spanish: str, tongue: str
) -> None:
    """Its kind, its size and where it lies are looked at before it is fetched."""
    file = bot.discord.attachment(name, content)
    if "url" in more and more["url"].startswith("/"):
        more = {"url": file["url"].partition("/cdn/")[0] + more["url"]}
    call = await bot.people.slash("mod", "docs add", file=file | more, _locale=LOCALES[tongue])
    await settled(call, {"en": english, "es": spanish}[tongue])
    assert call.private


async def test_a_form_without_files_says_so(bot: Joined) -> None:
    """Nothing was chosen in the upload's form."""
    form = await bot.people.slash("mod", "docs upload", _locale="es-ES")
    await form.acked()
    call = await bot.people.submit("mod", form, files=[])
    assert "No file came along" in visible(await call.message())


async def test_a_question_may_be_as_long_as_discord_lets_it(bot: Joined) -> None:
    """6,000 characters are a question still: answered, with its beginning above the answer; more cannot be typed."""
    long = ("I have wondered about this for weeks. " * 200)[: 6_000 - 26] + " How long do refunds take?"
    assert len(long) == 6_000
    call = await bot.people.slash("ben", "ask", question=long, private=True)
    said = visible(await call.message())
    assert "I have wondered about this" in said
    assert re.search(r"14 days|don't know", said)
    ask = bot.discord.commands.find("ask", bot.discord.guild_id)
    assert ask["options"][0]["max_length"] == 6_000


@pytest.mark.parametrize("tongue", LOCALES)
async def test_what_is_no_longer_offered_is_answered(bot: Joined, tongue: str) -> None:
    """A button, a form and a command of another version, a confirmation that is someone else's or too old."""
    said = {"en": "commands have changed", "es": "comandos han cambiado"}[tongue]
    late = {"en": "too long ago", "es": "demasiado tiempo"}[tongue]
    answer = await (await bot.people.slash("ben", "ask", question="how long do refunds take?")).message()
    button = answer["components"][0]["components"][-1]["components"][0]
    for id_, shown in (
        ("v;gone;1", said),
        ("v;yes;remove;document;x;;1;1", {"en": "Only the person", "es": "Solo quien lo pidió"}[tongue]),
        (f"v;yes;remove;document;x;;{bot.discord.world.users['ben']['id']};1", late),
        ("v;yes;nonsense", late),
    ):
        button["custom_id"] = id_
        call = await bot.people.click("ben", answer, custom_id=id_, locale=LOCALES[tongue])
        assert shown in visible(await call.message())
        assert call.private
    button["custom_id"] = "v;down;x"
    form = await bot.people.click("ben", answer, custom_id="v;down;x")
    await form.acked()
    call = await bot.people.submit("ben", form, custom_id="v;gone;x", text="?", locale=LOCALES[tongue])
    assert said in visible(await call.message())
    old = {"name": f"old-{tongue}", "description": "old"}
    await bot.discord.commands.put([*bot.discord.commands.sets[None], old])
    call = await bot.people.slash("ben", f"old-{tongue}", _locale=LOCALES[tongue])
    assert said in visible(await call.message())
    options = [{"name": "words", "description": "of an older version", "type": 3, "required": True}]
    changed = [c for c in bot.discord.commands.sets[None] if c["name"] != "ask"]
    kept = bot.discord.commands.sets[None]
    await bot.discord.commands.put([*changed, {"name": "ask", "description": "old", "options": options}])
    call = await bot.people.slash("ben", "ask", words="how long?", _locale=LOCALES[tongue])
    assert said in visible(await call.message())
    await bot.discord.commands.put(kept)


SLOW = Script({"refunds": "Refunds take 14 days after the goods arrive [1]."}, pause=0.2)


@pytest.mark.parametrize(
    ("tongue", "said"), [("en", "could not show this where you asked"), ("es", "donde preguntaste")]
)
async def test_a_channel_that_is_deleted_meanwhile(join: Joining, tongue: str, said: str) -> None:
    """The answer to a command is told directly; who had mentioned the bot is told that the channel is gone."""
    async with FakeDiscord() as fake:
        fake.world.channel("doomed")
        fake.world.channel("gone")
        async with join(fake=fake, mind=brain(speaker=SLOW)) as bot:
            call = await bot.people.slash(
                "ben", "ask", channel="doomed", question="how long do refunds take?", _locale=LOCALES[tongue]
            )
            await call.acked()
            question = {"en": "how long do refunds take?", "es": "¿cuánto tardan los refunds en llegar?"}[tongue]
            await bot.people.say("alice", f"@bot {question}", channel="gone")
            await bot.people.until(lambda: bot.bot.reception.busy == 2)
            for name in ("doomed", "gone"):
                await bot.people.remove(name)
            told = await bot.people.seen(lambda m: "14 days" in visible(m), fake.world.direct("ben"), WAIT)
            assert said in visible(told)
            gone = {"en": "channel where you asked is gone", "es": "ya no existe"}[tongue]
            assert await bot.people.seen(lambda m: gone in visible(m), fake.world.direct("alice"), WAIT)


@pytest.mark.parametrize("tongue", LOCALES)
async def test_where_the_bot_may_not_write(join: Joining, tongue: str) -> None:
    """A mention is answered directly, with the remedy; a command's answer that came too late, too."""
    async with FakeDiscord() as fake:
        fake.world.channel("quiet")
        fake.world.deny("quiet", 1 << 11 | 1 << 35)
        async with join(fake=fake) as bot:
            question = {"en": "how long do refunds take?", "es": "¿cuánto tardan los refunds en llegar?"}[tongue]
            await bot.people.say("ben", f"@bot {question}", channel="quiet")
            said = {"en": "not allowed to write", "es": "No puedo escribir"}[tongue]
            assert await bot.people.seen(lambda m: said in visible(m), fake.world.direct("ben"), WAIT)
            await bot.people.slash(
                "alice",
                "ask",
                channel="quiet",
                question="how long do refunds take?",
                _age=870.0,
                _locale=LOCALES[tongue],
            )
            late = await bot.people.seen(lambda m: "14 days" in visible(m), fake.world.direct("alice"), WAIT)
            assert {"en": "where you asked", "es": "donde preguntaste"}[tongue] in visible(late)
