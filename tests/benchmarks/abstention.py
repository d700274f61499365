"""How many unanswerable questions are refused where 90 % of the others are answered: our gate beside a plain cosine.

The plain gate takes the closest passage's cosine with the last turn, as one would write it first. Needs the judged sets
`clapnq-dev` and `mtragun-clapnq-fiqa` below `--data`; the weights were fitted on both and on the handbook, so these
numbers are a little kind: docs/abstention.md has those of sets left out of the fit.
"""

from collections.abc import Sequence

import numpy as np

from core.audience import EVERYONE
from core.bar import DEFAULT
from infra.knowledge.abstaining import Weighed, auroc, measures, refused_at, to_case, weigh
from infra.knowledge.judged import Query, read_answerable
from tests.benchmarks.session import Session, command
from tests.benchmarks.shelf import Shop, missing, open_shop
from tests.benchmarks.table import Row

SETS = ("clapnq-dev", "mtragun-clapnq-fiqa")
LEAST = 1.2  # times what a plain cosine refuses


async def bench(session: Session) -> list[Row]:
    """Return the refusals of each set beside the plain gate's, and what the shipped bar does."""
    if missing(session, "abstention", SETS):
        return []
    rows: list[Row] = []
    async with open_shop(session) as shop:
        for name in SETS:
            judged = read_answerable(session.data / name)
            workspace = f"bench/{name}"
            await shop.learn(workspace, judged)
            queries = judged.queries
            cases = [to_case(query) for query in queries]
            ours = [one async for one in weigh(shop.engine, shop.embedder, cases, workspace=workspace, bar=DEFAULT)]
            plain = await _plain(shop, workspace, queries)
            rows += to_rows(name, ours, plain)
    return rows


def to_rows(name: str, ours: Sequence[Weighed], plain: Sequence[float]) -> list[Row]:
    """Return a set's rows."""
    truth = np.array([one.answerable for one in ours])
    found, cosine = measures(ours), np.array(plain)
    theirs = refused_at(cosine[truth], cosine[~truth])
    rewritten = np.array([one.cosine for one in ours])
    also = refused_at(rewritten[truth], rewritten[~truth])
    what, mine = f"{name}: refused while 90 % are answered", found["refused_at_90_answered"]
    area = auroc(cosine[truth], cosine[~truth])
    return [
        Row(bench="abstention", what=what, value=mine, peer="plain cosine", theirs=theirs, least=LEAST),
        Row(bench="abstention", what=what, value=mine, peer="cosine of the rewritten question", theirs=also),
        Row(bench="abstention", what=f"{name}: AUROC", value=found["auroc"], peer="plain cosine", theirs=area),
        Row(bench="abstention", what=f"{name}: answered as shipped", value=found["answered"]),
        Row(bench="abstention", what=f"{name}: refused as shipped", value=found["refused"]),
    ]


async def _plain(shop: Shop, workspace: str, queries: Sequence[Query]) -> list[float]:
    """Return the closest passage's cosine with each question as it stands."""
    found = []
    for query in queries:
        one = await shop.engine.retrieve(query.text, workspace=workspace, audience=EVERYONE, limit=1, mode="dense")
        found.append(max((p.cosine for p in one.passages if p.cosine is not None), default=0.0))
    return found


if __name__ == "__main__":
    command(bench)
