"""`vocero ask` and `vocero search`: a question, and what would be found for it."""

import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import typer

from bots.cli import WORKSPACE, Json, Scopes, Workspace, print_json, quiet, readable, run
from core.audience import to_audience
from core.errors import InputError
from core.messages import Answer, Arm, Done, Event, Outcome, Piece, Question, Status

LIMIT = 10
MOST = 100  # passages of one search; the function looks at no more candidates


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog='Example: vocero ask "How long do refunds take?"')(ask)
    app.command(epilog='Example: vocero search "refunds" --limit 5')(search)


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know; - reads it from standard input.")],
    workspace: Workspace = WORKSPACE,
    scope: Scopes = None,
    user: Annotated[str, typer.Option(help="Who asks, such as slack/T1/U3.")] = "",
    conversation: Annotated[str, typer.Option(help="Its id; follow-ups with the same one are understood.")] = "",
    arm: Annotated[Arm | None, typer.Option(help="The way of answering; default: the best that is live.")] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Answer anew.")] = False,
    as_json: Json = False,
    stream: Annotated[bool, typer.Option("--stream", help="Show sentences as they come.")] = False,
) -> None:
    """Answer a question from the documents, with sources."""
    text = sys.stdin.buffer.read().decode("utf-8", "replace") if question == "-" else question
    asked = Question(
        text=text,
        workspace=readable(workspace, "workspace"),
        audience=to_audience(scope),
        user=readable(user, "user"),
        conversation=readable(conversation, "conversation"),
        arm=arm,
        cached=not no_cache,
    )
    answer = run(_ask(asked, as_json, stream))
    if answer.outcome in (Outcome.REFUSED, Outcome.FAILED):
        raise typer.Exit(1)


async def _ask(question: Question, as_json: bool, stream: bool) -> Answer:
    from adapters import terminal
    from bots.wiring import open_vocero
    from infra.settings import read_settings

    async with open_vocero(read_settings(), say=quiet(as_json)) as vocero:
        if as_json:
            return await _ask_json(vocero.bot.answer(question), stream)
        return await terminal.show(vocero.bot.answer(question), stream=stream, out=sys.stdout, err=sys.stderr)


async def _ask_json(events: AsyncGenerator[Event], stream: bool) -> Answer:
    from core.wire import to_json

    async with aclosing(events):
        async for event in events:
            match event:
                case Status(stage) if stream:
                    print_json({"status": stage})
                case Piece(text) if stream:
                    print_json({"piece": text})
                case Done(answer):
                    print_json(to_json(answer))
                    if answer.outcome in (Outcome.REFUSED, Outcome.FAILED):
                        print(f"vocero: {answer.text}", file=sys.stderr)
                    return answer
                case _:
                    pass
    raise RuntimeError("an answer ended without its end")


def search(
    query: Annotated[str, typer.Argument(help="Words or a question.")],
    workspace: Workspace = WORKSPACE,
    scope: Scopes = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many passages.")] = LIMIT,
    mode: Annotated[str, typer.Option(help="hybrid, dense or lexical.")] = "hybrid",
    as_json: Json = False,
) -> None:
    """Show the passages that a question would be answered from, best first."""
    if mode not in ("hybrid", "dense", "lexical"):
        raise InputError(f"{mode!r} is no way of searching: use hybrid, dense or lexical.")
    run(_search(query, readable(workspace, "workspace"), scope, limit, mode, as_json))


async def _search(query: str, workspace: str, scope: list[str] | None, limit: int, mode: str, as_json: bool) -> None:
    from adapters.terminal import harmless
    from bots.wiring import open_vocero
    from core.bot import to_text
    from core.phrases import phrase
    from infra.settings import read_settings

    async with open_vocero(read_settings(), say=quiet(as_json), model=False, redis=False) as vocero:
        found = await vocero.knowledge.retrieve(
            to_text(query), workspace=workspace, audience=to_audience(scope), limit=limit, mode=mode
        )
    if found.degraded:
        print(f"vocero: {phrase('words_only', 'en', reason=found.degraded)}", file=sys.stderr)
    rows = [
        {
            "rank": rank,
            "document": p.document,
            "chunk": p.chunk,
            "title": p.title,
            "url": p.url,
            "score": p.score,
            "cosine": p.cosine,
            "text": p.text,
        }
        for rank, p in enumerate(found.passages, 1)
    ]
    if as_json:
        print_json(rows)
        return
    if not rows:
        print("nothing found")
    for row in rows:
        closeness = "" if row["cosine"] is None else f"  {row['cosine']:.2f}"
        print(harmless(f"{row['rank']:>3}  {row['title']}{closeness}  {row['document']}"))
        print(harmless("     " + " ".join(str(row["text"]).split())[:160]))
