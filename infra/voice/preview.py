"""What will be trained on, told before it is: what was taken out and where, what was left out and why. Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from infra.voice import names, scrub
from infra.voice.comparing import FEWEST as COMPARED
from infra.voice.dataset import Dataset

PLACES: Final = 12  # shown; the rest stands in the rows
AROUND: Final = 32  # characters on both sides of a place
_TAKEN: Final = re.compile("|".join(f"<{kind}>" for kind in (*scrub.KINDS, "name")))


def preview(dataset: Dataset, where: str) -> list[str]:
    """Return the lines; `where` is the folder in which the rows are to be read."""
    parts = dataset.split
    lines = [f"{len(dataset.train)} rows of {len(parts.train)} examples; {len(parts.held)} are held back"]
    if len(parts.held) < COMPARED:
        lines.append(
            f"{COMPARED} held back are the fewest that can be compared: approve more, or spread brand texts over "
            "several files, since one document or file stands on one side"
        )
    if parts.dropped:
        twice = sum(not reason.startswith("contradicts") for _, reason in parts.dropped)
        lines += [f"left out: {twice} that ask the same as a later one"] if twice else []
        lines += contradictions(parts.dropped)
    if dataset.scrubbed:
        lines.append("taken out before training: " + ", ".join(f"{n} {kind}" for kind, n in dataset.scrubbed.items()))
        found = list(dict.fromkeys(_places(dataset)))
        lines += [f"  {place}" for place in found[:PLACES]] or ["  in passages that no row shows"]
        lines += [f"  and {len(found) - PLACES} places more"] if len(found) > PLACES else []
    else:
        lines.append("taken out before training: nothing was found that looks like a secret or a person")
    lines.append(
        f"the scrubber found {names.RECALL[0]} of {names.RECALL[1]} names planted in a test and every kind of secret: "
        f"look through {where}/train.jsonl for names that are rare"
    )
    return lines


def _places(dataset: Dataset) -> Iterator[str]:
    for row in (*dataset.train, *dataset.watch):
        for text in (row.completion, row.prompt.messages[-1].content):
            for match in _TAKEN.finditer(text):
                start, end = max(0, match.start() - AROUND), match.end() + AROUND
                yield " ".join(f"{'…' * (start > 0)}{text[start:end]}{'…' * (end < len(text))}".split())


def contradictions(dropped: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line for each example that was left out since a later one says something else."""
    return [
        f"left out: {name} {reason}; approve one answer to it, or tell the questions apart"
        for name, reason in dropped
        if reason.startswith("contradicts")
    ]
