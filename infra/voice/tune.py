"""The training itself: a base model and a dataset become an adapter. Runs in the training environment, by its path.

    python tune.py SPEC.json        (several processes: accelerate launch tune.py SPEC.json)

Tells what it does in lines of JSON on standard output. Only the answer's tokens count for the loss. A checkpoint is
written at every look at the watched rows; the same specification started again goes on from there. The numbers: float32
on a processor, under bf16 where it multiplies that itself; on a GPU that can, the frozen base of an adapter in bf16, or
in 4 bits (nf4, by bitsandbytes) if asked, what is trained in float32 under bf16.
"""

import json
import math
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from peft import (
    LoraConfig,
    get_peft_model,
    get_peft_model_state_dict,
    prepare_model_for_kbit_training,
    set_peft_model_state_dict,
)
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, get_cosine_schedule_with_warmup

# All linear layers; vanilla LoRA only, so that TGI, vLLM and llama.cpp can all load it.
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
WARMUP = 5
LOOKS = 5  # at the watched rows, over the whole training
PATIENCE = 3  # looks without a better loss before it ends
WATCHED = 16  # rows looked at; more would take longer than the steps between
ANSWERS = 0.5  # of the watched answers a look has to begin: one that refuses everything can have the lowest loss
LOST_REFUSALS = 0.25  # a checkpoint that refuses this share less of what it must than the best one is not kept
LAST_LAYERS = 0.25  # of the layers, for the level `partial`
IGNORED = -100


@dataclass(frozen=True)
class Item:
    """One row as tokens; `start` is where the answer begins."""

    ids: list[int]
    start: int
    refuses: bool


@dataclass
class Best:
    """The best look so far."""

    loss: float = math.inf
    refused: float = 0.0
    answers: bool = False  # whether it begins most of the answers it should
    step: int = 0
    since: int = 0
    weights: dict[str, Any] = field(default_factory=dict)


def say(**told: Any) -> None:
    """Tell whoever started this."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def silent(**told: Any) -> None:
    """Tell nothing: another process does."""


def items(file: Path, tokenizer: Any) -> list[Item]:
    """Read rows, each as the base's own chat template writes it."""
    made = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        before = tokenizer.apply_chat_template(row["messages"], tokenize=False, add_generation_prompt=True)
        head = tokenizer(before, add_special_tokens=False)["input_ids"]
        tail = tokenizer(row["completion"] + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
        made.append(Item(head + tail, len(head), row["kind"] in ("unanswerable", "missing")))
    return made


def loss_of(model: Any, item: Item, device: Any) -> tuple[Any, bool]:
    """Return the summed loss of the answer's tokens alone, and whether its first token would have been chosen."""
    ids = torch.tensor([item.ids], device=device)
    logits = model(input_ids=ids, logits_to_keep=len(item.ids) - item.start + 1).logits[0, :-1].float()
    wanted = ids[0, item.start :]
    return torch.nn.functional.cross_entropy(logits, wanted, reduction="sum"), bool(logits[0].argmax() == wanted[0])


def bf16_on_gpu() -> bool:
    """Whether the GPU multiplies bfloat16 itself; one that only pretends to is slower than in float32."""
    return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False))


def quantized() -> Any:
    """Return how a base is loaded in 4 bits, as QLoRA does (Dettmers et al. 2023)."""
    compute = torch.bfloat16 if bf16_on_gpu() else torch.float16
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )


def base_of(spec: dict[str, Any], place: int) -> Any:
    """Load the base in the numbers that fit what is trained and where."""
    if spec["four_bit"]:
        model = AutoModelForCausalLM.from_pretrained(
            spec["base"], quantization_config=quantized(), device_map={"": place}
        )
        return prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    frozen = spec["level"] == "adapter" and bf16_on_gpu()
    return AutoModelForCausalLM.from_pretrained(spec["base"], dtype=torch.bfloat16 if frozen else torch.float32)


