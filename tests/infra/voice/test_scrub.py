"""Secrets and personal data planted in examples: none may be left to train on."""

import pytest

from core.examples import Example, to_passages
from infra.voice.dataset import clean
from infra.voice.scrub import KINDS, scrub

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
    "discord-token": "MTk4NjIyNDgzNDcxOTI1MjQ4" + ".Cl2FMQ." + "ZnCjm1XVW7vRze4b7Cq4se7kKWs",
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


def test_every_kind_is_planted():
    """No kind of the table goes unmeasured."""
    assert set(PLANTED) == set(KINDS)


def test_what_is_scrubbed_stays_as_it_is_when_scrubbed_again():
    """An exported file is cleaned once more when it is trained on: nothing changes, and nothing is counted."""
    for text in (*PLANTED.values(), "My name is Xun Zhao.", "Dr. Okonkwo called."):
        kept, _ = scrub(f"Please note {text} and go on.")
        assert scrub(kept) == (kept, {})


def test_nothing_is_left_anywhere_in_an_example():
    """Question, answer and passages are all cleaned, and the count says how much there was."""
    example = Example(id="x", question="Mail a.b@c.org?", answer="Yes, a.b@c.org or d@e.org.")
    cleaned, taken = clean([example])
    assert taken == {"email": 3}
    assert "@" not in cleaned[0].question + cleaned[0].answer


def test_titles_and_facts_are_cleaned_like_the_answer():
    """A passage's title stands in the prompt, and a fact in the export: neither keeps what the texts lose."""
    passages = to_passages([{"title": "Letter to a.b@c.org", "text": "Yes."}], "x")
    example = Example(id="x", question="Whom?", answer="a.b@c.org", facts=(("a.b@c.org",),), passages=passages)
    [cleaned], taken = clean([example])
    assert (cleaned.passages[0].title, cleaned.facts, cleaned.answer) == (
        "Letter to <email>",
        (("<email>",),),
        "<email>",
    )
    assert taken == {"email": 2}
