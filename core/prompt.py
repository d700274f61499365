"""What the model is asked, written from a question and its passages. Pure but for reading the prompts at import."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.messages import Arm, Passage, Turn

PASSAGES: Final = 6  # shown to a served model; enough for two documents that must be read together
_FOLDER: Final = Path(__file__).parent / "prompts"
_TEXTS: Final = {path.stem: path.read_text(encoding="utf-8").strip() for path in sorted(_FOLDER.glob("*.md"))}


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages of one request, the stable ones first, so that servers can reuse what they have read."""

    messages: tuple[Message, ...]
    stop: tuple[str, ...] = ()


def _fenced(passages: Sequence[Passage]) -> str:
    """Return the passages as data inside a fence that no passage can contain: it is made of their own digest.

    Each has its place as its number; an empty one is left out.
    """
    return _within("\n\n".join(f"[{n}] {p.title}\n{p.text}" for n, p in enumerate(passages, 1) if p.text))


def _within(body: str) -> str:
    fence = f"=== {_mark(body)} ==="
    return f"{fence}\n{body}\n{fence}"


def _mark(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()[:12]


def write(
    arm: Arm,
    question: str,
    passages: Sequence[Passage] = (),
    *,
    voice: str = "",
    turns: Sequence[Turn] = (),
    large: bool = False,
) -> Prompt:
    """Return the prompt of one arm; passages stand in retrieval order, in training and in serving alike.

    `large`: for a model that follows more rules than a small one; a trained adapter is asked as it was trained, small.
    """
    rag = "rag-large" if large and not arm.tuned else "rag"
    system = _TEXTS[rag if arm.retrieves else "voice" if arm is Arm.VOICE else "base"]
    if voice:
        system += f"\n\nThe voice: {voice}"
    history = tuple(Message("user" if t.who == "user" else "assistant", t.text) for t in turns)
    asked = f"{_fenced(passages)}\n\nQuestion: {question}" if arm.retrieves else question
    return Prompt((Message("system", system), *history, Message("user", asked)))


def rewrite(question: str, turns: Sequence[Turn]) -> Prompt:
    """Return the request for a follow-up in a wording that stands alone; the conversation stands fenced, as data."""
    said = "\n".join(f"{'Asker' if turn.who == 'user' else 'You'}: {turn.meant or turn.text}" for turn in turns)
    asked = f"{_within(said)}\n\nThe last question: {question}"
    return Prompt((Message("system", _TEXTS["rewrite"]), Message("user", asked)), stop=("\n\n",))


def to_judge(question: str, reference: str, one: str, other: str) -> Prompt:
    """Return what a judge is asked of two answers; each text stands inside a fence that none of them can contain."""
    parts = (("QUESTION", question), ("REFERENCE", reference), ("ANSWER A", one), ("ANSWER B", other))
    mark = _mark("\n".join(text for _, text in parts))
    body = "\n\n".join(f"=== {mark} {name} ===\n{text}" for name, text in parts)
    asked = f"{body}\n\n=== {mark} END ===\n\nWhich answer is better: A, B or SAME?"
    return Prompt((Message("system", _TEXTS["judge"]), Message("user", asked)))
