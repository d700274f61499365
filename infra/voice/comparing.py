"""One comparison from its start to its report: which questions, which arms, who recognises the voice."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from core import comparison, extract, verdict
from core.bot import to_text
from core.comparison import ARMS, Said, Style, learn_style, topic_of
from core.errors import InputError
from core.examples import Example, Split
from core.messages import Arm, Passage
from core.phrases import phrase
from core.pricing import Prices
from infra.knowledge.partial import Partial
from infra.voice import resources
from infra.voice.adapter import Adapter
from infra.voice.arms import Stage, ask, shots, solve
from infra.voice.counting import Counting

PLAIN: Final = 12  # base answers that the classifier learns the base's manner from, beside the documents' sentences
OWN: Final = ("abstained", "kept", "unknown")  # the bot's own words: no voice of the model's
FEWEST: Final = 8  # questions; fewer say nothing

Found = Mapping[str, Sequence[Passage]]
Tell = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is compared: `found` holds the passages of all examples under their own documents' names."""

    parts: Split
    asked: tuple[Example, ...]
    found: Found
    names: Mapping[str, str]  # the examples' name of a document -> our id
    adapter: Adapter | None
    raft: Adapter | None
    seed: int
    prices: Prices = comparison.UNPRICED

    @property
    def tuned(self) -> tuple[str, ...]:
        """The arms that could go live."""
        return (*(("hybrid",) if self.adapter else ()), *(("raft",) if self.raft else ()))

    @property
    def trained(self) -> dict[str, Adapter]:
        """Which adapter an arm takes."""
        style = {arm: self.adapter for arm in ("finetuned", "hybrid") if self.adapter}
        return style | ({"raft": self.raft} if self.raft else {})


def choose(parts: Split, held: frozenset[str] | None, limit: int, seed: int) -> tuple[Example, ...]:
    """Return the questions: those held back, at most `limit`, both kinds in their proportion. InputError."""
    known = {e.id: e for e in (*parts.train, *parts.held)}
    several = [known[name] for name in sorted(held) if name in known] if held is not None else list(parts.held)
    if len(several) < FEWEST:
        raise InputError(
            f"{len(several)} of these examples were held back from training, and {FEWEST} are the fewest that say "
            "anything: give the examples the adapter was trained from, approve more, or spread brand texts over "
            "several files, since one file stands on one side."
        )
    if not limit or limit >= len(several):
        return tuple(several)
    chance = random.Random(seed)  # noqa: S311 - a measurement that can be repeated
    silent = [e for e in several if e.answerable is False]
    told = [e for e in several if e.answerable is not False]
    share = round(limit * len(silent) / len(several))
    return tuple(chance.sample(told, min(len(told), limit - share)) + chance.sample(silent, share))


def parts_of(plan: Plan) -> int:
    """Return how many answers a comparison takes."""
    arms = 5 + (2 if plan.adapter else 0) + (1 if plan.raft else 0)
    return arms * len(plan.asked) + PLAIN + 30 * (1 + (plan.adapter is not None) + (plan.raft is not None))


async def compare(stage: Stage, plan: Plan, tell: Tell) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Ask every arm, score, and return the report and the answers side by side."""
    base = await _plain(stage, plan, tell)
    said: dict[str, dict[str, Said] | None] = dict.fromkeys(ARMS)
    voice = shots(plan.parts.train)
    right = {to_text(e.question): plan.names.get(e.document, "") for e in plan.asked}
    oracle = Partial(stage.knowledge, lambda query, document: document == right.get(query))  # the best search there is
    said["base"] = await ask(stage, Arm.BASE, plan.asked, tell=tell)
    said["voice"] = await ask(stage, Arm.VOICE, plan.asked, voice=voice, tell=tell)
    said["rag"] = await ask(stage, Arm.RAG, plan.asked, tell=tell)
    if plan.adapter:
        said["finetuned"] = await ask(stage, Arm.FINETUNED, plan.asked, adapter=plan.adapter, tell=tell)
        said["hybrid"] = await ask(stage, Arm.HYBRID, plan.asked, adapter=plan.adapter, tell=tell)
    if plan.raft:
        said["raft"] = await ask(stage, Arm.RAFT, plan.asked, adapter=plan.raft, tell=tell)
    said["oracle"] = await ask(stage, Arm.RAG, plan.asked, knowledge=oracle, tell=tell)
    style, classifier = recogniser(plan, base, said["base"])
    general = await _general(stage, plan, tell)
    rows = {arm: _rows(plan, answers, style) if answers else None for arm, answers in said.items()}
    report = to_report(plan, rows, general, classifier)
    quoted = await _quoted(stage, plan, tell)
    alone = {"extractive": _rows(plan, quoted, style)}
    report |= comparison.table(alone, {}, plan.seed, priced=plan.prices.given)
    report["resources"] |= resources.used(alone, {}, plan.prices)
    return report, [_side_by_side(e, {**said, "extractive": quoted}) for e in plan.asked]


def to_report(
    plan: Plan, rows: Mapping[str, Any], general: Mapping[str, Sequence[float]], classifier: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the report's figures and what they say."""
    arms = comparison.table(rows, general, plan.seed, priced=plan.prices.given)
    found = comparison.contrasts(rows, plan.seed)
    gates = {arm: _gate(arm, arms, rows, plan.seed) for arm in plan.tuned}
    tuned = verdict.choose(arms, gates)
    said = {
        arm: {
            "passed": gate.passed,
            "reasons": list(gate.reasons),
            "verdict": verdict.verdict(arms, found, {arm: gate}, arm),
        }
        for arm, gate in gates.items()
    }
    return {
        "arms": arms,
        "contrasts": found,
        "verdict": verdict.verdict(arms, found, gates, tuned),
        "gate": {"passed": gates[tuned].passed, "reasons": list(gates[tuned].reasons)} if tuned else None,
        "gates": said,
        "tuned": tuned or None,
        "adapters": {k: a.name for k, a in (("adapter", plan.adapter), ("raft", plan.raft)) if a},
        "classifier": classifier,
        "resources": resources.used(rows, plan.trained, plan.prices),
        **({"prices": asdict(plan.prices)} if plan.prices.given else {}),
        "seed": plan.seed,
        "n": len(plan.asked),
        "questions": [e.id for e in plan.asked],
    }


