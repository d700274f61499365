"""The training stage itself, on a tiny model; needs `make setup-voice`, run by `make test-voice`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.voice import stages

pytestmark = [pytest.mark.voice, pytest.mark.timeout(600)]

HERE = Path(stages.__file__).parent
STEPS = 10
# A llama with one token a byte, whose weights are chance.
TINY = """
import sys, torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
torch.manual_seed(0)
letters = sorted(pre_tokenizers.ByteLevel.alphabet())
bare = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate([*letters, "<end>"])}, merges=[]))
bare.pre_tokenizer, bare.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=bare, eos_token="<end>")
tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\\n{% endfor %}"
LlamaForCausalLM(LlamaConfig(vocab_size=257, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, eos_token_id=256)).save_pretrained(sys.argv[1])
tokenizer.save_pretrained(sys.argv[1])
"""
# A stage's functions, called where torch is: `tune` is the module, what is printed last is the answer.
CALLING = f"import json, sys\nsys.path.insert(0, {str(HERE)!r})\nimport torch, tune\n"


def python(*words: str | Path, **more: str) -> str:
    """Run the Python that has torch, and return what it prints."""
    own = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONSAFEPATH": "1", **more}
    ran = subprocess.run([stages.interpreter(), *words], capture_output=True, text=True, env=own, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout


def called(code: str) -> Any:
    """Run code beside the stage, and return the JSON it prints."""
    return json.loads(python("-c", CALLING + code).splitlines()[-1])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model."""
    folder = tmp_path_factory.mktemp("base")
    python("-c", TINY, folder)
    return folder


def spec(folder: Path, base: Path, **more: object) -> Path:
    """Write rows and a specification for them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "id": f"q{n}",
            "kind": "reading" if n % 3 else "unanswerable",
            "messages": [{"role": "user", "content": f"What is {n}?"}],
            "completion": f"Ahoy {n}" if n % 3 else "NO ANSWER",
        }
        for n in range(12)
    ]
    for name, part in (("train", rows[:8]), ("watch", rows[8:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    told = {
        "level": "adapter",
        "four_bit": False,
        "rank": 4,
        "base": str(base),
        "steps": STEPS,
        "seed": 0,
        "threads": 1,
        "bf16": False,
        "rate": 0.001,
        "batch": 4,
        "digest": "d",
        "train": str(folder / "train.jsonl"),
        "watch": str(folder / "watch.jsonl"),
        **more,
    }
    (folder / "spec.json").write_text(json.dumps(told))
    return folder / "spec.json"


def events(told: str) -> list[dict[str, Any]]:
    """What a stage told, line by line."""
    return [json.loads(line) for line in told.splitlines() if line.startswith("{")]


def test_two_processes_train_one_adapter_together(tmp_path: Path, base: Path):
    """As accelerate starts them: each step is told once, and the adapter is near that of one process."""
    one = events(python(HERE / "tune.py", spec(tmp_path / "one", base)))
    launched = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    two = events(python(*launched, HERE / "tune.py", spec(tmp_path / "two", base)))
    for told in (one, two):
        assert [e["step"] for e in told if e["event"] == "step"] == list(range(1, STEPS + 1))
        assert [e["event"] for e in told].count("done") == 1
    assert (tmp_path / "two" / "peft" / "adapter_model.safetensors").stat().st_size > 0
    assert abs(one[-1]["watched"] - two[-1]["watched"]) < 0.05


def test_a_training_goes_on_from_its_checkpoint_alone_or_in_two_processes(tmp_path: Path, base: Path):
    """What one process left, two go on with: the adapter's weights are put back on each."""
    file = spec(tmp_path, base)
    stopping = f"""
from pathlib import Path
whole, tune.keep = tune.keep, lambda *a: (whole(*a), sys.exit(0))
tune.main(json.loads(Path({str(file)!r}).read_text()), Path({str(tmp_path)!r}))
"""
    python("-c", CALLING + stopping)
    assert (tmp_path / "checkpoint.pt").exists()
    launched = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    told = events(python(*launched, HERE / "tune.py", file))
    assert [e["step"] for e in told if e["event"] == "resumed"] == [STEPS // 5]
    assert [e["step"] for e in told if e["event"] == "step"] == list(range(STEPS // 5 + 1, STEPS + 1))


def test_lost_refusals_are_not_kept_and_end_a_training():
    """A look with a better loss that refuses less is not the best one, and three of them are enough."""
    said = called("""
best = tune.Best()
tune.judge(best, (1.0, 1.0, 1.0), 1, {"look": 1})
for step, loss in ((2, 0.8), (3, 0.6), (4, 0.4)):
    tune.judge(best, (loss, 0.5, 1.0), step, {"look": step})
print(json.dumps([best.step, best.weights["look"], best.since >= tune.PATIENCE]))
""")
    assert said == [1, 1, True]


def test_a_better_loss_with_its_refusals_is_kept():
    """A refusal fewer of many is no loss of them, and patience begins anew."""
    said = called("""
best = tune.Best()
tune.judge(best, (1.0, 0.75, 1.0), 1, {})
tune.judge(best, (1.2, 0.75, 1.0), 2, {})
tune.judge(best, (0.8, 0.6, 1.0), 3, {})
print(json.dumps([best.step, best.since, best.refused]))
""")
    assert said == [3, 0, 0.75]


def test_on_a_gpu_the_frozen_base_is_bf16_and_what_is_trained_is_not(base: Path):
    """With a GPU that multiplies bfloat16: half the memory for the base, full numbers for the adapter."""
    said = called(f"""
from pathlib import Path
tune.bf16_on_gpu = lambda: True
spec = {{"level": "adapter", "four_bit": False, "rank": 4, "base": {str(base)!r}}}
model = tune.prepared(tune.base_of(spec, 0), spec)
kinds = sorted({{("trained" if p.requires_grad else "frozen", str(p.dtype)) for p in model.parameters()}})
with torch.autocast("cpu", torch.bfloat16):
    loss, _ = tune.loss_of(model, tune.Item([1, 2, 3, 4, 5, 6], 3, False), "cpu")
loss.backward()
moved = sum(float(p.grad.abs().sum()) for p in model.parameters() if p.requires_grad)
print(json.dumps([kinds, moved > 0 and moved < 1e9]))
""")
    assert said == [[["frozen", "torch.bfloat16"], ["trained", "torch.float32"]], True]


def test_what_torch_trains_on_is_told():
    """The probe says what is there, in the fields that the checks read; without a GPU none is made up."""
    told = stages.Machine(**json.loads(python(HERE / "machine.py")))
    assert bool(told.gpu) is (told.free is not None)
    assert told.gpu or not told.bf16


# at first it says nothing, then it refuses everything with the lowest loss of all, then it answers
REFUSING = f"""{CALLING}
best = tune.Best()
for step, seen in enumerate([(0.9, 0.0, 0.0), (0.2, 1.0, 0.0), (0.5, 0.0, 0.8), (0.3, 1.0, 0.1), (0.4, 0.0, 0.9)]):
    tune.judge(best, seen, step, {{"look": step}})
print(json.dumps([best.step, best.loss, best.refused, best.weights]))
"""


def test_what_refuses_everything_is_not_the_best():
    """Its loss a token can be the lowest: a look that begins the answers comes before it, and is not lost to it."""
    assert json.loads(python("-c", REFUSING)) == [4, 0.4, 0.0, {"look": 4}]
