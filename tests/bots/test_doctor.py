"""The doctor on what is really broken: one sentence that names it, and the remedy."""

import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet

from bots import discord_setup, slack_setup
from bots.doctor import Finding, examine
from bots.wiring import Ends, write_health
from core.errors import BotError, KnowledgeDown, UnavailableError
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from infra.settings import Settings, read_settings
from tests.fakes.slack import FakeSlack
from tests.postgres import APPLICATION, PASSWORD, Server, Urls

NOWHERE = "127.0.0.1:9"  # the port that nothing listens on


def settings(database: str, **more: Any) -> Settings:
    """Return settings whose services are all served, so that nothing is started."""
    return read_settings(database_url=database, redis_url=f"redis://{NOWHERE}/0", model_url=f"http://{NOWHERE}", **more)


async def rows(given: Settings) -> dict[str, Finding]:
    """Return what the doctor finds, by name."""
    return {finding.name: finding for finding in await examine(given, say=lambda _: None)}


async def test_a_healthy_database_and_absent_luxuries(database: Database, postgres: Urls) -> None:
    """The database is ok and takes a row; a Redis and a model that are down are notes with their remedy."""
    found = await rows(settings(postgres.application))
    assert (found["database"].level, found["writes"].level) == ("ok", "ok")
    assert found["redis"].level == "note"
    assert "check VOCERO_REDIS_URL" in found["redis"].detail
    assert found["model"].level == "note"
    assert "quoted from the documents" in found["model"].detail
    with psycopg.connect(postgres.admin) as admin:
        assert admin.execute("select 1 from vocero.workspace where name like '%doctor%'").fetchone() is None


def elsewhere(urls: Urls) -> str:
    return urls.application.replace(urls.application.rpartition("@")[2].partition("/")[0], NOWHERE)


