"""`status` in chat: well, or not, with the remedy for those who can do something."""

import asyncio
from typing import Any

import pytest

from bots import watching
from bots.watching import troubles
from core.audience import EVERYONE
from core.commands import Command, parse
from core.errors import KnowledgeDown, UnavailableError
from core.orders import Order, Orders
from tests.fakes.brain import brain


async def well() -> str:
    return "it answers"


async def away() -> str:
    raise KnowledgeDown("The database cannot be reached: start it.")


async def silent() -> str:
    await asyncio.sleep(60)
    return ""


async def said(tongue: str = "en", *, admin: bool, **health: Any) -> str:
    """Return the reply to `status`."""
    mind: Any = brain()
    parts: dict[str, Any] = dict.fromkeys(("rooms", "exchanges", "lessons"))
    orders = Orders(
        bot=mind.bot,
        librarian=mind.librarian,
        memory=mind.recollection,
        **parts,
        troubles=lambda: troubles(health),
    )
    command = parse("status")
    assert isinstance(command, Command)
    order = Order(
        command=command,
        workspace="slack/T1",
        audience=EVERYONE,
        user="slack/T1/U1",
        room="slack/T1/C1",
        conversation="slack/T1/C1/1",
        admin=admin,
        tongue=tongue,
    )
    return (await orders.run(order)).text


async def test_all_is_well() -> None:
    """Nothing is wrong, nothing is said of it."""
    assert (await said(admin=True, database=well)).startswith("I am well. Documents")


@pytest.mark.parametrize(("tongue", "words"), [("en", "something I stand on is not well"), ("es", "no va bien")])
async def test_admins_get_the_remedy_and_others_only_the_fact(tongue: str, words: str) -> None:
    """Everyone is told that something is missing; which, and what to do, is for admins."""
    for admin in (True, False):
        reply = await said(tongue, admin=admin, database=away, redis=well)
        assert words in reply
        assert ("- database: The database cannot be reached: start it." in reply) is admin


async def test_a_service_that_says_nothing_does_not_hold_the_reply_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look ends by its deadline and counts as a trouble; an error is told by its sentence."""
    monkeypatch.setattr(watching, "LOOK", 0.05)

    async def model() -> str:
        raise UnavailableError("none.")

    assert await troubles({"redis": silent, "model": model, "database": well}) == [
        "redis: no answer within 0 s.",
        "model: none.",
    ]
