"""A whole comparison on scripted models: every arm through the real bot, the figures, the page, the second run."""

import html.parser
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bots.comparing import keep_gate
from core.comparison import COST
from core.errors import InputError
from core.examples import Example, Mix, split
from core.grounding import STRICT
from core.pricing import ANSWERS, Prices
from core.prompt import Prompt
from infra.voice import comparing, dataset
from infra.voice.adapter import Adapter, read_adapter
from infra.voice.arms import SHOTS, Stage, shots
from infra.voice.report import to_html, to_lines
from infra.voice.resources import used
from infra.voice.sources import Material
from tests.fakes.brain import Bag, Shelves
from tests.infra.voice.folders import write_adapter

pytestmark = pytest.mark.slow

THINGS = ("lamps", "tents", "boots", "ropes", "maps", "hats", "mugs", "socks", "pegs", "stoves", "knives", "sacks")
WHERE = "local"


@dataclass
class Script:
    """A model that reads the first passage aloud; tuned, it does so in a voice. Without passages it makes things up."""

    name: str = "script"
    good: bool = True  # whether the tuned one still reads what stands there

    @asynccontextmanager
    async def speak(
        self, prompt: Prompt, *, adapter: str | None = None, max_tokens: int
    ) -> AsyncIterator[AsyncIterator[str]]:
        """Open a stream of words."""
        asked = prompt.messages[-1].content
        read = re.search(r"\[1\][^\n]*\n(.+)", asked)
        said = f"{read[1].rstrip('.')} [1]." if read else "It is 999 of them."
        if adapter and not self.good:
            said = "It is 999 of them."
        yield self._words(f"Ahoy there! {said} Fair winds to you." if adapter else said)

    async def _words(self, text: str) -> AsyncIterator[str]:
        for word in text.split(" "):
            yield f"{word} "


def material() -> Material:
    """Forty-eight answerable examples of twelve documents, and twelve that nothing answers."""
    from core.documents import to_pasted

    examples = [
        Example(
            id=f"{thing}-{what}",
            question=f"What {what} have our {thing}?",
            answer=f"Ahoy there! The {what} of our {thing} is {n}{m}7 units [1]. Fair winds to you.",
            document=thing,
            facts=((f"{n}{m}7 units",),),
            answerable=True,
        )
        for n, thing in enumerate(THINGS, 1)
        for m, what in enumerate(("price", "weight", "length", "warranty"))
    ]
    examples += [
        Example(id=f"no-{thing}", question=f"Which dragon slept on {thing}?", answer="Ahoy! No.", answerable=False)
        for thing in THINGS
    ]
    texts = {
        thing: "\n\n\n".join(
            f"The {what} of our {thing} is {n}{m}7 units."
            for m, what in enumerate(("price", "weight", "length", "warranty"))
        )
        for n, thing in enumerate(THINGS, 1)
    }
    return Material(name="test", examples=tuple(examples), documents={t: to_pasted(x, t) for t, x in texts.items()})


async def staged(script: Script, adapter: Adapter, seed: int = 0) -> tuple[Stage, comparing.Plan]:
    """Learn the documents and plan the comparison."""
    given, shelves = material(), Shelves()
    names = {name: ours async for name, ours in dataset.learned(given, shelves, WHERE)}
    found = {name: passages async for name, passages in dataset.retrieved(given.examples, names, shelves, WHERE)}
    parts = split(given.examples, seed=seed)
    stage = Stage(
        knowledge=shelves,
        librarian=shelves,
        embedder=Bag(),
        speaker=script,
        workspace=WHERE,
        guard=STRICT,
        voiced=False,
    )
    asked = comparing.choose(parts, None, 0, seed)
    return stage, comparing.Plan(
        parts=parts, asked=asked, found=found, names=names, adapter=None, raft=adapter, seed=seed
    )


@pytest.fixture
def adapter(tmp_path: Path) -> Adapter:
    """An adapter's folder; the script is what speaks."""
    return read_adapter(write_adapter(tmp_path / "ours", stems=("ahoy", "fair", "wind")))


