"""The bot as `vocero run` joins it, on a real PostgreSQL and a real Redis; only the platforms are fakes."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bots.wiring import Vocero, open_vocero
from infra.settings import read_settings
from tests.postgres import Urls

UNLIMITED: Any = dict.fromkeys(("limit_user", "limit_conversation", "limit_channel", "limit_workspace"), "off")


@pytest.fixture(scope="module")
async def vocero(postgres: Urls, database: object, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Vocero]:
    """A bot without a model, so that its answers are quotations: what it was given to read is what it shows."""
    settings = read_settings(home=tmp_path_factory.mktemp("home"), database_url=postgres.application, **UNLIMITED)
    async with open_vocero(settings, say=lambda _: None, model=False) as opened:
        yield opened
