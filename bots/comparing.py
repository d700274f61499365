"""What `vocero voice compare` does: all ways of answering asked, the report written, two judges heard if there are."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from bots.voicing import Say, Show, base_file, shelved, token_of
from core.comparison import UNPRICED
from core.errors import InputError
from core.examples import Split, split
from core.grounding import SERVED, STRICT
from core.pricing import Prices
from infra.settings import Settings, read_settings
from infra.voice import adapter as trained
from infra.voice import dataset, sources
from infra.voice.adapter import Adapter, read_adapter
from infra.voice.counting import Meter
from infra.voice.judges import Judge, judge, pairs_of, to_judges

PATIENCE: Final = 300.0  # seconds for one answer of a measurement: a busy machine must not change what is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be compared, and how."""

    examples: str
    adapter: Path | None = None
    raft_adapter: Path | None = None
    out: Path | None = None
    seed: int = 0
    limit: int = 0
    prices: Prices = UNPRICED
    judges: tuple[str, ...] = ()  # URL=MODEL each


async def compare(asked: Asked, *, say: Say, show: Show) -> dict[str, Any]:
    """Ask all arms on what was held back; write the report, and what the gate says beside the adapter."""
    material, settings = sources.read(asked.examples), read_settings()
    judges = to_judges(asked.judges, [key.get_secret_value() for key in settings.judge_tokens])
    style, raft = (read_adapter(f) if f else None for f in (asked.adapter, asked.raft_adapter))
    by_arm = {arm: one for arm, one in (("hybrid", style), ("raft", raft)) if one}
    base = base_file(settings) if not settings.model_url else None
    for one in by_arm.values():
        if base:
            trained.check_base(one, trained.digest(base))
    report, answers = await _measured(asked, material, settings, base, style, raft, say=say, show=show)
    _write(report, answers, asked.out, by_arm)
    if judges:  # what was measured is written by now, whatever becomes of the judges
        report["judges"] = await _judged(judges, answers, asked.seed, say=say, show=show)
        _write(report, answers, asked.out, by_arm)
    return report


async def _measured(
    asked: Asked,
    material: sources.Material,
    settings: Settings,
    base: Path | None,
    style: Adapter | None,
    raft: Adapter | None,
    *,
    say: Say,
    show: Show,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from infra.voice import comparing
    from infra.voice.arms import Stage

    adapters = [one for one in (style, raft) if one]
    held = frozenset.intersection(*(a.held_back for a in adapters)) if adapters else None
    parts = split(dataset.clean(material.examples)[0], seed=asked.seed)
    questions = comparing.choose(parts, held, asked.limit, asked.seed)
    meter = Meter()
    async with AsyncExitStack() as stack:
        speaker = await stack.enter_async_context(_speaking(settings, base, adapters, meter))
        shelf = shelved(material, settings, say=say, show=show)
        vocero, found, names, workspace = await stack.enter_async_context(shelf)
        served = bool(settings.model_url or settings.model_file)
        stage = Stage(
            knowledge=vocero.knowledge,
            librarian=vocero.librarian,
            embedder=vocero.embedder,
            speaker=speaker,
            workspace=workspace,
            guard=SERVED if served else STRICT,
            voiced=served,
            meter=meter,
        )
        plan = comparing.Plan(
            parts=_unseen(parts, held),
            asked=questions,
            found=found,
            names=names,
            adapter=style,
            raft=raft,
            seed=asked.seed,
            prices=asked.prices,
        )
        return await comparing.compare(stage, plan, counted("asking", comparing.parts_of(plan) + len(questions), show))


def _unseen(parts: Split, held: frozenset[str] | None) -> Split:
    return replace(parts, train=tuple(e for e in parts.train if held is None or e.id not in held))


def counted(what: str, most: int, show: Show) -> Any:
    """Return what to call after each step of so many."""
    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        show(what, done, most, {})

    return tell


async def _judged(
    judges: tuple[Judge, ...], answers: list[dict[str, Any]], seed: int, *, say: Say, show: Show
) -> dict[str, Any]:
    most = len(judges) * len(pairs_of(answers)[0])
    say(f"what was measured is done; {' and '.join(one.name for one in judges)} judge {most} pairs in both orders")
    return await judge(judges, answers, seed, counted("judging", most, show))


def _write(
    report: dict[str, Any], answers: list[dict[str, Any]], out: Path | None, adapters: Mapping[str, Adapter]
) -> None:
    from infra.voice.report import to_html

    try:
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            (out / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            (out / "report.html").write_text(to_html(report, answers), encoding="utf-8")
        for arm, adapter in adapters.items():
            keep_gate(adapter, report["gates"][arm], report["n"])
    except OSError as error:
        raise InputError(f"The report cannot be written ({error.strerror}): name another --out.") from error


def keep_gate(adapter: Adapter, said: Mapping[str, Any], n: int) -> None:
    """Write what the gate said of n questions beside the adapter; a look at fewer than before does not replace it."""
    before = adapter.gate()
    if before and before.get("n", 0) > n:
        return
    kept = {"sha256": adapter.sha256, **said, "n": n}
    (adapter.folder / trained.GATE).write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


@asynccontextmanager
async def _speaking(settings: Settings, base: Path | None, adapters: list[Adapter], meter: Meter) -> AsyncIterator[Any]:
    """Yield a speaker: of the served model if there is one, else of a server of our own that has the adapters."""
    from infra.embedded.alone import serving
    from infra.models.endpoint import Budgets
    from infra.models.tgi import TgiSpeaker

    patient = Budgets(first_token=PATIENCE, between_tokens=PATIENCE, total=2 * PATIENCE)
    async with AsyncExitStack() as stack:
        if base is None:
            urls, model, token = settings.model_url, settings.model, token_of(settings)
        else:
            ends = await stack.enter_async_context(
                serving(file=settings.model_file, adapters=[a.file for a in adapters])
            )
            urls, model, token = (ends.model_url or "",), ends.model_name, ends.model_token
        speaker = TgiSpeaker(urls, model=model, token=token, concurrency=1, budgets=patient, told=meter)
        stack.push_async_callback(speaker.close)
        yield speaker
