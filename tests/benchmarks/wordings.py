"""Whether a model's own words help the search: other wordings of the question, an imagined answer, a follow-up whole.

All by the embedded model. The first two on `claude-docs`, searched for beside the question and fused with what that
finds: Gao et al. 2022, "Precise Zero-Shot Dense Retrieval without Relevance Labels", for the imagined answer. The
last is `VOCERO_REWRITE` on the later turns of `mtragun-clapnq-fiqa`. By default the bot does none of it: see what they
bring, and what a search then waits for.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from unittest.mock import patch

from core import budgets
from core.followup import Asked
from core.prompt import Message, Prompt
from core.rewriting import rewrite
from infra.knowledge.evaluation import Shelved, rank, scores, to_asked
from infra.knowledge.judged import Judged, Query, read_judged
from infra.models.tgi import TgiSpeaker
from tests.benchmarks.session import Session, command
from tests.benchmarks.shelf import PATIENCE, Shop, missing, open_model, open_shop
from tests.benchmarks.table import Row

SET: Final = "claude-docs"
TALKS: Final = "mtragun-clapnq-fiqa"
LIMIT: Final = 10
TOKENS: Final = 64
WORKSPACE: Final = "bench/wordings"
TALKING: Final = "bench/talks"
ASKING: Final[Mapping[str, str]] = {
    "other wordings": "Write this question in two other ways, one a line, and nothing else:\n{}",
    "an imagined answer": "Write two sentences of a manual that answer this question:\n{}",
}


async def bench(session: Session) -> list[Row]:
    """Return nDCG with each beside that of the question alone, and the seconds the model takes."""
    if missing(session, "wordings", [SET, TALKS]):
        return []
    judged = read_judged(session.data / SET)
    judged = replace(judged, queries=judged.queries[: session.times(100)])
    rows: list[Row] = []
    async with open_shop(session) as shop:
        shelved = await shop.learn(WORKSPACE, judged)
        alone = await _quality(shop, judged, shelved, {})
        async with open_model() as speaker:
            if speaker is None:
                return []
            for what, asking in ASKING.items():
                began = time.perf_counter()
                meant = {q.id: Asked(q.text, await _views(speaker, asking, q)) for q in judged.queries}
                took = (time.perf_counter() - began) / len(meant)
                found = await _quality(shop, judged, shelved, meant)
                name = f"{SET}: ndcg@10, with {what} of the model's"
                rows += [
                    Row(bench="wordings", what=name, value=found, peer="the question alone", theirs=alone),
                    Row(bench="wordings", what=f"seconds for {what}", value=took, unit="s"),
                ]
            rows += await _talks(session, shop, speaker)
    return rows


async def _talks(session: Session, shop: Shop, speaker: TgiSpeaker) -> list[Row]:
    """Return nDCG of later turns as the rule has them and as the model does, and how many of its words held."""
    judged = read_judged(session.data / TALKS)
    later = tuple(query for query in judged.queries if query.before)[: session.times(200)]
    judged = replace(judged, queries=later)
    shelved = await shop.learn(TALKING, judged)
    ruled = {query.id: to_asked(query) for query in later}
    with patch.object(budgets, "REWRITE", PATIENCE):
        meant = {query.id: await rewrite(query.text, query.before, speaker) for query in later}
    what = f"{TALKS}: ndcg@{LIMIT} of later turns, follow-ups by the model"
    found = await _quality(shop, judged, shelved, meant, TALKING)
    theirs = await _quality(shop, judged, shelved, ruled, TALKING)
    changed = [one for query in later if (one := meant[query.id]) != ruled[query.id]]
    leaning = [query for query in later if ruled[query.id].text != query.text]
    return [
        Row(bench="wordings", what=what, value=found, peer="by the rule", theirs=theirs),
        Row(bench="wordings", what="follow-ups whose wording by the model held", value=len(changed) / len(leaning)),
    ]


async def _quality(
    shop: Shop, judged: Judged, shelved: Shelved, meant: Mapping[str, Asked], workspace: str = WORKSPACE
) -> float:
    ranked = rank(shop.engine, judged, shelved, workspace=workspace, mode="hybrid", limit=LIMIT, meant=meant)
    return scores([one async for one in ranked], LIMIT)[f"ndcg@{LIMIT}"]


async def _views(speaker: TgiSpeaker, asking: str, query: Query) -> tuple[str, ...]:
    prompt = Prompt((Message("user", asking.format(query.text)),))
    async with speaker.speak(prompt, max_tokens=TOKENS) as deltas:
        text = "".join([delta async for delta in deltas]).strip()
    return tuple(line.strip() for line in text.splitlines() if line.strip())[:2]


if __name__ == "__main__":
    command(bench)
