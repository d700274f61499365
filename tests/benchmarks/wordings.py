"""Whether a model's own words help the search: other wordings of the question, or the answer it imagines (HyDE).

Both by the embedded model, searched for beside the question, and fused with what that finds, on `claude-docs`: Gao et
al. 2022, "Precise Zero-Shot Dense Retrieval without Relevance Labels", for the imagined answer. The bot does neither:
see what they bring, and what a search then waits for.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from core.followup import Asked
from core.prompt import Message, Prompt
from infra.knowledge.evaluation import Shelved, rank, scores, to_asked
from infra.knowledge.judged import Judged, Query, read_judged
from infra.models.tgi import TgiSpeaker
from tests.benchmarks.session import Session, command
from tests.benchmarks.shelf import Shop, missing, open_model, open_shop
from tests.benchmarks.table import Row

SET: Final = "claude-docs"
LIMIT: Final = 10
TOKENS: Final = 64
WORKSPACE: Final = "bench/wordings"
ASKING: Final[Mapping[str, str]] = {
    "other wordings": "Write this question in two other ways, one a line, and nothing else:\n{}",
    "an imagined answer": "Write two sentences of a manual that answer this question:\n{}",
}


async def bench(session: Session) -> list[Row]:
    """Return nDCG with each beside that of the question alone, and the seconds the model takes."""
    if missing(session, "wordings", [SET]):
        return []
    judged = read_judged(session.data / SET)
    judged = Judged(corpus=judged.corpus, queries=judged.queries[: session.times(100)])
    rows: list[Row] = []
    async with open_shop(session) as shop:
        shelved = await shop.learn(WORKSPACE, judged)
        alone = await _quality(shop, judged, shelved, to_asked)
        async with open_model() as speaker:
            if speaker is None:
                return []
            for what, asking in ASKING.items():
                began = time.perf_counter()
                views = {query.id: await _views(speaker, asking, query) for query in judged.queries}
                took = (time.perf_counter() - began) / len(views)
                found = await _quality(shop, judged, shelved, lambda q, v=views: Asked(q.text, v[q.id]))
                name = f"{SET}: ndcg@10, with {what} of the model's"
                rows += [
                    Row(bench="wordings", what=name, value=found, peer="the question alone", theirs=alone),
                    Row(bench="wordings", what=f"seconds for {what}", value=took, unit="s"),
                ]
    return rows


async def _quality(shop: Shop, judged: Judged, shelved: Shelved, meant: Callable[[Query], Asked]) -> float:
    ranked = rank(shop.engine, judged, shelved, workspace=WORKSPACE, mode="hybrid", limit=LIMIT, meant=meant)
    return scores([one async for one in ranked], LIMIT)[f"ndcg@{LIMIT}"]


async def _views(speaker: TgiSpeaker, asking: str, query: Query) -> tuple[str, ...]:
    prompt = Prompt((Message("user", asking.format(query.text)),))
    async with speaker.speak(prompt, max_tokens=TOKENS) as deltas:
        text = "".join([delta async for delta in deltas]).strip()
    return tuple(line.strip() for line in text.splitlines() if line.strip())[:2]


if __name__ == "__main__":
    command(bench)
