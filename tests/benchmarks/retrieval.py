"""How well the right documents are found on judged sets, by the embedded MiniLM: the default and what was not chosen.

Needs the judged sets `claude-docs`, `codebase` and `mtragun-clapnq-fiqa` below `--data`; about fifteen minutes on two
cores. The quick start asks the last turn as it stands, since it knows no other.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from unittest.mock import patch

from llama_index.core import Document, MockEmbedding, VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import MetadataMode, QueryBundle

from core.ports import Embedder
from infra.knowledge import drafts, split
from infra.knowledge.evaluation import PASSAGES, Ranked, Shelved, rank, scores
from infra.knowledge.judged import Judged, read_judged
from infra.knowledge.split import Piece
from tests.benchmarks.session import Session, command
from tests.benchmarks.shelf import Shop, missing, open_shop, without_turns
from tests.benchmarks.table import Row

ASKED = {"claude-docs": 0.80, "codebase": 0.67, "mtragun-clapnq-fiqa": 0.9}  # nDCG@10 of the default
CUT = ("claude-docs", "codebase")  # the sets that are cut in other ways too
TOGETHER, EACH, PERFECT, HISTORY, FIRST = 1.15, 1.03, 0.85, 1.12, 0.98  # least ratios to the peers
DEPTH = 40  # documents that a perfect reranker would order
LIMIT = 10
METRIC = f"ndcg@{LIMIT}"
MODES = ("hybrid", "dense", "lexical")
SIZES = (500, split.SIZE, 1500)


class Bare(Piece):
    """A piece that is embedded without its place in front."""

    def to_embed(self, title: str) -> str:
        """Return the text alone."""
        return self.text


def bare(*args: object, **kwargs: object) -> list[Piece]:
    """Split as the product does, into pieces without headers."""
    pieces = split.split(*args, **kwargs)  # type: ignore[arg-type]
    return [Bare(text=piece.text, path=piece.path, anchor=piece.anchor) for piece in pieces]


async def bench(session: Session) -> list[Row]:
    """Return nDCG@10 of the default, its parts, its variants, the quick start and a perfect reranker."""
    if missing(session, "retrieval", list(ASKED)):
        return []
    rows: list[Row] = []
    async with open_shop(session) as shop:
        trials = Trials(shop)
        ours, theirs = [], []
        for name, asked in ASKED.items():
            judged = read_judged(session.data / name)
            quick = await quick_start(judged, shop.embedder)
            mine = await trials.run(f"bench/{name}", judged, split.SIZE, True, MODES)
            rows += await _one_set(trials, name, judged, asked, mine)
            rows.append(_row(name, "default", mine[0], peer="LlamaIndex quick start", theirs=quick, least=EACH))
            rows += await _conversations(trials, name, judged, mine[0])
            ours.append(mine[0])
            theirs.append(quick)
    macro = sum(ours) / len(ours), sum(theirs) / len(theirs)
    return [*rows, _row("all", "default", macro[0], peer="LlamaIndex quick start", theirs=macro[1], least=TOGETHER)]


class Trials:
    """Learns a set in a workspace of its own for each way to cut it, and asks it in a mode."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._shelved: dict[str, Shelved] = {}

    async def run(self, workspace: str, judged: Judged, size: int, headers: bool, modes: Sequence[str]) -> list[float]:
        """Return nDCG of each mode."""
        cut = partial(split.split if headers else bare, size=size)
        with patch.object(drafts, "split", cut):  # the product has one size; only here are there others
            self._shelved[workspace] = await self._shop.learn(workspace, judged)
        return [scores(await self.ranked(workspace, judged, mode), LIMIT)[METRIC] for mode in modes]

    async def ranked(self, workspace: str, judged: Judged, mode: str = MODES[0], limit: int = LIMIT) -> Ranked:
        """Return what is found in a workspace that has learned the set."""
        shelved, engine = self._shelved[workspace], self._shop.engine
        return [one async for one in rank(engine, judged, shelved, workspace=workspace, mode=mode, limit=limit)]


async def _one_set(trials: Trials, name: str, judged: Judged, asked: float, mine: Sequence[float]) -> list[Row]:
    hybrid, dense, lexical = mine
    best = _perfect(await trials.ranked(f"bench/{name}", judged, limit=DEPTH))
    rows = [
        _row(name, "default", hybrid, least=asked),
        _row(name, "default", hybrid, peer="dense alone", theirs=dense),
        _row(name, "default", hybrid, peer="full text alone", theirs=lexical),
        _row(name, "default", hybrid, peer=f"perfect rerank of its own first {DEPTH}", theirs=best, least=PERFECT),
    ]
    for size in SIZES if name in CUT else ():
        for headers in (True, False):
            if (size, headers) == (split.SIZE, True):
                continue
            (other,) = await trials.run(f"bench/{name}/{size}/{headers:d}", judged, size, headers, MODES[:1])
            peer = f"{size:,} characters, {'headers' if headers else 'no headers'}"
            rows.append(_row(name, "default", hybrid, peer=peer, theirs=other))
    return rows


def _perfect(ranked: Ranked) -> float:
    """Return nDCG of what was found, were it in the best order."""
    ordered = [(grades, sorted(ids, key=lambda id_: -grades.get(id_, 0.0))[:LIMIT]) for grades, ids in ranked]
    return scores(ordered, LIMIT)[METRIC]


async def _conversations(trials: Trials, name: str, judged: Judged, hybrid: float) -> list[Row]:
    """Return what the history is worth, for a set that has one."""
    if not any(query.before for query in judged.queries):
        return []
    first = replace(judged, queries=tuple(query for query in judged.queries if not query.before))
    workspace, alone = f"bench/{name}", without_turns(judged)
    last = scores(await trials.ranked(workspace, alone), LIMIT)[METRIC]
    rows = [_row(name, "with history", hybrid, peer="last turn alone", theirs=last, least=HISTORY)]
    if first.queries:
        mine = scores(await trials.ranked(workspace, first), LIMIT)[METRIC]
        plain = scores(await trials.ranked(workspace, without_turns(first)), LIMIT)[METRIC]
        rows.append(_row(name, "first turns", mine, peer="last turn alone", theirs=plain, least=FIRST))
    return rows


async def quick_start(judged: Judged, embedder: Embedder) -> float:
    """Return nDCG of `VectorStoreIndex.from_documents(...).as_retriever()` with its defaults and our embedder."""
    documents = [
        Document(text=text.text, id_=text.id, metadata={"title": text.title} if text.title else {})
        for text in judged.corpus
    ]
    nodes = SentenceSplitter().get_nodes_from_documents(documents)
    for node, vector in zip(
        nodes, await embedder.embed([node.get_content(MetadataMode.EMBED) for node in nodes]), strict=True
    ):
        node.embedding = vector
    index = VectorStoreIndex(nodes, embed_model=MockEmbedding(embedder.dimensions))
    retriever = index.as_retriever(similarity_top_k=LIMIT * PASSAGES)
    ranked: Ranked = []
    for query in judged.queries:
        (vector,) = await embedder.embed([query.text])
        found = await retriever.aretrieve(QueryBundle(query.text, embedding=vector))
        ids = dict.fromkeys(one.node.ref_doc_id or "" for one in found)
        ranked = [*ranked, (query.grades, list(ids)[:LIMIT])]
    return scores(ranked, LIMIT)[METRIC]


def _row(name: str, what: str, value: float, **more: object) -> Row:
    return Row(bench="retrieval", what=f"{name}: {METRIC}, {what}", value=value, **more)  # type: ignore[arg-type]


if __name__ == "__main__":
    command(bench)
