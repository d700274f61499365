"""The demo: the sample handbook is learned, three questions are answered here, then the chat page opens."""

import asyncio
import sys
from typing import TYPE_CHECKING

from adapters.terminal import say, show
from core.audience import EVERYONE
from core.documents import Place, Source, State
from core.messages import Answer, Outcome, Question
from infra import handbook
from infra.settings import Settings

if TYPE_CHECKING:
    from bots.wiring import Vocero

WORKSPACE = "demo"
BY = "demo"


async def answer_three(settings: Settings) -> bool:
    """Learn the handbook and answer three questions on the terminal; return whether each was answered as it must be."""
    from bots import sample
    from bots.wiring import open_vocero

    voice = sample.installed(settings, WORKSPACE)
    async with open_vocero(settings, say=say) as vocero:
        for note in vocero.notes:
            say(note)
        await _learn(vocero)
        if voice:
            await sample.introduce(settings, voice, WORKSPACE, say=say)
        by_id = {q.id: q for q in handbook.questions()}
        right = True
        for asked in (by_id[i] for i in handbook.DEMO):
            print(f"\n> {asked.question}")
            question = Question(text=asked.question, workspace=WORKSPACE, audience=EVERYONE)
            answer = await show(vocero.bot.answer(question), stream=True, out=sys.stdout, err=sys.stderr)
            right &= await _right(vocero, answer, answerable=asked.document is not None)
    print()
    return right


async def _learn(vocero: "Vocero") -> None:
    from rich.console import Console
    from rich.progress import Progress

    place = Place(workspace=WORKSPACE)
    documents = handbook.documents()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("learning the sample handbook", total=len(documents))
        for path in documents:
            content = await asyncio.to_thread(path.read_bytes)
            source = Source(name=f"handbook:{path.name}", content=content)
            learned = await vocero.bot.learn(source, place, by=BY)
            if learned.state is State.FAILED:
                say(f"{path.name}: {learned.reason}")
            progress.advance(task)
    say(f"the sample handbook holds {len(documents)} documents")


async def _right(vocero: "Vocero", answer: Answer, *, answerable: bool) -> bool:
    """Whether an answerable question was answered with citations that resolve, and the other one honestly not."""
    if not answerable:
        return answer.outcome is Outcome.ABSTAINED
    if answer.outcome not in (Outcome.ANSWERED, Outcome.EXTRACTIVE) or not answer.citations:
        return False
    for citation in answer.citations:
        _, chunks = await vocero.librarian.document(WORKSPACE, citation.document)
        if citation.chunk not in {c.id for c in chunks} or f"[{citation.n}]" not in answer.text:
            return False
    return True


def open_page(settings: Settings, *, port: int, browser: bool) -> None:
    """Serve the chat page on the handbook until told to stop."""
    from bots.console import serve

    by_id = {q.id: q for q in handbook.questions()}
    examples = tuple(by_id[i].question for i in handbook.DEMO)
    serve(settings, port=port, workspace=WORKSPACE, examples=examples, open_browser=browser)