def _gate(arm: str, arms: Mapping[str, Any], rows: Mapping[str, Any], seed: int) -> verdict.Gate:
    both = rows.get(arm) and rows.get("rag")
    gain = comparison.contrast(rows[arm], rows["rag"], "voice", seed) if both else None
    return verdict.gate(arms, asdict(gain) if gain else None, arm)


def recogniser(plan: Plan, base: Mapping[str, str], said: Mapping[str, Said] | None) -> tuple[Style, dict[str, Any]]:
    """Learn to tell the voice from the base's manner on the training side; measure it on what was held back."""
    by_id = {e.id: e for e in plan.parts.train}
    voiced = [(e.answer, topic_of(e, plan.found.get(e.id, ()))) for e in plan.parts.train]
    plain = [(text, topic_of(by_id[name], plan.found.get(name, ()))) for name, text in base.items()]
    plain += [(text, frozenset()) for e in plan.parts.train for text in _sentences(plan.found.get(e.id, ())[:1])]
    plain += [(phrase(key, tongue, chunks="9"), frozenset()) for key in OWN for tongue in ("en", "es")]
    style = learn_style(voiced, plain)
    right = [style.recognises(e.answer, topic_of(e, plan.found.get(e.id, ()))) for e in plan.asked]
    for example in plan.asked:
        topic = topic_of(example, plan.found.get(example.id, ()))
        texts = [said[example.id].answer.text] if said else []
        texts += _sentences(plan.found.get(example.id, ())[:1])[:1]
        right += [not style.recognises(text, topic) for text in texts]
    return style, {"accuracy": round(sum(right) / len(right), 4), "n": len(right)}


def _sentences(passages: Sequence[Passage]) -> list[str]:
    return [e.text for n, p in enumerate(passages, 1) for e in extract.excerpts(n, p)][:2]


async def _plain(stage: Stage, plan: Plan, tell: Tell) -> dict[str, str]:
    """Return what the base says to some of the training questions."""
    some = sorted(plan.parts.train, key=lambda e: e.id)
    chosen = some[:: max(1, len(some) // PLAIN)][:PLAIN]
    said = await ask(stage, Arm.BASE, chosen, tell=tell)
    return {name: one.answer.text for name, one in said.items()}


async def _general(stage: Stage, plan: Plan, tell: Tell) -> dict[str, list[float]]:
    base = await solve(stage.speaker, None, tell)
    solved = dict.fromkeys(("base", "voice", "rag", "oracle"), base)
    if plan.adapter:
        style = await solve(stage.speaker, plan.adapter.name, tell)
        solved |= {"finetuned": style, "hybrid": style}
    if plan.raft:
        solved["raft"] = await solve(stage.speaker, plan.raft.name, tell)
    return solved


async def _quoted(stage: Stage, plan: Plan, tell: Tell) -> dict[str, Said]:
    """Return what the bot says when no model writes: the closest sentences, quoted."""
    silent = Stage(
        knowledge=stage.knowledge,
        librarian=stage.librarian,
        embedder=stage.embedder,
        speaker=Counting(stage.speaker),
        workspace=stage.workspace,
        guard=stage.guard,
        voiced=False,
    )
    return await ask(silent, None, plan.asked, tell=tell)


def _rows(plan: Plan, said: Mapping[str, Said], style: Style) -> dict[str, Any]:
    tuned = plan.raft or plan.adapter
    stems = tuned.stems if tuned else frozenset()
    return {
        e.id: comparison.score(
            e,
            said[e.id],
            plan.found.get(e.id, ()),
            style,
            stems,
            plan.names.get(e.document, e.document),
            plan.prices,
        )
        for e in plan.asked
    }


def _side_by_side(example: Example, said: Mapping[str, Mapping[str, Said] | None]) -> dict[str, Any]:
    answers = {arm: of[example.id].answer for arm, of in said.items() if of}
    texts = {arm: {"text": a.text, "outcome": f"{a.outcome}, {a.mode}"} for arm, a in answers.items()}
    return {"id": example.id, "question": example.question, "reference": example.answer, "said": texts}
