"""Whether a grammar helps: the embedded model answers from the handbook freely, and held to a JSON schema.

The schema is what a grammar could promise: sentences, each with the number of a passage that exists. Both are given
what the bot gives so small a model, the closest sentences, and both pass the same guard. Measured is what is left then:
the share of the facts, and the share of questions that still have an answer. The bot asks without a schema.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core import extract
from core.audience import EVERYONE
from core.examples import holds
from core.grounding import STRICT, passed, unknown
from core.messages import Arm, Passage
from core.prompt import Prompt, write
from core.vectors import Sentences
from core.words import sentences
from infra import handbook
from infra.knowledge.judged import Judged, Text
from infra.models.tgi import TgiSpeaker
from tests.benchmarks.session import Session, command
from tests.benchmarks.shelf import Shop, open_model, open_shop
from tests.benchmarks.table import Row

ASKED: Final = 60  # of the handbook's answerable questions
TOKENS: Final = 96
WORKSPACE: Final = "bench/grammar"
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "sentences": {
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "items": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "passage": {"type": "integer", "minimum": 1, "maximum": 3}},
                "required": ["text", "passage"],
            },
        }
    },
    "required": ["sentences"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question with the passages that the model is shown and the facts of a right answer."""

    question: str
    passages: tuple[Passage, ...]
    facts: Sequence[Sequence[str]]

    @property
    def prompt(self) -> Prompt:
        """What the model is asked."""
        return write(Arm.RAG, self.question, self.passages)


async def bench(session: Session) -> list[Row]:
    """Return facts, answers and seconds with a schema beside those without."""
    async with open_shop(session) as shop:
        cases = await _cases(shop, session.times(ASKED))
    async with open_model() as speaker:
        if speaker is None:
            return []
        free = await _asked(speaker, cases, None)
        held = await _asked(speaker, cases, SCHEMA)
    names = ("facts past the guard", "questions with an answer past the guard", "seconds an answer")
    return [
        Row(
            bench="grammar",
            what=f"{what}, with a JSON schema",
            value=mine,
            unit="s" if "seconds" in what else "",
            peer="without",
            theirs=theirs,
        )
        for what, mine, theirs in zip(names, held, free, strict=True)
    ]


async def _cases(shop: Shop, most: int) -> list[Case]:
    texts = [Text(id=path.name, title="", text=path.read_text()) for path in handbook.documents() if _plain(path)]
    await shop.learn(WORKSPACE, Judged(corpus=tuple(texts), queries=()))
    vectors, cases = Sentences(shop.embedder), list[Case]()
    names = {text.id for text in texts}
    for question in handbook.questions():
        if question.document not in names or len(cases) == most:
            continue
        asked = question.standalone or question.question
        found = await shop.engine.retrieve(asked, workspace=WORKSPACE, audience=EVERYONE, limit=8)
        ranked = await extract.score(asked, found.passages, vectors)
        cases.append(Case(question=asked, passages=extract.narrowed(found.passages, ranked), facts=question.facts))
    return cases


def _plain(path: Path) -> bool:
    return path.suffix == ".md"


async def _asked(
    speaker: TgiSpeaker, cases: Sequence[Case], schema: Mapping[str, Any] | None
) -> tuple[float, float, float]:
    """Return the share of facts, of questions answered, and the seconds an answer took."""
    facts, answered, began = 0.0, 0, time.perf_counter()
    for case in cases:
        async with speaker.speak(case.prompt, max_tokens=TOKENS, schema=schema) as deltas:
            text = "".join([delta async for delta in deltas])
        said = _sentences(text) if schema else sentences(text)
        kept = [s for one in said if not unknown(one) and (s := passed(one, case.passages, case.question, STRICT))]
        facts += sum(holds(" ".join(kept), spellings) for spellings in case.facts) / len(case.facts)
        answered += bool(kept)
    return facts / len(cases), answered / len(cases), (time.perf_counter() - began) / len(cases)


def _sentences(text: str) -> list[str]:
    """Return what was said in the schema's form, each sentence with its marker; nothing of what was cut off."""
    try:
        return [f"{one['text'].strip()} [{one['passage']}]" for one in json.loads(text)["sentences"]]
    except (ValueError, KeyError, TypeError):
        return []


if __name__ == "__main__":
    command(bench)
