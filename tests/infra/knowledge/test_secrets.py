"""Keys and passwords stay out: each maker's look is known, ordinary words pass, overriding is noted."""

import base64
import json

import pytest
from psycopg import AsyncConnection

from core.documents import Place, Source, State
from infra.knowledge.readers.parsed import Section
from infra.knowledge.secrets import SecretFound, refuse_secrets, secrets_in
from infra.postgres.pool import Database
from tests.infra.knowledge.teaching import Company
from tests.postgres import Urls

# Put together here, so that no scanner takes this file for a leak.
RANDOM = "8Kq2vXz7RtLw4NbYd9FmHc3JpGs6TaQeUi1"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
JWT = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": "1", "name": "Ann"})
)
PLANTED = [
    ("an AWS access key", "AK" + "IAQ7XN2VRTLW4NBYD9"),
    ("an AWS secret key", f"aws_secret_access_key = {RANDOM}aB/3z"),
    ("a GitHub token", "token ghp" + f"_{RANDOM}a1"),
    ("a GitHub token", "github" + f"_pat_11ABCDE0Y0{RANDOM}_{RANDOM}"),
    ("a GitLab token", "glpat" + "-x7Yz_Kq2vXz7RtLw4NbZ"),
    ("a Slack token", "xoxb" + f"-2094823-2093842-{RANDOM}"),
    ("a Slack token", "xapp" + f"-1-A0123-987-{HEX}"),
    ("a Slack webhook", "https://hooks.slack.com/" + f"services/T0123/B0456/{RANDOM[:24]}"),
    ("a Discord token", "MTk4NjIyNDgzNDcxOTI1MjQ4" + ".Cl2FMQ." + "ZnCjm1XVW7vRze4b7Cq4se7kKWs"),
    ("a Discord webhook", f"https://discord.com/api/webhooks/123456789012345678/{RANDOM}{RANDOM}"),
    ("a Stripe key", "sk" + f"_live_{RANDOM}"),
    ("a Google API key", "AI" + f"za{RANDOM}"),
    ("a Google OAuth secret", "GOC" + f"SPX-{RANDOM[:28]}"),
    ("an OpenAI key", "sk" + f"-proj-{RANDOM}{RANDOM}"),
    ("an Anthropic key", "sk" + f"-ant-api03-{RANDOM}"),
    ("a Hugging Face token", "hf" + f"_{RANDOM.replace('_', 'x')[:34]}"),
    ("an npm token", "npm" + f"_{RANDOM}a"),
    ("a PyPI token", "pypi" + f"-AgEIcHlwaS5vcmc{RANDOM}{RANDOM}"),
    ("a SendGrid key", "SG" + f".{RANDOM[:22]}.{RANDOM}{RANDOM[:8]}"),
    ("a Twilio key", "SK" + HEX[:32]),
    ("a Mailgun key", "key" + f"-{HEX[:32]}"),
    ("a Telegram token", f"123456789:AA{RANDOM[:33]}"),
    ("a Shopify token", "shpat" + f"_{HEX[:32]}"),
    ("a DigitalOcean token", "dop" + f"_v1_{HEX}"),
    ("a Databricks token", "dapi" + HEX[:32]),
    ("a Vault token", "hvs" + f".{RANDOM}"),
    ("an Azure key", f"DefaultEndpointsProtocol=https;AccountKey={RANDOM}{RANDOM}==;"),
    ("a private key", "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE"),
    ("a private key", "-----BEGIN OPENSSH " + "PRIVATE KEY-----"),
    ("a JSON Web Token", f"{JWT}.{RANDOM}"),
    ("a bearer token", f"curl -H 'Authorization: Bearer {RANDOM}'"),
    ("a password in an address", "postgresql://vocero:Tulip" + "4711@db.internal/vocero"),
    ("a password", "DB_PASSWORD=Tulip" + "4711!"),
    ("a password", "password: 'correct" + "-horse-9'"),
    ("a password", "| Wi-Fi password | Tulip" + "4711 |"),
    ("a password", '{"client_secret": "' + f'{HEX[:20]}"}}'),
    ("a password", "API key: " + RANDOM),
]
HARMLESS = [
    "The harvest festival password is kept in the safe.",
    "Reset your password: open Settings, then Security.",
    "password = os.environ['DB_PASSWORD']",
    "password: settings.database.password2",
    'api_key="YOUR_API_KEY_HERE_123"',
    "PASSWORD=changeme123",
    "secret: ${VAULT_SECRET_1}",
    "token: <your-token-2>",
    "postgresql://user:password@localhost/db",
    "postgresql://vocero:${PASSWORD}@db/vocero",
    "https://x.example:8443/a@b",
    "AKIAXXXXXXXXXXXXXXXX",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "The key-value store keeps 32 entries; the monkey is 9f86d081.",
    "eyJhbGciOi.eyJub3RoaW5n.signature",
    f"sha256: {HEX}",
    "git commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "sk-learn-is-a-library-for-machine-learning-in-python",
    "The secret: bake the bread twice.",
    "Order number SK12345678, key 4 on the ring.",
    "-----BEGIN PUBLIC KEY-----",
    "Authorization: Bearer <token>",
]


