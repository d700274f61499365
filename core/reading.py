"""Reading up on a question: the passages found, the excerpts that come closest, and whether they are enough."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core import budgets, extract, gate
from core.audience import Audience
from core.bar import DEFAULT, Bar
from core.errors import EmbedderDown
from core.followup import Asked
from core.messages import Passage
from core.ports import Found, Knowledge
from core.vectors import Sentences

RETRIEVED: Final = 8  # passages looked at for one answer; the gate and the excerpts read the first few
FUSED: Final = 40  # passages of each wording that are fused
_K: Final = 10  # of reciprocal rank fusion (Cormack et al. 2009, SIGIR): two questions have no scale in common


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Passages best first, their excerpts closest first, the verdict on them; `lacking` says what was missing."""

    passages: tuple[Passage, ...]
    ranked: tuple[extract.Scored, ...]
    verdict: gate.Verdict
    lacking: str = ""


async def read(
    asked: Asked,
    knowledge: Knowledge,
    vectors: Sentences,
    *,
    workspace: str,
    audience: Audience,
    bar: Bar = DEFAULT,
) -> Reading:
    """Return what there is to answer from; without an embedder by words. UnknownError, KnowledgeDown."""
    several = await search(asked, knowledge, workspace=workspace, audience=audience, limit=RETRIEVED)
    passages = fused([found.passages for found in several])[:RETRIEVED]
    lacking = next((found.degraded for found in several if found.degraded), "")
    try:
        # an embedder that has just been silent is not waited for twice, and one that falls silent now not for long
        async with asyncio.timeout(budgets.EMBED_PASSAGES):
            ranked = await extract.score(asked.about, passages, None if lacking else vectors, told=asked.told)
    except (EmbedderDown, TimeoutError) as error:
        lacking = lacking or str(error) or "The embedding server did not answer in time."
        ranked = await extract.score(asked.about, passages, None, told=asked.told)
    return Reading(
        passages=passages,
        ranked=tuple(ranked),
        verdict=gate.judge(asked.about, passages, ranked, near=_near(several), bar=bar),
        lacking=lacking,
    )


async def search(
    asked: Asked, knowledge: Knowledge, *, workspace: str, audience: Audience, limit: int, mode: str = "hybrid"
) -> list[Found]:
    """Return what each wording of a question finds, the question's own first; more where they are to be fused."""
    limit = max(limit, FUSED) if asked.views else limit
    return [
        await knowledge.retrieve(wording, workspace=workspace, audience=audience, limit=limit, mode=mode)
        for wording in asked.wordings
    ]


def fused(rankings: Sequence[Sequence[Passage]]) -> tuple[Passage, ...]:
    """Return the passages of several rankings in one, by reciprocal ranks; each as the first ranking knows it."""
    if len(rankings) == 1:
        return tuple(rankings[0])
    scores: dict[str, float] = {}
    known: dict[str, Passage] = {}
    for ranking in rankings:
        for rank, passage in enumerate(ranking, 1):
            scores[passage.chunk] = scores.get(passage.chunk, 0.0) + 1 / (_K + rank)
            known.setdefault(passage.chunk, passage)
    return tuple(known[chunk] for chunk in sorted(scores, key=lambda chunk: -scores[chunk]))


def _near(several: Sequence[Found]) -> float | None:
    """Return the mean over the wordings of the closest passage's cosine, None where one was searched by words only."""
    closest = [max((p.cosine for p in found.passages if p.cosine is not None), default=None) for found in several]
    known = [cosine for cosine in closest if cosine is not None]
    return sum(known) / len(known) if known and len(known) == len(closest) else None