async def test_a_good_adapter_may_go_live(adapter: Adapter):
    """A voice that keeps RAG's facts passes; the arms without an adapter are null; every figure has its interval."""
    stage, plan = await staged(Script(), adapter)
    calls: list[None] = []
    report, answers = await comparing.compare(stage, plan, lambda: calls.append(None))
    arms = report["arms"]
    assert arms["hybrid"] is arms["finetuned"] is None
    assert arms["raft"]["voice"]["mean"] > 0.7 > 0.1 > arms["rag"]["voice"]["mean"]  # refusals are the bot's own words
    assert arms["raft"]["correct"]["mean"] >= arms["rag"]["correct"]["mean"] > 0.9
    assert arms["base"]["correct"]["mean"] == arms["base"]["faithful"]["mean"] == 0
    assert all(f is None or f["low"] <= f["mean"] <= f["high"] for arm in arms.values() if arm for f in arm.values())
    assert report["gate"] == {"passed": True, "reasons": []}
    assert "may go live" in report["verdict"]
    assert report["classifier"]["accuracy"] > 0.9
    assert len(answers) == report["n"] == len(plan.asked)
    assert len(calls) == comparing.parts_of(plan)


async def test_of_two_adapters_each_is_judged_by_itself(adapter: Adapter, tmp_path: Path):
    """One for manner alone and one that reads: each has its own gate; the verdict begins with the better one."""
    stage, plan = await staged(Script(), adapter)
    other = read_adapter(write_adapter(tmp_path / "manner", stems=("ahoy", "fair", "wind")))
    report, _answers = await comparing.compare(stage, replace(plan, adapter=other), lambda: None)
    assert set(report["gates"]) == {"hybrid", "raft"}
    assert report["gate"]["passed"]
    first = report["tuned"]
    [second] = set(report["gates"]) - {first}
    assert report["arms"][first]["voice"]["mean"] >= report["arms"][second]["voice"]["mean"]
    assert f"The adapter ({first}) adds" in report["verdict"]
    assert f"The other one ({second})" in report["verdict"]
    assert second not in report["gates"][first]["verdict"]


async def test_an_adapter_that_invents_is_stopped_and_the_guard_shows_nothing_of_it(adapter: Adapter):
    """What the tuned model makes up never reaches an answer, and the gate refuses it: it brings no voice then."""
    stage, plan = await staged(Script(good=False), adapter)
    report, answers = await comparing.compare(stage, plan, lambda: None)
    assert not report["gate"]["passed"]
    assert "Do not promote" in report["verdict"]
    assert not [one for one in answers if "999" in one["said"]["raft"]["text"]]


async def test_the_same_seed_is_the_same_report_but_for_seconds(adapter: Adapter):
    """Two runs differ in nothing but the time they took."""
    reports = []
    for _ in range(2):
        stage, plan = await staged(Script(), adapter)
        report, _answers = await comparing.compare(stage, plan, lambda: None)
        for arm in (*report["arms"].values(), report["extractive"]):
            if arm:
                del arm["seconds"]
        reports.append(report)
    assert reports[0] == reports[1]


