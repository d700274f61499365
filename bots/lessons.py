"""What the `vocero voice examples` commands do."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bots.wiring import open_database
from core.examples import Example, deduplicated
from infra.settings import read_settings
from infra.voice import dataset, sources
from infra.voice.preview import contradictions
from infra.voice.scrub import scrub

Say = Callable[[str], None]


async def list_examples(workspace: str, *, say: Say) -> list[dict[str, Any]]:
    """Return the examples as rows."""
    from infra.postgres.examples import PostgresExamples

    async with open_database(read_settings(), say=say) as database:
        rows = await PostgresExamples(database).listed(workspace)
    return [
        {
            **to_row(kept.example),
            "approved_by": kept.approved_by,
            "private": kept.private,
            "consent": kept.consent,
            "audience": list(kept.audience),
            "conversation": kept.conversation,
            "left_out": kept.wanting,
        }
        for kept in rows
    ]


async def import_examples(file: Path, workspace: str, by: str, *, say: Say) -> tuple[int, int]:
    """Add a file's examples; return how many were new, and how many there were."""
    from infra.postgres.examples import PostgresExamples

    material = sources.read(str(file))
    async with open_database(read_settings(), say=say) as database:
        return await PostgresExamples(database).add(workspace, material.examples, by=by), len(material.examples)


async def export_examples(workspace: str, *, say: Say) -> tuple[list[str], dict[str, Any]]:
    """Return exactly what would be trained on, as lines, and what was left out, such as what was said in private."""
    from infra.postgres.examples import PostgresExamples

    async with open_database(read_settings(), say=say) as database:
        rows = await PostgresExamples(database).listed(workspace)
    cleaned, taken = dataset.clean([kept.example for kept in rows if not kept.wanting])
    left, dropped = deduplicated(cleaned)
    lines = [json.dumps(to_row(example), ensure_ascii=False) + "\n" for example in left]
    wanting = Counter(kept.wanting for kept in rows if kept.wanting)
    return lines, {
        "written": len(lines),
        "dropped": len(dropped) + wanting.total(),
        "reasons": dict(wanting) | ({"duplicates": len(dropped)} if dropped else {}),
        "contradictions": contradictions(dropped),
        "scrubbed": dict(Counter(taken)),
    }


async def export_pairs(workspace: str, *, say: Say) -> tuple[list[str], dict[str, Any]]:
    """Return what people bettered, as lines for `vocero voice prefer`, under the same conditions as the examples."""
    from infra.postgres.examples import PostgresExamples

    async with open_database(read_settings(), say=say) as database:
        rows = await PostgresExamples(database).listed(workspace)
    bettered = [kept for kept in rows if kept.rejected]
    lines = [
        json.dumps(_to_pair(kept.example, kept.rejected), ensure_ascii=False) + "\n"
        for kept in bettered
        if not kept.wanting
    ]
    wanting = Counter(kept.wanting for kept in bettered if kept.wanting)
    told = {"written": len(lines), "dropped": wanting.total(), "reasons": dict(wanting), "scrubbed": {}}
    return lines, told


def _to_pair(example: Example, rejected: str) -> dict[str, Any]:
    [cleaned], _ = dataset.clean([example])
    row = {key: value for key, value in to_row(cleaned).items() if key != "answer"}
    return {**row, "chosen": cleaned.answer, "rejected": scrub(rejected)[0]}


async def approve(name: str, workspace: str, by: str, *, say: Say) -> None:
    """Approve an example."""
    from infra.postgres.examples import PostgresExamples

    async with open_database(read_settings(), say=say) as database:
        await PostgresExamples(database).approve(workspace, name, by=by)


async def consent(name: str, workspace: str, by: str, *, say: Say) -> None:
    """Note who agrees that an example said in private is learned from."""
    from infra.postgres.examples import PostgresExamples

    async with open_database(read_settings(), say=say) as database:
        await PostgresExamples(database).consent(workspace, name, by=by)


def to_row(example: Example) -> dict[str, Any]:
    """Return an example as JSON that can be imported again, and says the same then."""
    passages = [{"document": p.document, "chunk": p.chunk, "title": p.title, "text": p.text} for p in example.passages]
    row = {"id": example.id, "question": example.question, "answer": example.answer, "passages": passages}
    known = {"source": example.document, "origin": example.source, "facts": example.facts}
    told = {} if example.answerable is None else {"answerable": example.answerable}
    return row | {key: value for key, value in known.items() if value} | told
