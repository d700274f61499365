"""An answer as JSON: the command line's contract, and the form it is cached in. Pure."""

from dataclasses import asdict
from typing import Any

from core.messages import Answer, Arm, Citation, Mode, Outcome, Timings


def to_json(answer: Answer) -> dict[str, Any]:
    """Return the answer as the command line promises it, seconds rounded to the millisecond."""
    timings = {name: None if s is None else round(s, 4) for name, s in asdict(answer.timings).items()}
    return {
        "answer": answer.text,
        "outcome": answer.outcome.value,
        "citations": [asdict(c) for c in answer.citations],
        "cached": answer.cached,
        "arm": answer.arm.value,
        "model": answer.model,
        "adapter": answer.adapter,
        "mode": answer.mode.value,
        "timings": timings,
        "language": answer.language,
        "understood": answer.understood,
        "notes": list(answer.notes),
        "nearest": [asdict(c) for c in answer.nearest],
    }


def to_answer(data: dict[str, Any]) -> Answer:
    """Return the answer that `to_json` wrote; KeyError, TypeError or ValueError for anything else."""
    return Answer(
        text=data["answer"],
        outcome=Outcome(data["outcome"]),
        citations=tuple(Citation(**c) for c in data["citations"]),
        cached=data["cached"],
        arm=Arm(data["arm"]),
        model=data["model"],
        adapter=data["adapter"],
        mode=Mode(data["mode"]),
        timings=Timings(**data["timings"]),
        language=data["language"],
        understood=data["understood"],
        notes=tuple(data["notes"]),
        nearest=tuple(Citation(**c) for c in data["nearest"]),
    )