def prepared(model: Any, spec: dict[str, Any]) -> Any:
    """Return the model with what is to be trained unfrozen, by level."""
    if spec["level"] == "adapter":
        config = LoraConfig(
            r=spec["rank"],
            lora_alpha=2 * spec["rank"],
            lora_dropout=0.05,
            target_modules=TARGETS,
            task_type="CAUSAL_LM",
        )
        return get_peft_model(model, config)
    layers = len(model.model.layers)
    first = 0 if spec["level"] == "full" else layers - max(1, round(LAST_LAYERS * layers))
    for name, weight in model.named_parameters():
        layer = next((int(part) for part in name.split(".") if part.isdigit()), None)
        weight.requires_grad = spec["level"] == "full" or (layer is not None and layer >= first)
    return model


def weights_of(model: Any, spec: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of what is trained."""
    whole = get_peft_model_state_dict(model) if spec["level"] == "adapter" else dict(model.named_parameters())
    kept = {k: v for k, v in whole.items() if spec["level"] == "adapter" or v.requires_grad}
    return {name: weight.detach().cpu().clone() for name, weight in kept.items()}


def put_back(model: Any, weights: dict[str, Any], spec: dict[str, Any]) -> None:
    """Set what is trained to kept weights."""
    if spec["level"] == "adapter":
        set_peft_model_state_dict(model, weights)
    else:
        model.load_state_dict(weights, strict=False)


def tokens(several: list[Item]) -> int:
    """Return how many tokens of answers there are."""
    return sum(len(item.ids) - item.start for item in several)


def look(model: Any, watched: list[Item], device: Any) -> tuple[float, float, float]:
    """Return the watched rows' loss a token, the share of refusals still begun, and that of answers still begun."""
    model.eval()
    with torch.no_grad():
        seen = [(loss_of(model, item, device), item.refuses) for item in watched]
    model.train()
    begun = {kind: [chosen for (_, chosen), refuses in seen if refuses is kind] for kind in (True, False)}
    shares = [sum(chosen) / max(1, len(chosen)) for chosen in (begun[True], begun[False])]
    return sum(float(loss) for (loss, _), _ in seen) / tokens(watched), shares[0], shares[1]


def main(spec: dict[str, Any], out: Path) -> None:
    """Train, keep the best look's weights, write the adapter."""
    torch.manual_seed(spec["seed"])
    torch.set_num_threads(spec["threads"])
    gpu = torch.cuda.is_available()
    accelerator = Accelerator(cpu=not gpu, mixed_precision="bf16" if (bf16_on_gpu() if gpu else spec["bf16"]) else "no")
    tell = say if accelerator.is_main_process else silent  # of several processes one speaks and writes
    tokenizer = AutoTokenizer.from_pretrained(spec["base"])
    model = prepared(base_of(spec, accelerator.local_process_index), spec)
    train, watched = items(Path(spec["train"]), tokenizer), items(Path(spec["watch"]), tokenizer)
    watched = (sorted(watched, key=lambda item: not item.refuses)[: WATCHED // 4] + watched)[:WATCHED] or train[:4]
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=spec["rate"], weight_decay=0.0)
    model, optimizer = accelerator.prepare(model, optimizer)
    steps, per_step = spec["steps"], max(1, spec["batch"] // accelerator.num_processes)
    schedule = get_cosine_schedule_with_warmup(optimizer, WARMUP, steps)
    tell(
        event="ready",
        steps=steps,
        rows=len(train),
        tokens=sum(len(i.ids) for i in train) / len(train),
        longest=max(len(i.ids) for i in train),
        trained=sum(w.numel() for w in learning),
        device=str(accelerator.device),
    )
    best, step = resumed(accelerator.unwrap_model(model), optimizer, schedule, spec, out)
    if step:
        tell(event="resumed", step=step)
    model.train()
    every = max(1, steps // LOOKS)
    began, first = time.monotonic(), step
    while step < steps:
        order = rows_of(step, per_step, len(train), spec["seed"], accelerator)
        # by token, not by row: three tokens of a refusal would weigh as much as forty of an answer, and the model
        # learns to refuse everything (measured, see LOG.md)
        total, counted = 0.0, tokens([train[n] for n in order])
        for n in order:
            with accelerator.autocast():
                loss, _ = loss_of(model, train[n], accelerator.device)
            accelerator.backward(loss / counted)
            total += float(loss.detach())
        accelerator.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        step += 1
        took = time.monotonic() - began
        tell(event="step", step=step, loss=total / counted, left=took / (step - first) * (steps - step))
        if step % every == 0 or step == steps:
            with accelerator.autocast():
                loss, refused, answered = look(model, watched, accelerator.device)
            judge(best, (loss, refused, answered), step, weights_of(accelerator.unwrap_model(model), spec))
            tell(event="look", step=step, watched=loss, refused=refused, answered=answered, best=best.step)
            if accelerator.is_main_process:
                keep(best, accelerator.unwrap_model(model), optimizer, schedule, step, spec, out)
            # one process decides: devices round differently, and one that went on alone would wait for ever
            [ends] = broadcast_object_list([best.since >= PATIENCE])
            if ends:
                break
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        finish(accelerator.unwrap_model(model), best, step, spec, out, tokenizer)


def rows_of(step: int, per_step: int, rows: int, seed: int, accelerator: Any) -> list[int]:
    """Return which rows a step reads: each epoch in an order of its own, the same whenever it is asked."""
    share = accelerator.num_processes * per_step
    chosen = []
    for n in range(
        step * share + accelerator.process_index * per_step, step * share + (accelerator.process_index + 1) * per_step
    ):
        chance = torch.Generator().manual_seed(seed * 100_003 + n // rows)
        chosen.append(int(torch.randperm(rows, generator=chance)[n % rows]))
    return chosen


def judge(best: Best, seen: tuple[float, float, float], step: int, weights: dict[str, Any]) -> None:
    """Keep these weights if they are the best: those that answer, of these by loss, unless refusals were lost."""
    loss, refused, answered = seen
    best.since += 1
    answers = answered >= ANSWERS
    if answers == best.answers:
        better = loss < best.loss and refused >= best.refused - LOST_REFUSALS
        refused = max(refused, best.refused)
    else:
        better = answers
    if better:
        best.loss, best.refused, best.answers = loss, refused, answers
        best.step, best.since, best.weights = step, 0, weights


def keep(best: Best, model: Any, optimizer: Any, schedule: Any, step: int, spec: dict[str, Any], out: Path) -> None:
    """Write a checkpoint in one step."""
    state = {
        "spec": spec["digest"],
        "step": step,
        "weights": weights_of(model, spec),
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "best": vars(best),
        "chance": torch.get_rng_state(),
        "chances": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    fresh = out / "checkpoint.fresh"
    try:
        torch.save(state, fresh)
    except (OSError, RuntimeError):  # a disk that is full: the last checkpoint stands, and what was half written goes
        fresh.unlink(missing_ok=True)
        raise
    fresh.replace(out / "checkpoint.pt")


def resumed(model: Any, optimizer: Any, schedule: Any, spec: dict[str, Any], out: Path) -> tuple[Best, int]:
    """Return where to go on: at the checkpoint of this very specification, else at the start."""
    file = out / "checkpoint.pt"
    if not file.exists():
        return Best(), 0
    state = torch.load(file, map_location="cpu", weights_only=True)  # else every process would fill the first GPU
    if state["spec"] != spec["digest"]:
        return Best(), 0
    put_back(model, state["weights"], spec)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    torch.set_rng_state(state["chance"])
    if (chances := state.get("chances")) and len(chances) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(chances)
    return Best(**state["best"]), state["step"]


def finish(model: Any, best: Best, step: int, spec: dict[str, Any], out: Path, tokenizer: Any) -> None:
    """Write the best weights in the form that TGI and vLLM load."""
    import resource

    put_back(model, best.weights, spec)
    model.save_pretrained(out / "peft" if spec["level"] == "adapter" else out / "model")
    if spec["level"] != "adapter":
        tokenizer.save_pretrained(out / "model")
    (out / "checkpoint.pt").unlink(missing_ok=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    say(event="done", step=step, best=best.step, watched=best.loss, refused=best.refused, peak=peak)


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    main(told, Path(sys.argv[1]).parent)
