"""`vocero voice`: from approved answers to a voice that goes live only if it is measured to be worth it."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bots.cli import WORKSPACE, Json, Workspace, print_json, quiet, readable, run
from core.errors import InputError
from core.examples import Mix

voice = typer.Typer(
    help="Approved answers become a voice: train, compare, promote.", no_args_is_help=True, rich_markup_mode=None
)
examples = typer.Typer(help="The approved answers to train on.", no_args_is_help=True, rich_markup_mode=None)
voice.add_typer(examples, name="examples")

Examples = Annotated[
    str, typer.Option("--examples", help="A JSONL file, a folder of brand texts, or handbook: the sample company's.")
]
POLICY = "Slack's and Discord's terms let no model learn from what other people wrote there without their consent"
PREFERENCES = "{question, chosen, rejected, passages?} or {question, answer, good, passages?}"
STEADY = 600.0  # seconds of steps that the remaining time is reckoned from
Seed = Annotated[int, typer.Option(min=0, help="The same seed, the same split and the same figures.")]
By = Annotated[str, typer.Option(help="Who does this; it is kept in the audit.")]
Given = Annotated[str, typer.Argument(metavar="ADAPTER", help="A trained folder, or the name of a known adapter.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(voice, name="voice")


@examples.command("list", epilog="Example: vocero voice examples list --workspace slack/T1")
def list_examples(workspace: Workspace = WORKSPACE, as_json: Json = False) -> None:
    """Show the examples and who approved them."""
    from bots import lessons

    rows = run(lessons.list_examples(readable(workspace, "workspace"), say=quiet(as_json)))
    if as_json:
        print_json(rows)
        return
    from adapters.terminal import harmless

    for row in rows:
        print(harmless(f"{row['id']}  {row['left_out'] or row['approved_by']:<20}  {row['question'][:90]}"))
    print(f"{len(rows)} examples" if rows else "no examples yet: approve an answer in chat, or import a file")


@examples.command("import", epilog="Example: vocero voice examples import answers.jsonl --by maria")
def import_examples(
    file: Annotated[
        Path, typer.Argument(help="JSONL: {question, answer, passages?, source?} a line; or a folder of texts.")
    ],
    workspace: Workspace = WORKSPACE,
    by: Annotated[str, typer.Option(help="Who approves them; without a name they wait for an approval.")] = "",
    as_json: Json = False,
) -> None:
    """Add examples from a file; what is there already is left out."""
    from bots import lessons

    added, given = run(lessons.import_examples(file, readable(workspace, "workspace"), by, say=quiet(as_json)))
    told = f"{added} of {given} examples added" + (f"; {POLICY}" if by and added else "")
    print_json({"added": added, "given": given}) if as_json else print(told)


@examples.command("export", epilog="Example: vocero voice examples export train.jsonl")
def export_examples(
    file: Annotated[str, typer.Argument(help="Where to; - for standard output.")],
    workspace: Workspace = WORKSPACE,
    pairs: Annotated[bool, typer.Option("--pairs", help="What people bettered, for vocero voice prefer.")] = False,
    as_json: Json = False,
) -> None:
    """Write what would be trained on: approved, without duplicates, secrets and personal data taken out."""
    from bots import lessons

    exporting = lessons.export_pairs if pairs else lessons.export_examples
    lines, told = run(exporting(readable(workspace, "workspace"), say=quiet(as_json)))
    if file == "-":
        sys.stdout.write("".join(lines))
        return
    try:
        Path(file).write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file} cannot be written ({error.strerror}): name another.") from error
    why = ", ".join(f"{n} {reason}" for reason, n in told["reasons"].items())
    counted = f"{told['written']} examples written, {told['dropped']} left out" + (f" ({why})" if why else "")
    print_json(told) if as_json else print(counted)
    if as_json:
        return
    for line in told.get("contradictions", ()):
        print(line)
    if told["scrubbed"]:
        print("taken out: " + ", ".join(f"{n} {kind}" for kind, n in told["scrubbed"].items()))


@examples.command(epilog="Example: vocero voice examples approve e4k2 --by maria")
def approve(
    name: Annotated[str, typer.Argument(metavar="ID", help="The example's id.")],
    by: By = "command line",
    workspace: Workspace = WORKSPACE,
) -> None:
    """Approve an example, so that it is trained on. Slack's and Discord's terms forbid training on what others wrote
    there without their consent: approve only what the bot or you said."""
    from bots import lessons

    run(lessons.approve(name, readable(workspace, "workspace"), by, say=quiet(False)))
    print(f"approved {name}; {POLICY}")


@examples.command(epilog="Example: vocero voice examples consent e4k2 --by maria")
def consent(
    name: Annotated[str, typer.Argument(metavar="ID", help="The example's id.")],
    by: Annotated[str, typer.Option(help="Who of those it was said among agrees; it is kept in the audit.")],
    workspace: Workspace = WORKSPACE,
) -> None:
    """Let an example be learned from although it was said in a private channel or a direct message."""
    from bots import lessons

    run(lessons.consent(name, readable(workspace, "workspace"), by, say=quiet(False)))
    print(f"{name} may be learned from")


@voice.command(epilog="Example: vocero voice train --examples handbook --out voices/ours")
def train(
    examples: Examples,
    out: Annotated[Path, typer.Option(help="The folder for the adapter; the same one again goes on or trains anew.")],
    level: Annotated[str, typer.Option(help="adapter (LoRA), partial (the last layers) or full.")] = "adapter",
    mix: Annotated[Mix, typer.Option(help="style: the voice alone; raft: reading passages in the voice.")] = Mix.RAFT,
    steps: Annotated[int, typer.Option(min=0, help="Default: 24 for style, 64 for raft.")] = 0,
    seed: Seed = 0,
    four_bit: Annotated[
        bool, typer.Option("--four-bit", help="The base in 4 bits: for a CUDA GPU with little memory, by bitsandbytes.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a voice on approved answers; a third of them is held back to measure it on."""
    from bots import voicing

    wanted = voicing.Wanted(examples=examples, out=out, level=level, mix=mix, steps=steps, seed=seed, four_bit=four_bit)

    with resumable(out), _progress(shown=sys.stderr.isatty() and not as_json) as show:
        done = run(voicing.train(wanted, say=quiet(as_json), show=show, tell=telling(as_json)))
    if as_json:
        print_json(done)
        return
    held, rows = len(done["dataset"]["held_back"]), sum(done["dataset"]["rows"].values())
    print(f"trained on {rows} rows in {done['seconds']:.0f} s; {held} examples were held back to measure it on")
    if level == "adapter":
        print(f"next: vocero voice compare --examples {examples} --{'raft-' * (mix is Mix.RAFT)}adapter {out}")
    else:
        print(
            f"next: serve {out / 'model'} by TGI or vLLM, set VOCERO_MODEL_URL, and compare it by vocero voice compare"
        )