@pytest.mark.parametrize(("kind", "text"), PLANTED)
def test_a_planted_secret_is_found_by_its_look(kind: str, text: str) -> None:
    """Amid ordinary words, and named by what it is."""
    assert kind in list(secrets_in(f"Dear all,\n\nhere it is: \n{text}\n\nRegards"))


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_words_and_placeholders_are_no_secrets(text: str) -> None:
    """Documentation speaks of passwords without telling any."""
    assert list(secrets_in(text)) == []


def test_the_reason_names_the_kind_and_the_place_and_never_the_secret() -> None:
    """So that an admin finds it, and no log or chat repeats it."""
    _, secret = PLANTED[0]
    with pytest.raises(SecretFound) as caught:
        refuse_secrets([Section(anchor="page=3", markdown=f"Use {secret}.")])
    assert str(caught.value).startswith("secret found (an AWS access key at page=3): take it out, or add")
    assert secret not in str(caught.value)


async def test_a_document_with_a_secret_fails_until_an_admin_allows_it(database: Database, postgres: Urls) -> None:
    """What was live stays live, nothing of the secret is stored, and the override is in the audit."""
    company = Company(database)
    await company.teach("a.md", "The old words.")
    secret = PLANTED[0][1]
    source, place = Source(name="a.md", content=f"Use {secret}.".encode()), Place(workspace=company.workspace)
    for submitted in (False, True):
        if submitted:
            queued = await company.librarian.submit(source, place)
            learned = await company.librarian.work(company.workspace, queued.document)
        else:
            learned = await company.librarian.learn(source, place)
        assert learned is not None
        assert (learned.state, "secret found" in learned.reason) == (State.FAILED, True)
    for table in ("pending", "data_chunk", "document", "audit"):
        async with await AsyncConnection.connect(postgres.admin) as admin:
            held = await admin.execute(f"select 1 from vocero.{table} t where t::text like %s", (f"%{secret}%",))
            assert await held.fetchall() == [], table
    assert (await company.librarian.document(company.workspace, "a.md"))[1][0].text == "The old words."
    allowed = await company.librarian.learn(source, place, by="test/U1", allow_secrets=True)
    assert allowed.state is State.INDEXED
    async with database.reading(company.workspace) as connection:
        noted = await connection.execute("select person, object from vocero.audit where action = 'allow secrets'")
        assert await noted.fetchall() == [("test/U1", allowed.document)]


@pytest.mark.timeout(10)
def test_no_pattern_runs_away() -> None:
    """Text made to slow the patterns down is looked through in moments."""
    for text in ("password" * 40_000, "a://" * 60_000, "eyJ" + "a" * 300_000, "aws secret " * 30_000, "=" * 300_000):
        list(secrets_in(text))