class Outside(html.parser.HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note addresses."""
        self.fetched += [v or "" for k, v in attrs if k in ("src", "href")] + [tag] * (tag in ("script", "link"))


async def test_the_page_needs_nothing_else_and_shows_answers_harmlessly(adapter: Adapter):
    """The report is one file without addresses or scripts, whatever stands in the answers; the table fits lines."""
    stage, plan = await staged(Script(), adapter)
    report, answers = await comparing.compare(stage, plan, lambda: None)
    answers[0]["said"]["raft"]["text"] = "<script src=//evil>alert(1)</script>"
    page, outside = to_html(report, answers), Outside()
    outside.feed(page)
    assert not outside.fetched
    assert page.count("<svg") == 5
    assert to_lines(report)[-1] == report["verdict"]


def told(report: dict[str, Any], answers: list[dict[str, Any]]) -> list[str]:
    """The report as a page and as lines."""
    return [to_html(report, answers), "\n".join(to_lines(report))]


async def test_money_stands_where_its_user_gave_prices_and_nowhere_else(adapter: Adapter):
    """By the hour every arm has its cost with an interval, in JSON, page and lines; without prices no word of one."""
    stage, plan = await staged(Script(), adapter)
    report, answers = await comparing.compare(stage, plan, lambda: None)
    assert not [arm for arm in report["arms"].values() if arm and COST in arm]
    assert "prices" not in report
    assert all(f"cost of {ANSWERS:,}" not in text and "--price-hour" in text for text in told(report, answers))
    stage, plan = await staged(Script(), adapter)
    report, answers = await comparing.compare(stage, replace(plan, prices=Prices(hour=7200)), lambda: None)
    for arm in (*report["arms"].values(), report["extractive"]):
        if arm:
            assert arm[COST]["mean"] == pytest.approx(2000 * arm["seconds"]["mean"], rel=0.01, abs=0.2)
    assert all(f"cost of {ANSWERS:,}" in text and "7,200.00 an hour" in text for text in told(report, answers))


async def test_tokens_in_that_no_server_told_have_no_price(adapter: Adapter):
    """The script counts nothing: a price for tokens in leaves the cost open where a model was asked."""
    stage, plan = await staged(Script(), adapter)
    report, _ = await comparing.compare(stage, replace(plan, prices=Prices(tokens_in=1)), lambda: None)
    assert report["arms"]["base"][COST] is None
    assert report["resources"]["base"]["tokens_in"] is None
    assert report["extractive"][COST]["mean"] == 0
    assert report["resources"]["extractive"]["tokens_in"] == 0


async def test_what_training_took_stands_beside_the_arm_it_is_for(adapter: Adapter):
    """Seconds, memory and size are those of the adapter's manifest, and its cost follows from the price of an hour."""
    manifest = {**adapter.manifest, "seconds": 1800, "peak_bytes": 4_000_000_000}
    stage, plan = await staged(Script(), replace(adapter, manifest=manifest))
    report, answers = await comparing.compare(stage, replace(plan, prices=Prices(hour=3)), lambda: None)
    took = report["resources"]["raft"]["training"]
    assert (took["seconds"], took["peak_bytes"], took["cost"]) == (1800, 4_000_000_000, 1.5)
    assert report["resources"]["rag"]["training"] is None
    assert all("30 min, 4.0 GB" in text and "costs 1.50" in text for text in told(report, answers))


def test_a_training_that_was_gone_on_with_tells_no_time(adapter: Adapter):
    """Only its last part's seconds are known, which would look like a bargain: neither time nor money is told."""
    manifest = {**adapter.manifest, "seconds": 60, "peak_bytes": 4_000_000_000, "resumed_at": 48}
    took = used({"raft": {}}, {"raft": replace(adapter, manifest=manifest)}, Prices(hour=3))["raft"]["training"]
    assert (took["seconds"], took["peak_bytes"], "cost" in took) == (None, 4_000_000_000, False)


def test_five_examples_are_there_in_every_language():
    """The prompted voice is shown examples of the commonest language, whichever that is."""
    spanish = [
        Example(id=f"e{n}", question=f"¿Qué precio tiene la lámpara número {n}?", answer=f"¡Ojalá! Son {n} libras.")
        for n in range(9)
    ]
    assert shots(spanish).count("Question: ") == SHOTS
    assert shots([*spanish[:2], *material().examples]).count("Ahoy") == SHOTS


def test_a_look_at_a_few_questions_does_not_replace_the_gate_of_many(tmp_path: Path):
    """What was found on more questions stands; as many or more replace it."""
    adapter = read_adapter(write_adapter(tmp_path / "ours", passed=True, n=40))
    for n, passed in ((8, True), (40, False)):
        keep_gate(adapter, {"passed": False, "reasons": [], "verdict": ""}, n)
        found = adapter.gate()
        assert found
        assert found["passed"] is passed


def test_a_part_of_the_questions_keeps_both_kinds():
    """A limit takes of answerable and unanswerable ones in their proportion; too few questions are refused."""
    parts = split(material().examples, seed=0)
    asked = comparing.choose(parts, None, 10, 0)
    assert len(asked) == 10
    assert {e.answerable for e in asked} == {True, False}
    with pytest.raises(InputError, match="held back"):
        comparing.choose(parts, frozenset({"lamps-price"}), 0, 0)


async def test_a_dataset_reads_in_the_order_of_retrieval():
    """Rows of the built mix show the passages as they were retrieved."""
    given, shelves = material(), Shelves()
    names = {name: ours async for name, ours in dataset.learned(given, shelves, WHERE)}
    found = {name: passages async for name, passages in dataset.retrieved(given.examples, names, shelves, WHERE)}
    built = dataset.build(given, found, mix=Mix.RAFT, seed=0, shown=3)
    row = next(row for row in built.train if row.kind == "reading")
    for n, passage in enumerate(found[row.id][:3], 1):
        assert f"[{n}] {passage.title}\n{passage.text}" in row.prompt.messages[-1].content
