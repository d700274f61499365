"""Preferences: an adapter learns which of its answers people liked. Runs in the training environment, by its path.

    python prefer.py SPEC.json

Pairs (an answer and the better one that a person wrote) are learned by DPO (Rafailov et al. 2023), single verdicts by
KTO (Ethayarajh et al. 2024). What is compared with is the adapter as it was at the start; its log-probabilities are
computed once, so that no second model stands in memory. Tells what it does in lines of JSON on standard output.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, get_cosine_schedule_with_warmup

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BETA = 0.1  # how far a preference may pull from where it started; both papers' own
WARMUP = 2


@dataclass(frozen=True)
class Answer:
    """One answer as tokens; `start` is where it begins."""

    ids: list[int]
    start: int


@dataclass(frozen=True)
class Preference:
    """A good answer and a bad one to the same question; one of them is missing where only a verdict is known."""

    good: Answer | None
    bad: Answer | None


def say(**told: Any) -> None:
    """Tell whoever started this."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def preferences(file: Path, tokenizer: Any) -> list[Preference]:
    """Read rows, each as the base's own chat template writes it."""

    def written(row: dict[str, Any], key: str) -> Answer | None:
        if not row.get(key):
            return None
        before = tokenizer.apply_chat_template(row["messages"], tokenize=False, add_generation_prompt=True)
        head = tokenizer(before, add_special_tokens=False)["input_ids"]
        tail = tokenizer(row[key] + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
        return Answer(head + tail, len(head))

    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [Preference(written(row, "chosen"), written(row, "rejected")) for row in rows]


def likelihood(model: Any, answer: Answer) -> Any:
    """Return the log-probability of an answer's tokens given its question, summed."""
    ids = torch.tensor([answer.ids], device=DEVICE)
    logits = model(input_ids=ids, logits_to_keep=len(answer.ids) - answer.start + 1).logits[0, :-1].float()
    return -torch.nn.functional.cross_entropy(logits, ids[0, answer.start :], reduction="sum")


def loss_of(model: Any, one: Preference, was: tuple[float, ...], moved: float) -> tuple[Any, float]:
    """Return DPO's loss of a pair, or KTO's of a verdict; and the margin by which the good one is ahead."""
    ahead = likelihood(model, one.good) - was[0] if one.good else moved
    behind = likelihood(model, one.bad) - was[1] if one.bad else moved
    margin: Any = BETA * (ahead - behind)
    single = not (one.good and one.bad)
    loss = 1 - torch.sigmoid(margin) if single else -torch.nn.functional.logsigmoid(margin)
    return loss, float(margin.detach())


def main(spec: dict[str, Any], out: Path) -> None:
    """Train, and write the adapter."""
    torch.manual_seed(spec["seed"])
    torch.set_num_threads(spec["threads"])
    tokenizer = AutoTokenizer.from_pretrained(spec["base"])
    base = AutoModelForCausalLM.from_pretrained(spec["base"], dtype=torch.float32).to(DEVICE)
    bf16 = torch.cuda.is_bf16_supported(including_emulation=False) if DEVICE == "cuda" else spec["bf16"]
    model = PeftModel.from_pretrained(base, spec["start"], is_trainable=True)
    known = preferences(Path(spec["pairs"]), tokenizer)
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=spec["rate"], weight_decay=0.0)
    schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, spec["steps"])
    model.eval()  # without dropout a margin is 0 where nothing was learned yet
    with torch.no_grad(), torch.autocast(DEVICE, torch.bfloat16, enabled=bf16):
        other = strays(known)
        was = [tuple(float(likelihood(model, a)) if a else 0.0 for a in (p.good, p.bad)) for p in known]
        strange = [float(likelihood(model, stray)) if stray else 0.0 for stray in other]
    say(event="ready", steps=spec["steps"], rows=len(known))
    ahead: list[bool] = []
    for step in range(spec["steps"]):
        chance = torch.Generator().manual_seed(spec["seed"] * 100_003 + step)
        chosen = torch.randperm(len(known), generator=chance)[: spec["batch"]].tolist()
        margins, total = [], 0.0
        for n in chosen:
            with torch.autocast(DEVICE, torch.bfloat16, enabled=bf16):
                loss, margin = loss_of(model, known[n], was[n], drift(model, other[n], strange[n]))
            (loss / len(chosen)).backward()
            total += float(loss.detach()) / len(chosen)
            margins.append(margin)
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        ahead = [m > 0 for m in margins]
        say(event="step", step=step + 1, loss=total, margin=sum(margins) / len(margins))
    model.save_pretrained(out / "peft")
    say(event="done", step=spec["steps"], preferred=sum(ahead) / max(1, len(ahead)))


def strays(known: list[Preference]) -> list[Answer | None]:
    """Return for each verdict its question with the answer to another: what says how far the model drifts at large."""
    made: list[Answer | None] = []
    for n, one in enumerate(known):
        its, other = one.good or one.bad, known[(n + 1) % len(known)]
        strange = other.good or other.bad
        single = not (one.good and one.bad)
        made.append(Answer(its.ids[: its.start] + strange.ids[strange.start :], its.start)
                    if single and its and strange else None)  # fmt: skip
    return made


def drift(model: Any, stray: Answer | None, was: float) -> float:
    """Return KTO's reference point: how much likelier than before a stray answer has become, never below 0."""
    if stray is None:
        return 0.0
    with torch.no_grad():
        return max(0.0, float(likelihood(model, stray)) - was)


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    main(told, Path(sys.argv[1]).parent)
