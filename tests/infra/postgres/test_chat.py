"""What chat keeps: rooms, exchanges with verdicts, gaps and examples, on the real database."""

import pytest

from core.audience import EVERYONE
from core.chat import KEYS, Exchange, Settings
from core.errors import InputError
from core.messages import Answer, Citation, Outcome, Question
from core.rooms import choices, said
from infra.postgres.exchanges import PostgresExchanges
from infra.postgres.journal import Journal
from infra.postgres.lessons import PostgresLessons
from infra.postgres.pool import Database
from infra.postgres.rooms import PostgresRooms

W, OTHER = "slack/T1", "slack/T2"
ROOM = "slack/T1/C1"


def exchange(ts: str = "1.1", person: str = "slack/T1/U1", **more: object) -> Exchange:
    """Return an exchange of a thread."""
    return Exchange(message=f"{ROOM}/{ts}", conversation=f"{ROOM}/1.1", person=person, **more)  # type: ignore[arg-type]


async def ready(database: Database) -> None:
    """Make both workspaces."""
    for workspace in (W, OTHER):
        await PostgresRooms(database).change(workspace, "any", "quiet", "off", by="test")


async def test_settings_are_defaults_until_changed_and_each_room_s_own(database: Database) -> None:
    """A change holds for its room, in every process, and names who made it; another room keeps the defaults."""
    rooms = PostgresRooms(database)
    assert await rooms.settings(W, ROOM) == Settings()
    assert (await rooms.change(W, ROOM, "quiet", "on", by="slack/T1/U1")).quiet
    assert (await rooms.change(W, ROOM, "language", "ES", by="slack/T1/U1")) == Settings(quiet=True, language="es")
    assert await PostgresRooms(database).settings(W, ROOM) == Settings(quiet=True, language="es")
    assert await PostgresRooms(database).settings(W, "slack/T1/C2") == Settings()
    assert await PostgresRooms(database).settings(OTHER, ROOM) == Settings()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("colour", "red"),
        ("quiet", "loud"),
        ("language", "tlh"),
        ("", "on"),
        ("collections", ","),
        ("voice", "squeaky"),
        ("stream", "x"),
    ],
)
async def test_a_setting_that_is_none_is_refused(database: Database, key: str, value: str) -> None:
    """The sentence names what there is, and nothing changes."""
    rooms = PostgresRooms(database)
    with pytest.raises(InputError):
        await rooms.change(W, "slack/T1/C9", key, value, by="x")
    assert await PostgresRooms(database).settings(W, "slack/T1/C9") == Settings()


@pytest.mark.parametrize("key", KEYS)
async def test_every_setting_can_be_changed_and_read_back(database: Database, key: str) -> None:
    """What the grammar offers, the table keeps, and `auto` or the first choice undoes it."""
    room = f"slack/T1/{key}"
    for value in ["people, Travel rules", "auto"] if key == "collections" else choices(key)[::-1]:
        settings = await PostgresRooms(database).change(W, room, key, value, by="x")
        assert said(getattr(settings, key)) == value
        assert await PostgresRooms(database).settings(W, room) == settings
    assert settings == Settings()


async def test_known_rooms_are_those_set_and_those_answered_in(database: Database) -> None:
    """A room once named keeps its name; one where something was said is there without settings; a tenant's own only."""
    rooms, exchanges = PostgresRooms(database), PostgresExchanges(database)
    await rooms.change(W, "slack/T1/C5", "quiet", "on", by="slack/T1/U1", label="#sales")
    await rooms.change(W, "slack/T1/C5", "quiet", "on", by="console")
    await exchanges.show(W, Exchange(message="slack/T1/C6/1.1", conversation="slack/T1/C6/1.1", person="slack/T1/U1"))
    await rooms.change(OTHER, "slack/T2/C5", "quiet", "on", by="x", label="#other")
    known = {room.name: room for room in await rooms.known(W)}
    assert (known["slack/T1/C5"].label, known["slack/T1/C5"].settings.quiet) == ("#sales", True)
    assert known["slack/T1/C6"].settings == Settings()
    assert not any(name.startswith(OTHER) for name in known)


