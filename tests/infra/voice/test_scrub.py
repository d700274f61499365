"""Secrets and personal data planted in examples: none may be left to train on."""

import pytest

from core.examples import Example
from infra.voice.dataset import clean
from infra.voice.scrub import scrub

PLANTED = {
    "private-key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "aws-key": "AKIA" + "IOSFODNN7EXAMPLE",
    "github-token": "ghp_" + "a1B2" * 9,
    "slack-token": "xoxb-" + "123456789012-abcdefABCDEF",
    "slack-webhook": "https://hooks.slack.com/services/T0/B0/xyz",
    "google-key": "AIza" + "Sy" + "a" * 33,
    "hub-token": "hf_" + "abcdefghij" * 3 + "abcd",
    "api-key": "sk-proj-" + "Ab1" * 10,
    "jwt": "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeKKF2QT4",
    "url-password": "postgres://app:s3cret@db/x",
    "password": "the password is hunter42",
    "email": "maria.lopez@example.org",
    "iban": "GB29 NWBK 6016 1331 9268 19",
    "card": "4111 1111 1111 1111",
    "ssn": "078-05-1120",
    "ip": "10.20.30.40",
    "phone": "+44 20 7946 0958",
    "person": "<@U02ABCDEF>",
}


@pytest.mark.parametrize(("kind", "text"), PLANTED.items(), ids=list(PLANTED))
def test_every_planted_secret_is_taken_out(kind: str, text: str):
    """Each kind is found in the middle of a sentence and leaves its placeholder."""
    kept, found = scrub(f"Please note {text} and go on.")
    assert found == {kind: 1}
    assert f"<{kind}>" in kept
    assert kept.endswith("and go on.")


@pytest.mark.parametrize(
    "text",
    [
        "A week with the Wren 4 costs £165 [1].",
        "Ring 01632 960 184 from 8:00 to 19:00.",
        "Order 4111 1111 1111 1112 is no card, and 999.20.30.40 is no address.",
        "The password is required.",
        "Version 1.2.3 of 2026-11-20; model WF-2201-B.",
    ],
)
def test_what_is_no_secret_stays(text: str):
    """Prices, times, part numbers and what fails its checksum are left alone."""
    assert scrub(text)[0] == text


def test_nothing_is_left_anywhere_in_an_example():
    """Question, answer and passages are all cleaned, and the count says how much there was."""
    example = Example(id="x", question="Mail a.b@c.org?", answer="Yes, a.b@c.org or d@e.org.")
    cleaned, taken = clean([example])
    assert taken == {"email": 3}
    assert "@" not in cleaned[0].question + cleaned[0].answer
