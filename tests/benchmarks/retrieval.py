"""How well the right documents are found on judged sets, by the embedded MiniLM: the default and what was not chosen.

Needs the judged sets `claude-docs` and `codebase` below `--data`; about ten minutes on two cores.
"""

import sys
from collections.abc import Sequence
from functools import partial
from unittest.mock import patch

from llama_index.core import Document, MockEmbedding, VectorStoreIndex
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import MetadataMode, QueryBundle

from core.ports import Embedder
from infra.embedded.minilm import MiniLM
from infra.knowledge import drafts, split
from infra.knowledge.engine import KnowledgeEngine
from infra.knowledge.evaluation import PASSAGES, Ranked, learn_all, rank, scores
from infra.knowledge.fetch import fetch
from infra.knowledge.judged import Judged, read_judged
from infra.knowledge.librarian import Librarian
from infra.knowledge.parse import Parser
from infra.knowledge.split import Piece
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from tests.benchmarks.session import Session, command
from tests.benchmarks.table import Row
from tests.postgres import APPLICATION

ASKED = {"claude-docs": 0.80, "codebase": 0.67}  # nDCG@10 of the default
LIMIT = 10
METRIC = f"ndcg@{LIMIT}"
MODES = ("hybrid", "dense", "lexical")
SIZES = (500, split.SIZE, 1500)


class Remembering:
    """The embedded model, asked once a text: variants share most of theirs."""

    def __init__(self, model: Embedder) -> None:
        self.name, self.dimensions = model.name, model.dimensions
        self._model, self._known = model, dict[str, list[float]]()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, await self._model.embed(new) if new else (), strict=True))
        return [self._known[text] for text in texts]


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
    """Return nDCG@10 of the default, its parts, its variants and the quick start."""
    missing = [name for name in ASKED if not (session.data / name).is_dir()]
    if missing:
        print(
            f"retrieval is left out: {session.data} holds no {missing[0]}; name the folder by --data", file=sys.stderr
        )
        return []
    urls = session.server.database()
    await migrate(urls.admin, APPLICATION)
    embedder = Remembering(MiniLM())
    rows: list[Row] = []
    async with Database(urls.application) as database, Parser() as parser:
        librarian = Librarian(database, embedder, fetch=fetch, parse=parser.parse)
        trials = Trials(librarian, KnowledgeEngine(database, embedder))
        for name, asked in ASKED.items():
            judged = read_judged(session.data / name)
            rows += await _one_set(trials, name, judged, asked)
            quick = await quick_start(judged, embedder)
            rows.append(_row(name, "default", rows_value(rows, name), peer="LlamaIndex quick start", theirs=quick))
    return rows


class Trials:
    """Learns a set in a workspace of its own for each way to cut it, and asks it in a mode."""

    def __init__(self, librarian: Librarian, engine: KnowledgeEngine) -> None:
        self._librarian, self._engine = librarian, engine

    async def run(self, workspace: str, judged: Judged, size: int, headers: bool, modes: Sequence[str]) -> list[float]:
        """Return nDCG of each mode."""
        cut = partial(split.split if headers else bare, size=size)
        with patch.object(drafts, "split", cut):  # the product has one size; only here are there others
            shelved = await learn_all(self._librarian, judged, workspace)
        found = []
        for mode in modes:
            ranked = rank(self._engine, judged, shelved, workspace=workspace, mode=mode, limit=LIMIT)
            found.append(scores([one async for one in ranked], LIMIT)[METRIC])
        return found


async def _one_set(trials: Trials, name: str, judged: Judged, asked: float) -> list[Row]:
    hybrid, dense, lexical = await trials.run(f"bench/{name}", judged, split.SIZE, True, MODES)
    rows = [
        _row(name, "default", hybrid, least=asked),
        _row(name, "default", hybrid, peer="dense alone", theirs=dense),
        _row(name, "default", hybrid, peer="full text alone", theirs=lexical),
    ]
    for size in SIZES:
        for headers in (True, False):
            if (size, headers) == (split.SIZE, True):
                continue
            (other,) = await trials.run(f"bench/{name}/{size}/{headers:d}", judged, size, headers, MODES[:1])
            peer = f"{size:,} characters, {'headers' if headers else 'no headers'}"
            rows.append(_row(name, "default", hybrid, peer=peer, theirs=other))
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


def rows_value(rows: Sequence[Row], name: str) -> float:
    """Return the default's number of a set."""
    return next(row.value for row in rows if row.what.startswith(name))


def _row(name: str, what: str, value: float, **more: object) -> Row:
    return Row(bench="retrieval", what=f"{name}: {METRIC}, {what}", value=value, **more)  # type: ignore[arg-type]


if __name__ == "__main__":
    command(bench)