async def test_an_exchange_is_found_by_both_its_names_and_completed_once(database: Database) -> None:
    """Shown twice it is one row; its name tells nothing of the message; other workspaces do not see it."""
    await ready(database)
    exchanges = PostgresExchanges(database)
    name = await exchanges.show(W, exchange())
    assert "C1" not in name
    assert await exchanges.show(W, exchange(posts=("C1/1.2",), outcome="answered")) == name
    found = await exchanges.find(W, name=name)
    assert found
    assert (found.posts, found.outcome) == (("C1/1.2",), "answered")
    assert await exchanges.find(W, message=f"{ROOM}/1.1") == found
    assert await exchanges.find(OTHER, name=name) is None
    assert await exchanges.joined(W, f"{ROOM}/1.1")
    assert not await exchanges.joined(OTHER, f"{ROOM}/1.1")
    assert not await exchanges.joined(W, f"{ROOM}/9.9")


async def test_verdicts_count_once_a_person_and_a_human_is_called_once(database: Database) -> None:
    """A changed mind replaces the verdict; the second call for a human is refused; unknown answers are, too."""
    await ready(database)
    exchanges = PostgresExchanges(database)
    name = await exchanges.show(W, exchange("2.1"))
    for good in (True, False):
        assert await exchanges.judge(W, name, "slack/T1/U5", good=good)
    assert not await exchanges.judge(W, "xnone", "slack/T1/U5", good=True)
    async with database.reading(W) as connection:
        rows = await (
            await connection.execute("select good from vocero.feedback where exchange = %s", (name,))
        ).fetchall()
    assert rows == [(False,)]
    assert [await exchanges.escalate(W, name) for _ in range(2)] == [True, False]
    assert not await exchanges.escalate(W, "xnone")


async def test_forgetting_takes_verdicts_along(database: Database) -> None:
    """By message, by conversation or by person; what others said stays."""
    await ready(database)
    exchanges = PostgresExchanges(database)
    mine, other = exchange("3.1", "slack/T1/Ume"), exchange("3.2", "slack/T1/Uother")
    for one in (mine, other):
        await exchanges.show(W, one)
        await exchanges.judge(W, one.name, "slack/T1/Ume", good=True)
    assert [x.name for x in await exchanges.recent(W, "slack/T1/Ume", 5)] == [mine.name]
    assert await exchanges.forget(W, person="slack/T1/Ume") == 1
    assert await exchanges.recent(W, "slack/T1/Ume", 5) == []
    async with database.reading(W) as connection:
        [(left,)] = await (
            await connection.execute("select count(*) from vocero.feedback where person = 'slack/T1/Ume'")
        ).fetchall()
    assert left == 0
    assert await exchanges.forget(W, message=other.message) == 1
    assert await exchanges.forget(W) == 0


async def test_gaps_are_shown_to_those_who_hold_all_their_scopes(database: Database) -> None:
    """A question asked among a few is not read to many; an example keeps its lineage."""
    await ready(database)
    from core.audience import to_audience

    journal, lessons = Journal(database), PostgresLessons(database)
    for text, scopes in (("open?", ("workspace",)), ("secret?", ("workspace", "channel:C7"))):
        await journal.gap(Question(text=text, workspace=W, audience=to_audience(scopes), user="slack/T1/U1"))
    assert [g.question for g in await lessons.gaps(W, ["workspace"], 10)] == ["open?"]
    assert [g.question for g in await lessons.gaps(W, ["channel:C7", "workspace"], 10)] == ["open?", "secret?"]
    cited = Citation(n=1, title="T", url="", document="d1", chunk="d1.1#0", text="Refunds take 14 days.")
    answer = Answer(text="Two weeks. \x00", outcome=Outcome.ANSWERED, citations=(cited,))
    name = await lessons.approve(
        W, "how long?", answer, by="slack/T1/U1", conversation=ROOM, audience=EVERYONE, private=False
    )
    async with database.reading(W) as connection:
        [(text, passages)] = await (
            await connection.execute("select answer, passages from vocero.example where name = %s", (name,))
        ).fetchall()
    assert text == "Two weeks. "
    assert passages[0]["document"] == "d1"
