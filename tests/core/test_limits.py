"""How often may be asked: counted for all processes together, said in the asker's language, and the end of any loop."""

import asyncio

import pytest

from core.errors import InputError
from core.inbox import Arrival
from core.limits import TOLD, UNLIMITED, Limit, Limiter, Limits, to_limit, to_wait
from infra.postgres.inbox import PostgresInbox
from infra.postgres.paces import PostgresPaces
from infra.postgres.pool import Database

WHO = {"user": "u/1", "conversation": "c/1/t", "channel": "c/1"}


async def limiter(database: Database, space: str, /, **limits: Limit | None) -> Limiter:
    """Return a limiter of a workspace that exists."""
    arrival = Arrival(workspace=space, event_key="first", conversation="c", payload={})
    await PostgresInbox(database).accept(arrival)
    given = {"user": None, "conversation": None, "channel": None, "workspace": None, **limits}
    return Limiter(PostgresPaces(database), Limits(**given))


async def ask(limiter: Limiter, space: str, /, tongue: str = "en", **who: str | bool) -> str | None:
    """Ask once."""
    return await limiter.refusal(space, tongue=tongue, **{**WHO, **who})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "limit"),
    [("10/minute", Limit(10, "minute")), (" 5000 / DAY", Limit(5000, "day")), ("off", None), ("Off ", None)],
)
def test_a_limit_is_read(text: str, limit: Limit | None) -> None:
    """Number and period, or off."""
    assert to_limit(text) == limit


@pytest.mark.parametrize("text", ["", "10", "0/minute", "-1/day", "ten/minute", "10/week", "10/minute/2"])
def test_what_is_no_limit_is_said(text: str) -> None:
    """One sentence with an example."""
    with pytest.raises(InputError, match="10/minute"):
        to_limit(text)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "in 5 seconds"),
        (41, "in 45 seconds"),
        (119, "in 120 seconds"),
        (121, "in 3 minutes"),
        (9000, "in 3 hours"),
    ],
)
def test_a_wait_is_rounded_up(seconds: float, said: str) -> None:
    """Whoever comes back then is answered."""
    assert to_wait(seconds, "en") == said


async def test_whoever_asks_too_much_reads_when_to_come_back(database: Database) -> None:
    """In their language; another person is answered meanwhile, and what was refused is not counted."""
    space = "slack/L1"
    door = await limiter(database, space, user=Limit(3, "hour"))
    assert [await ask(door, space) for _ in range(3)] == [None] * 3
    first = await ask(door, space)
    assert first
    assert first.endswith("(3 questions an hour); please ask me again in 20 minutes.")
    second = await ask(door, space, tongue="es")
    assert second
    assert second.endswith("(3 preguntas por hora); pregúntame de nuevo dentro de 20 minutos.")
    assert await ask(door, space, user="u/2") is None


@pytest.mark.parametrize(
    ("kind", "word"), [("channel", "channel"), ("workspace", "workspace"), ("conversation", "conv")]
)
async def test_every_kind_has_its_own(database: Database, kind: str, word: str) -> None:
    """What is used up is named, whoever asks."""
    space = f"slack/L2{kind}"
    door = await limiter(database, space, **{kind: Limit(2, "day")})
    assert [await ask(door, space, user=f"u/{n}") for n in range(2)] == [None, None]
    said = await ask(door, space, user="u/9")
    assert said
    assert f"This {word}" in said


async def test_what_one_limit_refuses_is_counted_by_none(database: Database) -> None:
    """A person who is refused does not use the channel up for the others."""
    space = "slack/L3"
    door = await limiter(database, space, user=Limit(1, "hour"), channel=Limit(2, "hour"))
    assert await ask(door, space) is None
    for _ in range(5):
        assert await ask(door, space) is not None
    assert await ask(door, space, user="u/2") is None


async def test_replicas_count_together(database: Database) -> None:
    """Three processes asked at once let through as many as one."""
    space = "slack/L4"
    doors = [await limiter(database, space, user=Limit(7, "hour")) for _ in range(3)]
    said = await asyncio.gather(*(ask(door, space, aside=True) for _ in range(5) for door in doors))
    assert said.count(None) == 7


async def test_it_comes_back_one_by_one(database: Database) -> None:
    """After the wait that was told there is exactly one more."""
    space = "slack/L5"
    door = await limiter(database, space, user=Limit(4, "second"))
    assert [await ask(door, space, aside=True) for _ in range(4)] == [None] * 4
    over = await PostgresPaces(database).take(space, [("user u/1", Limit(4, "second"))])
    if over is not None:  # on a slow machine it may be back already
        assert 0 < over[1] <= 0.25
        await asyncio.sleep(over[1] + 0.02)
    assert await ask(door, space, aside=True) is None


async def test_two_bots_cannot_talk_for_ever(database: Database) -> None:
    """A partner that answers whatever we say, at once or slowly, meets silence after a few refusals."""
    space = "slack/L6"
    door = await limiter(database, space, user=Limit(1000, "second"), conversation=Limit(20, "hour"))
    turns = 0
    while (said := await ask(door, space)) != "":
        turns += 1
        assert turns <= 20 + TOLD.most, "it never ends"
        assert said is None or "conversation" in said
    assert turns == 20 + TOLD.most
    assert await ask(door, space, aside=True)  # who waits behind a command is always told


async def test_without_limits_nothing_is_counted(database: Database) -> None:
    """And nothing is asked of the database, which may not even know the workspace."""
    door = Limiter(PostgresPaces(database), UNLIMITED)
    assert await ask(door, "slack/UNKNOWN") is None


async def test_a_name_is_not_kept(database: Database) -> None:
    """The table tells no one who asks how often, and what is paid off is dropped."""
    space = "slack/L7"
    door = await limiter(database, space, user=Limit(1000, "second"))
    await ask(door, space, user="slack/L7/UMARKED")
    async with database.reading(space) as connection:
        rows = await (await connection.execute("select name from vocero.pace")).fetchall()
    assert rows
    assert not any("UMARKED" in name for (name,) in rows)