@voice.command(epilog="Example: vocero voice prefer voices/ours --pairs liked.jsonl --out voices/liked")
def prefer(
    adapter: Annotated[Path, typer.Argument(help="The folder of a trained adapter.")],
    pairs: Annotated[Path, typer.Option(help=f"JSONL, a line {PREFERENCES}.")],
    out: Annotated[Path, typer.Option(help="The folder for the new adapter.")],
    steps: Annotated[int, typer.Option(min=0, help="Default: 24.")] = 0,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Let an adapter learn which answers people preferred: pairs by DPO, verdicts by KTO."""
    from bots import voicing

    with _progress(shown=sys.stderr.isatty() and not as_json) as show:
        done = run(voicing.prefer(adapter, pairs, out, steps, seed, show=show, tell=telling(as_json)))
    if as_json:
        print_json(done)
        return
    told = done["preferences"]
    print(f"learned {told['pairs']} pairs and {told['verdicts']} verdicts in {done['seconds']:.0f} s")
    option = "raft-" * (done["dataset"]["mix"] == Mix.RAFT.value)
    print(f"next: vocero voice compare --examples {done['dataset']['source']} --{option}adapter {out}")


@voice.command(epilog="Example: vocero voice compare --examples handbook --raft-adapter voices/ours --out report")
def compare(
    examples: Examples,
    adapter: Annotated[Path | None, typer.Option(help="Trained with --mix style.")] = None,
    raft_adapter: Annotated[Path | None, typer.Option(help="Trained with --mix raft.")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for report.html and report.json.")] = None,
    seed: Seed = 0,
    limit: Annotated[int, typer.Option(min=0, help="At most so many questions; 0: all held back.")] = 0,
    price_hour: Annotated[float, typer.Option(help="What you pay for an hour of the server that answers.")] = 0.0,
    price_in: Annotated[float, typer.Option(help="What you pay for a million tokens that the model reads.")] = 0.0,
    price_out: Annotated[float, typer.Option(help="What you pay for a million tokens that it writes.")] = 0.0,
    judge: Annotated[
        list[str] | None,
        typer.Option(metavar="URL=MODEL", help="Twice: two other models say, too, which answers are better."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask every way of answering the questions held back from training, and say which is worth it."""
    from bots import comparing
    from core.pricing import Prices
    from infra.voice.report import to_lines

    asked = comparing.Asked(
        examples=examples,
        adapter=adapter,
        raft_adapter=raft_adapter,
        out=out,
        seed=seed,
        limit=limit,
        prices=Prices(hour=price_hour, tokens_in=price_in, tokens_out=price_out),
        judges=tuple(judge or ()),
    )
    with _progress(shown=sys.stderr.isatty() and not as_json) as show:
        report = run(comparing.compare(asked, say=quiet(as_json), show=show))
    if as_json:
        print_json(report)
    else:
        print("\n".join(to_lines(report)))


@voice.command(epilog="Example: vocero voice promote voices/ours --workspace slack/T1")
def promote(
    adapter: Given,
    workspace: Workspace = WORKSPACE,
    force: Annotated[bool, typer.Option("--force", help="Even if the comparison advises against it; audited.")] = False,
    by: By = "command line",
) -> None:
    """Let a voice speak in a workspace, if the comparison found it worth it; the one before it is withdrawn."""
    from bots import voicing

    print(run(voicing.promote(adapter, readable(workspace, "workspace"), force, by, say=quiet(False))))


@voice.command(epilog="Example: vocero voice withdraw ours-1a2b3c4d")
def withdraw(adapter: Given, workspace: Workspace = WORKSPACE, by: By = "command line") -> None:
    """Let a voice speak no more; answers are at once as they were without it."""
    from bots import voicing

    print(run(voicing.withdraw(adapter, readable(workspace, "workspace"), by, say=quiet(False))))


@voice.command("list", epilog="Example: vocero voice list --json")
def list_voices(workspace: Workspace = WORKSPACE, as_json: Json = False) -> None:
    """Show a workspace's voices, the live one first."""
    from bots import voicing

    rows = run(voicing.list_voices(readable(workspace, "workspace"), say=quiet(as_json)))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print(
            f"{row['state']:<10} {row['name']:<30} {row['arm']:<6} by {row['by'] or '-'}, {row['changed']:%Y-%m-%d}"
            + (", to be trained again: it learned from what was forgotten" if row["rebuild"] else "")
        )
    if not rows:
        print("no voices yet: vocero voice train")


def telling(as_json: bool) -> Callable[[str], None]:
    """Return how something is told that everyone has to see: beside the JSON, if that is what is printed."""
    from adapters.terminal import harmless

    return lambda line: print(harmless(line), file=sys.stderr if as_json else sys.stdout, flush=True)


@contextmanager
def resumable(out: Path) -> Iterator[None]:
    """Say how a training that is stopped, by Ctrl-C or SIGTERM, goes on."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        kept = (out.expanduser() / "checkpoint.pt").exists()
        what = "goes on from its last checkpoint" if kept else "starts again, since no checkpoint was written yet"
        print(f"vocero: The training was interrupted: the same command {what}.", file=sys.stderr)
        raise


@contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[str, int, int, dict[str, Any]], None]]:
    """Show one bar with the remaining time; where there is no terminal, nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not shown, speed_estimate_period=STEADY) as bars:
        task = bars.add_task("starting", total=None)

        def show(what: str, done: int, of: int, more: dict[str, Any]) -> None:
            detail = " ".join(f"{key} {value:.2f}" for key, value in more.items())
            bars.update(task, description=f"{what} {detail}".strip(), completed=done, total=of or None)

        yield show


def to_line(row: dict[str, Any]) -> str:
    """Return one line of JSON."""
    return json.dumps(row, ensure_ascii=False) + "\n"