WRONG: dict[str, tuple[Callable[[Urls], str], str]] = {
    "address": (elsewhere, r"cannot be reached: check that PostgreSQL runs and that VOCERO_DATABASE_URL names it"),
    "password": (
        lambda u: u.application.replace(f":{PASSWORD}@", ":wrong@"),
        r"refused the (role or its )?password: correct VOCERO_DATABASE_URL",
    ),
    "database": (lambda u: u.application + "nope", r"does not exist: create it, then `vocero migrate`"),
    "words": (
        lambda _: "not an address",
        r"address cannot be read: write VOCERO_DATABASE_URL, .* as postgresql://ROLE",
    ),
    "scheme": (lambda u: u.application.replace("postgresql", "mysql"), r"address cannot be read"),
    "port": (lambda _: "postgresql://a:b@127.0.0.1:port/c", r"address cannot be read"),
    "sign": (lambda _: "postgresql://a:100%@127.0.0.1/c", r"address cannot be read"),
    "option": (lambda u: u.application + "?nonsense=1", r"address cannot be read"),
    "superuser": (lambda u: u.admin, r"is a superuser and would see every workspace: give .* a plain role"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_wrong_database_url(database: Database, postgres: Urls, what: str) -> None:
    """Address, password, name and role: each has its own sentence."""
    broken, sentence = WRONG[what]
    found = await rows(settings(broken(postgres)))
    assert found["database"].bad
    assert re.search(sentence, found["database"].detail), found["database"].detail
    assert "writes" not in found


async def test_an_empty_and_an_old_schema(postgres_server: Server) -> None:
    """Without tables, or with a migration missing, the remedy is `vocero migrate`."""
    urls = postgres_server.database()
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("create extension vector")
        assert "run `vocero migrate`" in (await rows(settings(urls.application)))["database"].detail
        await migrate(urls.admin, APPLICATION)
        admin.execute("delete from vocero.migration where name like '0009%'")
        assert "run `vocero migrate`" in (await rows(settings(urls.application)))["database"].detail


async def test_a_missing_extension(postgres_server: Server) -> None:
    """The sentence says who must do what."""
    found = await rows(settings(postgres_server.database().application))
    assert "an administrator run `create extension vector`, then `vocero migrate`" in found["database"].detail


BREAK = {
    "read-only": (
        "alter role {role} in database {name} set default_transaction_read_only = on",
        "alter role {role} in database {name} reset all",
        "read-only .a standby, or its disk is full.: point VOCERO_DATABASE_URL at the primary",
    ),
    "full": (
        "create function public.full_disk() returns trigger language plpgsql as $$ begin raise exception 'could not"
        " extend file' using errcode = 'disk_full'; end $$; create trigger full_disk before insert on vocero.workspace"
        " execute function public.full_disk()",
        "drop function public.full_disk() cascade",
        "disk is full: free space on it",
    ),
    "rights": (
        "revoke insert on vocero.workspace from {role}",
        "grant insert on vocero.workspace to {role}",
        "run `vocero migrate` as the owner to grant its rights",
    ),
}


@pytest.mark.parametrize("what", BREAK)
async def test_a_database_that_keeps_nothing(database: Database, postgres: Urls, what: str) -> None:
    """Read-only, full, or without rights: the trial row says so; afterwards it is well again."""
    spoil, mend, sentence = BREAK[what]
    words = {"role": APPLICATION, "name": postgres.admin.rpartition("/")[2]}
    with psycopg.connect(postgres.admin, autocommit=True) as admin:
        admin.execute(spoil.replace("{role}", words["role"]).replace("{name}", words["name"]))
        try:
            with pytest.raises(KnowledgeDown, match=sentence):
                await write_health(Ends(database=postgres.application))
        finally:
            admin.execute(mend.replace("{role}", words["role"]).replace("{name}", words["name"]))
    assert await write_health(Ends(database=postgres.application))


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A Slack of one's own."""
    async with FakeSlack() as fake:
        yield fake


def to_slack(fake: FakeSlack, bot: str = "xoxb-test", app: str = "xapp-test") -> Settings:
    return read_settings(SLACK_BOT_TOKEN=bot, SLACK_APP_TOKEN=app, SLACK_API_URL=fake.api_url)


async def test_slack_is_well(slack: FakeSlack) -> None:
    """Token, scopes, Socket Mode and clock, each in a sentence."""
    given = to_slack(slack)
    assert "the token is @" in await slack_setup.token_health(given)
    assert await slack_setup.scope_health(given) == "all that the features need"
    assert await slack_setup.socket_health(given) == "Socket Mode may be used"
    assert await slack_setup.clock_health(given) == "this machine's clock agrees with Slack's"


async def test_slack_is_not_well(slack: FakeSlack) -> None:
    """A wrong token, a revoked scope, a wrong app token and a wrong clock are named with their remedies."""
    with pytest.raises(BotError, match=r"SLACK_BOT_TOKEN is not accepted .*: copy it again, or reinstall the app"):
        await slack_setup.token_health(to_slack(slack, bot="nonsense"))
    with pytest.raises(BotError, match=r"SLACK_APP_TOKEN is not accepted .*with the scope connections:write"):
        await slack_setup.socket_health(to_slack(slack, app="nonsense"))
    slack.web.scopes.discard("files:read")
    with pytest.raises(UnavailableError, match=r"lacks files:read: .* then reinstall the app"):
        await slack_setup.scope_health(to_slack(slack))
    with pytest.raises(UnavailableError, match=r"12\d s ahead: switch time synchronisation .* on"):
        await slack_setup.clock_health(to_slack(slack), now=lambda: time.time() + 120.4)


async def test_one_app_for_many_workspaces_is_examined_too(
    postgres: Urls, database: Database, slack: FakeSlack
) -> None:
    """Where events come by HTTP a wrong clock refuses all of them, so it is looked at without any bot token."""
    given = {"slack_oauth": True, "slack_mode": "http", "SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "very"}
    given |= {"SLACK_SIGNING_SECRET": "sssh", "SLACK_API_URL": slack.api_url}
    found = await rows(settings(postgres.application, **given))
    assert "VOCERO_SECRET_KEYS is not set" in found["slack"].detail
    assert found["slack"].bad
    found = await rows(settings(postgres.application, secret_keys=Fernet.generate_key().decode(), **given))
    assert [found[name].level for name in ("slack", "sockets", "clock")] == ["ok"] * 3


async def test_discords_clock_is_asked(slack: FakeSlack) -> None:
    """Any answer of its address tells the time, even a refusal; nobody there is a sentence, too."""
    there = read_settings(DISCORD_BOT_TOKEN="x", DISCORD_API_URL=slack.api_url)
    assert await discord_setup.clock_health(there) == "this machine's clock agrees with Discord's"
    with pytest.raises(UnavailableError, match=r"9\d s behind: switch time synchronisation .* on"):
        await discord_setup.clock_health(there, now=lambda: time.time() - 90.4)
    with pytest.raises(UnavailableError, match="Discord cannot be reached at http"):
        await discord_setup.clock_health(read_settings(DISCORD_BOT_TOKEN="x", DISCORD_API_URL=f"http://{NOWHERE}"))
