"""A judged set learned as an admin would, with the embedded MiniLM asked once a text."""

import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from core import budgets
from core.bot import Bot
from core.grounding import SERVED, Guard
from core.ports import Embedder, Speaker
from infra import embedded
from infra.embedded.minilm import MiniLM
from infra.knowledge.engine import KnowledgeEngine
from infra.knowledge.evaluation import Shelved, learn_all
from infra.knowledge.fetch import fetch
from infra.knowledge.judged import Judged, Text
from infra.knowledge.librarian import Librarian
from infra.knowledge.parse import Parser
from infra.models.endpoint import Budgets
from infra.models.tgi import TgiSpeaker
from infra.postgres.migrate import migrate
from infra.postgres.pool import Database
from infra.voice.arms import Alone
from tests.benchmarks.session import Session
from tests.postgres import APPLICATION

PATIENCE = 60.0  # seconds a question may be embedded: quality is measured here, and a busy machine shall not change it

PATIENT = Budgets(first_token=120.0, between_tokens=60.0, total=300.0)


class Remembering:
    """An embedder asked once a text: variants share most of theirs."""

    def __init__(self, model: Embedder) -> None:
        self.name, self.dimensions = model.name, model.dimensions
        self._model, self._known = model, dict[str, list[float]]()

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, await self._model.embed(new) if new else (), strict=True))
        return [self._known[text] for text in texts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A database with the parts that learn and find."""

    database: Database
    librarian: Librarian
    engine: KnowledgeEngine
    embedder: Embedder

    async def learn(self, workspace: str, judged: Judged) -> Shelved:
        """Learn a set's documents."""
        return await learn_all(self.librarian, judged, workspace)

    def bot(self, *, speaker: Speaker | None = None, guard: Guard = SERVED) -> Bot:
        """Return a bot that keeps nothing; with a speaker the model writes by itself."""
        alone = Alone()
        return Bot(
            knowledge=self.engine,
            librarian=self.librarian,
            embedder=self.embedder,
            memory=alone,
            cache=alone,
            journal=alone,
            voices=alone,
            guard=guard,
            speaker=speaker,
            voiced=speaker is not None,
        )


@asynccontextmanager
async def open_shop(session: Session, embedder: Embedder | None = None) -> AsyncIterator[Shop]:
    """Yield an empty database with its parts."""
    urls = session.server.database()
    await migrate(urls.admin, APPLICATION)
    embedder = embedder or Remembering(MiniLM())
    with patch.object(budgets, "EMBED_QUERY", PATIENCE):
        async with Database(urls.application) as database, Parser() as parser:
            librarian = Librarian(database, embedder, fetch=fetch, parse=parser.parse)
            engine = KnowledgeEngine(database, embedder)
            yield Shop(database=database, librarian=librarian, engine=engine, embedder=embedder)


@asynccontextmanager
async def open_model() -> AsyncIterator[TgiSpeaker | None]:
    """Yield the embedded model, patiently asked: what it says counts, not when; None where this machine has none."""
    with tempfile.TemporaryDirectory() as home:
        async with embedded.join(Path(home), embedded.Wanted(model=True)) as ends:
            if ends.model_url is None:
                yield None
                return
            speaker = TgiSpeaker([ends.model_url], model=ends.model_name, token=ends.model_token, budgets=PATIENT)
            try:
                yield speaker
            finally:
                await speaker.close()


def missing(session: Session, bench: str, names: Sequence[str]) -> bool:
    """Whether a judged set is not there, and say so."""
    lacking = [name for name in names if not (session.data / name).is_dir()]
    if lacking:
        print(f"{bench} is left out: {session.data} holds no {lacking[0]}; name the folder by --data", file=sys.stderr)
    return bool(lacking)


def without_turns(judged: Judged) -> Judged:
    """Return the set with its last turns alone."""
    return replace(judged, queries=tuple(replace(query, turns=()) for query in judged.queries))


def to_texts(texts: Mapping[str, str]) -> Judged:
    """Return documents without questions."""
    return Judged(corpus=tuple(Text(id=name, title=name, text=text) for name, text in texts.items()), queries=())
