"""How sure the bot must be: the default, or what a workspace measured; and what a measurement makes of strengths."""

import pytest

from core.bar import DEFAULT, FEWEST, calibrated, rated
from core.documents import Place
from core.errors import UnknownError
from infra.postgres.bars import PostgresBars
from infra.postgres.documents import open_place
from infra.postgres.pool import Database
from tests.postgres import Urls

MINE, OTHER = "slack/T1", "slack/T2"


async def test_a_bar_is_kept_for_its_workspace_only(database: Database) -> None:
    """The default until one is kept; kept anew it is read anew; another workspace keeps the default."""
    for name in (MINE, OTHER):
        async with database.writing(name) as connection:
            await open_place(connection, Place(workspace=name))
    bars = PostgresBars(database)
    assert await bars.bar(MINE) == DEFAULT
    for least in (0.4, 0.3):
        bar = rated(least, [0.9, 0.35], [0.1])
        await bars.keep(MINE, bar)
        assert await bars.bar(MINE) == bar
        assert await PostgresBars(database).bar(MINE) == bar
    assert await bars.bar(OTHER) == DEFAULT
    with pytest.raises(UnknownError):
        await bars.keep("slack/T9", DEFAULT)


async def test_without_a_database_the_default_holds(postgres: Urls) -> None:
    """An answer is worth more than its calibration."""
    database = Database(postgres.application)
    async with database:
        pass
    assert await PostgresBars(database).bar(MINE) == DEFAULT


def test_a_bar_is_fitted_on_enough_questions_of_both_kinds() -> None:
    """Nine in ten of the answerable pass; the rates are those of the questions it was fitted on."""
    right = [n / 100 for n in range(50, 50 + 2 * FEWEST)]
    wrong = [n / 100 for n in range(40, 40 + FEWEST)]
    bar = calibrated(right, wrong)
    assert bar is not None
    assert bar.answered == pytest.approx(0.9)
    assert bar.refused == sum(s < bar.least for s in wrong) / len(wrong)
    assert bar.n == 3 * FEWEST
    assert calibrated(right, wrong[:-1]) is None
    assert calibrated(right[: FEWEST - 1], wrong) is None
