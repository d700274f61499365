"""What people preferred, from lines of JSON: an answer and the better one they wrote, or a verdict on one answer."""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import InputError
from core.examples import to_passages
from core.messages import Arm
from core.prompt import PASSAGES, write
from infra.voice.scrub import scrub

FEWEST: Final = 16  # preferences; a learning rate that is heeded with fewer learns them by heart
BALANCE: Final = 4  # times as many good verdicts as bad ones, or the other way round, and one side teaches nothing
KEYS: Final = "{question, chosen, rejected, passages?} or {question, answer, good: true|false, passages?}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """The lines to train on, and what is to be known of them."""

    lines: tuple[str, ...]
    ids: tuple[str, ...]
    pairs: int
    scrubbed: Counter[str]

    @property
    def sha256(self) -> str:
        """The digest of the lines."""
        return hashlib.sha256("".join(self.lines).encode()).hexdigest()


def read_preferences(file: Path, arm: Arm, held_back: Collection[str]) -> Preferences:
    """Read a file of preferences for an adapter of this arm, without what was held back. InputError."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as text: name a JSONL file, a line {KEYS}.") from error
    taken: Counter[str] = Counter()
    lines, ids, kinds = [], [], Counter[str]()
    for name, row in _rows(file, text):
        if name in held_back:
            continue
        made, kind = _to_line(row, name, arm, taken)
        lines.append(made)
        ids.append(name)
        kinds[kind] += 1
    _check(kinds)
    return Preferences(lines=tuple(lines), ids=tuple(ids), pairs=kinds["pair"], scrubbed=taken)


def _rows(file: Path, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        pair = isinstance(row, dict) and all(isinstance(row.get(k), str) and row[k].strip() for k in _PAIR)
        single = isinstance(row, dict) and isinstance(row.get("good"), bool) and bool(row.get("answer"))
        if not isinstance(row, dict) or not isinstance(row.get("question"), str) or not (pair or single):
            raise InputError(f"{file}, line {number}: write {KEYS}.")
        yield str(row.get("id") or f"{file.stem}:{number}"), row


_PAIR: Final = ("chosen", "rejected")


def _to_line(row: dict[str, Any], name: str, arm: Arm, taken: Counter[str]) -> tuple[str, str]:
    def clean(text: str) -> str:
        kept, found = scrub(text)
        taken.update(found)
        return kept

    passages = tuple(to_passages(row.get("passages") or (), name))[:PASSAGES]
    arm = arm if passages else Arm.FINETUNED
    prompt = write(arm, row["question"], passages)
    messages = [{"role": m.role, "content": clean(m.content)} for m in prompt.messages]
    pair = "chosen" in row
    good = row["chosen"] if pair else row["answer"] if row["good"] else ""
    bad = row["rejected"] if pair else "" if row["good"] else row["answer"]
    told = {"id": name, "messages": messages, "chosen": clean(good), "rejected": clean(bad)}
    return json.dumps(told, ensure_ascii=False) + "\n", "pair" if pair else "good" if row["good"] else "bad"


def _check(kinds: Counter[str]) -> None:
    if kinds.total() < FEWEST:
        raise InputError(
            f"{kinds.total()} preferences and {FEWEST} are the fewest: collect {FEWEST - kinds.total()} more; until "
            "then approve better answers as examples, which teach more."
        )
    good, bad = kinds["good"], kinds["bad"]
    if (good or bad) and max(good, bad) > BALANCE * min(good, bad) and not kinds["pair"]:
        raise InputError(
            f"{good} answers were liked and {bad} were not: one side alone teaches nothing; use at most "
            f"{BALANCE} times as many of the one as of the other."
        )
