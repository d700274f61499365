"""Installs into many workspaces: state bound and one-time, tokens sealed, an uninstall a real end."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import psycopg
import pytest
from cryptography.fernet import Fernet

from bots.slack import check
from core.errors import SetupError
from infra.postgres.installations import Installations
from infra.postgres.pool import Database
from infra.sealing import Sealer
from infra.settings import read_settings
from tests.adapters.slack.conftest import Joined, Joining
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.world import visible
from tests.postgres import Urls

KEY = Fernet.generate_key().decode()
OAUTH = {
    "slack_mode": "http",
    "slack_oauth": True,
    "http_bind": "127.0.0.1:0",
    "SLACK_SIGNING_SECRET": "sssh",
    "SLACK_CLIENT_ID": "1.2",
    "SLACK_CLIENT_SECRET": "very",
    "secret_keys": KEY,
}


@pytest.fixture
async def hosted(join: Joining) -> AsyncIterator[Joined]:
    """A bot that no workspace has installed yet."""
    async with FakeSlack() as slack:
        slack.web.tokens.clear()
        async with join(slack=slack, **OAUTH) as bot:
            yield bot


class Browser:
    """Someone who installs; the cookie is kept by hand, since it is for https only."""

    def __init__(self, bot: Joined) -> None:
        self.base = bot.slack.delivery.url.removesuffix("/slack/events")
        self.cookie = ""

    async def begin(self) -> str:
        """Open the first page; return the state that Slack is given."""
        status, headers, _ = await self.get("/slack/install")
        assert status == 302
        cookie = headers["Set-Cookie"]
        assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=Lax"))
        self.cookie = cookie.partition(";")[0]
        to = urlsplit(headers["Location"])
        assert (to.scheme, to.netloc) == ("https", "slack.com")
        return parse_qs(to.query)["state"][0]

    async def end(self, state: str, code: str = "c1") -> tuple[int, str]:
        """Come back from Slack."""
        status, _, text = await self.get(f"/slack/oauth_redirect?state={state}&code={code}")
        return status, text

    async def get(self, path: str) -> tuple[int, dict[str, str], str]:
        """Return status, headers and text."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.base + path, allow_redirects=False, headers={"Cookie": self.cookie}) as response,
        ):
            return response.status, dict(response.headers), await response.text()


async def test_an_installed_workspace_is_answered_and_an_uninstall_leaves_nothing(
    hosted: Joined, database: Database, postgres: Urls
) -> None:
    """Install, ask, uninstall: the token is nowhere in clear, and afterwards no row of the workspace is left."""
    slack, browser = hosted.slack, Browser(hosted)
    slack.web.codes["c1"] = "T0TEAM"
    status, text = await browser.end(await browser.begin())
    assert (status, "Vocero is installed in T0TEAM" in text) == (200, True)
    asked = await slack.say("@vocero how long do refunds take?")
    assert "14 days" in visible(await slack.reply(asked))
    async with await psycopg.AsyncConnection.connect(postgres.admin) as admin:
        rows = await (await admin.execute("select secret from vocero.installation")).fetchall()
        assert len(rows) == 1
        assert b"xoxb" not in bytes(rows[0][0])
    await slack.send(slack.event({"type": "app_uninstalled"}))
    async with await psycopg.AsyncConnection.connect(postgres.admin, autocommit=True) as admin:
        async with asyncio.timeout(5):
            while await (await admin.execute("select 1 from vocero.workspace where name = 'slack/T0TEAM'")).fetchall():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        for table in ("installation", "exchange", "inbox", "room"):
            [(n,)] = await (await admin.execute(f"select count(*) from vocero.{table}")).fetchall()
            assert n == 0, table
    before = len(slack.world.messages)
    late = await slack.say("@vocero how long do refunds take?")
    await asyncio.sleep(0.2)
    assert late
    assert len(slack.world.messages) == before + 1


async def test_what_is_said_during_an_uninstall_brings_nothing_back(hosted: Joined, postgres: Urls) -> None:
    """While the workspace is being deleted, and just after, a question is neither kept nor answered."""
    slack = hosted.slack
    slack.web.codes["c1"] = "T0TEAM"
    browser = Browser(hosted)
    await browser.end(await browser.begin())
    asked = await slack.say("@vocero how long do refunds take?")
    await slack.reply(asked)
    before = len(slack.world.messages)
    async with await psycopg.AsyncConnection.connect(postgres.admin) as admin:
        await admin.execute("lock table vocero.installation in share mode")  # the purge waits for this
        await slack.send(slack.event({"type": "app_uninstalled"}))
        async with asyncio.timeout(5):
            while not await (await admin.execute("select 1 from pg_locks where not granted")).fetchall():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await slack.say("@vocero how long do refunds take?")
        await admin.rollback()
        await slack.say("@vocero how long do refunds take?")
        async with asyncio.timeout(5):
            while await (await admin.execute("select 1 from vocero.workspace where name = 'slack/T0TEAM'")).fetchall():
                await admin.rollback()
                await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    assert len(slack.world.messages) == before + 2


