"""Cards and edits, without Discord: what fits, what is safe, and when."""

import asyncio
import re
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from discord import AppCommandType
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.buttons import LONGEST, to_buttons, to_confirmation, to_confirmed
from adapters.discord.client import to_client
from adapters.discord.editor import Editor
from adapters.discord.intake import Intake
from adapters.discord.permissions import to_call
from adapters.discord.question import to_plain, without_name
from adapters.discord.render import to_cards, to_content
from adapters.discord.texts import read_locales
from adapters.discord.views import to_message
from core.commands import Command, Kind, Verb
from core.errors import BotError, InputError, RefusedError
from core.messages import Answer, Citation, Outcome
from core.phrases import read_replies
from core.rooms import KEYS

pytestmark = pytest.mark.slow

TEXT = st.text(st.characters(codec="utf-8"), max_size=9_000) | st.text("ab c\n`*_[]()<>@#:/.", max_size=9_000)


def to_answer(text: str, sources: int = 6, title: str = "A long title " * 9) -> Answer:
    """Return an answer with as many sources."""
    cited = tuple(
        Citation(n=n, title=title, url=f"https://example.com/{'x' * 90}/{n}", document="d", chunk="c", text=text[:99])
        for n in range(sources)
    )
    return Answer(text=text, outcome=Outcome.ANSWERED, citations=cited, notes=("A note. " * 90,))


@given(text=TEXT, plain=st.booleans())
def test_every_message_fits(text: str, plain: bool) -> None:
    """Whatever is written: at most 4,000 characters a card, 2,000 a plain message, and never an empty one."""
    answer = to_answer(text)
    cards = to_cards(answer, "en", head=text[:200], buttons=to_buttons(answer, "x1", "en", human=True), plain=plain)
    for card in cards:
        size = len(to_content(card).encode("utf-16-le")) // 2
        assert 0 < size <= (2_000 if plain else 4_000)
        assert card.text


@given(text=TEXT)
def test_no_text_pings_or_unfolds(text: str) -> None:
    """Nothing the model writes is a mention, and every address stands in angle brackets."""
    for card in to_cards(to_answer(f"{text} @everyone <@123> <@&9> https://evil.example/x {text}"), "en"):
        outside = re.sub(r"```.*?```|`[^`\n]*`", "", to_content(card), flags=re.DOTALL)
        assert "@everyone" not in outside
        assert not re.search(r"<@!?&?\d+>", outside)
        assert not re.search(r"(?<![<])https?://", outside)


async def test_a_card_pings_only_whom_it_names() -> None:
    """All parsing of mentions is off; the one role that is called is allowed."""
    [card, *_] = to_cards(to_answer("Refunds take 14 days.", 1), "en")
    assert to_message(card, plain=False)["allowed_mentions"].to_dict() == {"parse": []}
    assert to_call("discord/1/role/5", "1") == "<@&5>"
    assert to_call("discord/1/role/5", "2") == ""
    assert to_call("discord/1/7", "1") == "<@7>"
    assert to_call("S0HELP", "1") == ""


async def test_edits_are_apart_and_the_last_one_is_always_written() -> None:
    """The latest wins; what was given in between is left out; a failing edit does not stop the end."""
    written: list[tuple[float, str]] = []

    async def write(text: str) -> None:
        written.append((time.monotonic(), text))
        if text == "3":
            raise BotError("no")

    editor = Editor(write, apart=0.1)
    for n in range(30):
        editor.show(str(n))
        await asyncio.sleep(0.01)
    await editor.finish("end")
    assert written[-1][1] == "end"
    assert 3 <= len(written) <= 6
    assert all(later - sooner >= 0.09 for (sooner, _), (later, _) in pairwise(written))


async def test_what_is_done_soon_is_shown_once() -> None:
    """No stage appears before an answer that comes at once, and nothing waits for it."""
    written: list[str] = []

    async def write(text: str) -> None:
        written.append(text)

    editor, begun = Editor(write), time.monotonic()
    editor.show("stage")
    await editor.finish("end")
    assert written == ["end"]
    assert time.monotonic() - begun < 0.3


def test_a_confirmation_fits_and_is_its_owners() -> None:
    """An id of a document, a scope and two snowflakes fit into a button; others and latecomers are refused."""
    snowflake = "1573317838528053325"
    command = Command(verb=Verb.SHARE, kind=Kind.DOCUMENT, target="b7890faa", scope=f"channel:{snowflake}")
    yes, no = to_confirmation(command, snowflake, "en")
    assert max(len(yes.id), len(no.id)) <= LONGEST
    value = yes.id.removeprefix("v;yes;")
    assert to_confirmed(value, snowflake, "en") == command
    with pytest.raises(RefusedError, match="Only the person"):
        to_confirmed(value, "1", "en")
    with pytest.raises(RefusedError, match="too long ago"):
        to_confirmed(f"{value.rpartition(';')[0]};{int(time.time()) - 61}", snowflake, "en")
    with pytest.raises(InputError):
        to_confirmation(Command(verb=Verb.REMOVE, kind=Kind.DOCUMENT, target="x" * 90), snowflake, "en")


def test_discords_marks_are_read_as_people_see_them() -> None:
    """Emoji, mentions, channels, times and commands become words; the bot's own name goes."""
    said = "<@5> what is <:party:12> in <#7> for <@!8>, </ask:9> <t:1700000000:R>?"
    assert to_plain(without_name(said, 5)) == "what is :party: in that channel for someone, /ask then?"


def test_the_locales_name_commands_as_discord_demands() -> None:
    """Names of commands are lower case without spaces; texts are at most 100 characters."""
    for texts in read_locales().values():
        for english, text in texts.items():
            assert len(text) <= 100
            assert english.islower() is text.islower() or " " in english


def test_one_more_file_is_one_more_language(tmp_path: Path) -> None:
    """Commands and replies both; a region of Discord's is its language's, and a reply with other gaps stays English."""
    text = """
    [names]
    ask = "perguntar"
    [replies]
    thanks = "Obrigado, anotado."
    learned = "Aprendi {titel}."
    sources = "Fontes {"
    """
    (tmp_path / "pt.toml").write_text(text, encoding="utf-8")
    assert read_locales(tmp_path) == {"pt-BR": {"ask": "perguntar"}}
    assert read_replies(tmp_path) == {"pt": {"thanks": "Obrigado, anotado."}}


def test_spanish_has_every_text_of_the_commands() -> None:
    """What people see of a command is translated where they read Spanish, both of its regions alike."""
    client = to_client(Intake(nothing, leave=nothing, closing=lambda: False), None, nothing)  # type: ignore[arg-type]
    texts = read_locales()
    assert texts["es-ES"] == texts["es-419"]
    for kind in AppCommandType:
        for command in client.tree.get_commands(type=kind):
            for said in spoken(command.to_dict(client.tree)):
                assert said in texts["es-ES"] or said in {*KEYS, "url"}, said


async def nothing(*_: object) -> bool:
    """Hear nothing."""
    return False


def spoken(told: dict[str, Any]) -> list[str]:
    """Return every text of a command that a person reads."""
    inner = [text for option in told.get("options") or [] for text in spoken(option)]
    chosen = [choice["name"] for choice in told.get("choices") or []]
    return [text for text in (told["name"], told.get("description"), *chosen, *inner) if text]
