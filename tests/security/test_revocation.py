"""What was granted ends: rights within minutes even without an event, an install's state after ten minutes."""

import aiohttp
import psycopg
from cryptography.fernet import Fernet

from adapters.slack.outbox import Outbox
from adapters.slack.people import FRESH, People
from bots.slack import to_client
from infra.postgres.installations import Installations
from infra.postgres.pool import Database
from infra.sealing import Sealer
from tests.adapters.slack.conftest import to_settings
from tests.fakes.slack import FakeSlack
from tests.postgres import Urls


async def test_without_an_event_a_right_lives_five_minutes() -> None:
    """Facts are kept so long and no longer, should Slack's event be lost."""
    assert FRESH <= 300
    moment = [0.0]
    async with FakeSlack() as slack, aiohttp.ClientSession() as session:
        outbox = Outbox(to_client(to_settings(slack), session, "xoxb-test"))
        people = People(outbox, "T0TEAM", clock=lambda: moment[0])
        assert "C0PEOPLE" in await people.channels_of("U0ANA")
        slack.world.channel("people").members.remove("U0ANA")
        moment[0] += FRESH / 2
        assert "C0PEOPLE" in await people.channels_of("U0ANA")
        moment[0] += FRESH / 2
        assert "C0PEOPLE" not in await people.channels_of("U0ANA")


async def test_an_old_state_installs_nothing(database: Database, postgres: Urls) -> None:
    """Ten minutes after an install was begun its state is worth nothing; and it was never stored in clear."""
    installs = Installations(database, Sealer([Fernet.generate_key().decode()]), app="1.2", platform="slack")
    for state in ("state-one", "state-two"):
        await installs.begin(state)
    async with await psycopg.AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
        rows = await (await admin.execute("select t::text from vocero.install_state t")).fetchall()
        assert rows
        assert not [row for row in rows if "state-" in str(row)]
        await admin.execute("update vocero.install_state set expires = expires - interval '9 minutes'")
        assert await installs.end("state-one")
        await admin.execute("update vocero.install_state set expires = expires - interval '1 minute'")
        assert not await installs.end("state-two")
