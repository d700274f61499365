"""Addresses that end badly, on the command line: one sentence with reason and remedy each, and what was stays."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.conftest import Ran
from tests.infra.knowledge.bad_pages import BAD, ELSEWHERE, GOOD, served_aside, to_fetch
from tests.infra.knowledge.web import Site

pytestmark = pytest.mark.slow

Vocero = Callable[..., Ran]
SPACE = "bad-addresses"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site on loopback, which only this test may reach."""
    with served_aside() as site:
        monkeypatch.setattr("infra.knowledge.fetch.fetch", to_fetch(site))
        yield site


def test_what_an_address_answers_is_said_with_its_remedy_and_what_was_stays(vocero: Vocero, site: Site) -> None:
    """Learned once, then each page turns bad: the reason is told, and the version before still answers."""
    urls = {name: site.url(f"/{name}") for name in BAD}
    for name in BAD:
        site.pages[f"/{name}"] = GOOD
    learned = vocero("docs", "add", *urls.values(), "-w", SPACE, "--json")
    assert [row["state"] for row in learned.json] == ["indexed"] * len(BAD)
    for name, (page, _) in BAD.items():
        site.pages[f"/{name}"] = page
    ran = vocero("docs", "add", *urls.values(), *ELSEWHERE, "-w", SPACE, "--json")
    assert ran.code == 1
    told = {row["source"]: row for row in ran.json}
    wrong = []
    for name, (_, reason) in BAD.items():
        row = told[urls[name]]
        if (row["state"], row["chunks"]) != ("failed", 1) or not re.search(reason, row["reason"], re.IGNORECASE):
            wrong.append((name, row["state"], row["chunks"], row["reason"]))
    for url, reason in ELSEWHERE.items():
        row = told[url]
        if (row["state"], row["chunks"]) != ("failed", 0) or not re.search(reason, row["reason"], re.IGNORECASE):
            wrong.append((url, row["state"], row["chunks"], row["reason"]))
    assert not wrong, "\n".join(map(str, wrong))
    answer = vocero("ask", "When does the workshop open on weekdays?", "-w", SPACE, "--json").json
    assert "8:15" in answer["answer"]
    lines = vocero("docs", "refresh", urls["gone"], "-w", SPACE)
    assert (lines.code, lines.out) == (1, "")
    assert lines.err.count("\n") == 1