async def test_a_state_is_one_time_and_its_browser_s(hosted: Joined) -> None:
    """Another browser, an invented state, one used twice, a refused code: no installation, and a sentence each."""
    hosted.slack.web.codes.update({"c1": "T0TEAM", "c2": "T0TEAM"})
    ana, eve = Browser(hosted), Browser(hosted)
    state = await ana.begin()
    await eve.begin()
    for browser, stated in ((eve, state), (ana, "invented"), (Browser(hosted), state)):
        status, text = await browser.end(stated)
        assert (status, "not begun in this browser" in text) == (400, True)
    assert (await ana.end(state))[0] == 200
    status, text = await ana.end(state, "c2")
    assert (status, "finished before" in text) == (400, True)
    status, text = await ana.end(await ana.begin(), "wrong")
    assert (status, "invalid_code" in text) == (400, True)


async def test_a_revoked_token_is_dropped(hosted: Joined, database: Database) -> None:
    """`tokens_revoked` deletes the token and nothing else."""
    hosted.slack.web.codes["c1"] = "T0TEAM"
    browser = Browser(hosted)
    await browser.end(await browser.begin())
    installs = Installations(database, Sealer([KEY]), app="1.2", platform="slack")
    assert await installs.find("slack/T0TEAM")
    await hosted.slack.send(hosted.slack.event({"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}}))
    async with asyncio.timeout(5):
        while await installs.find("slack/T0TEAM"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def test_keys_rotate_and_secrets_stay_their_owner_s() -> None:
    """The newest key seals, every key opens, another workspace's secret does not, and a lost key is said."""
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed = Sealer([old]).seal("slack/T1", {"token": "xoxb-1"})
    both = Sealer([new, old])
    assert both.open("slack/T1", sealed) == {"token": "xoxb-1"}
    renewed = both.renew(sealed)
    assert Sealer([new]).open("slack/T1", renewed) == {"token": "xoxb-1"}
    with pytest.raises(SetupError, match="belongs to another workspace"):
        both.open("slack/T2", sealed)
    with pytest.raises(SetupError, match="No key of VOCERO_SECRET_KEYS"):
        Sealer([new]).open("slack/T1", sealed)
    with pytest.raises(SetupError, match="no Fernet key"):
        Sealer(["short"])


SETUPS = [
    ({}, "SLACK_BOT_TOKEN is not set"),
    ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN is not set"),
    ({"SLACK_BOT_TOKEN": "xoxb-1", "slack_mode": "http"}, "SLACK_SIGNING_SECRET is not set"),
    ({"slack_oauth": True}, "needs a public address"),
    ({**OAUTH, "SLACK_CLIENT_ID": None}, "needs SLACK_CLIENT_ID"),
    ({**OAUTH, "secret_keys": ""}, "VOCERO_SECRET_KEYS is not set"),
]


@pytest.mark.parametrize(("given", "sentence"), SETUPS, ids=[s for _, s in SETUPS])
def test_what_is_missing_is_said_before_anything_starts(given: dict, sentence: str) -> None:
    """One sentence with the remedy."""
    with pytest.raises(SetupError, match=sentence):
        check(read_settings(**given))


async def test_a_token_slack_does_not_know_is_said_at_the_start(join: Joining) -> None:
    """A wrong token or an unreachable Slack ends the start with its reason."""
    async with FakeSlack() as slack:
        with pytest.raises(SetupError, match=r"SLACK_BOT_TOKEN is not accepted \(token_revoked\)"):
            async with join(slack=slack, SLACK_BOT_TOKEN="xoxb-other"):
                pass
        with pytest.raises(SetupError, match="Slack cannot be reached"):
            async with join(slack=slack, SLACK_API_URL="http://127.0.0.1:1/api/"):
                pass


def test_the_manifest_is_json_on_standard_output(capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    """`vocero slack manifest` prints what Slack's page takes."""
    from bots.cli import main

    for words, agent in ((["--agent"], True), ([], False)):
        monkeypatch.setattr("sys.argv", ["vocero", "slack", "manifest", *words])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code == 0
        manifest = json.loads(capsys.readouterr().out)
        assert ("agent_view" in manifest["features"]) is agent
