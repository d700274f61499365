"""The shape of the house: arrows point to the core, every library has one home, light commands stay light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("bots", "core", "adapters", "infra")
MAY_IMPORT = {
    "core": {"core"},
    "adapters": {"adapters", "core"},
    "infra": {"infra", "core"},
    "bots": {"bots", "adapters", "infra", "core"},
}
HOMES = {
    "llama_index": ("infra/knowledge/",),
    "psycopg": ("infra/postgres/", "infra/knowledge/", "infra/embedded/"),
    "psycopg_pool": ("infra/postgres/",),
    "redis": ("infra/redis/",),
    "huggingface_hub": ("infra/models/",),
    "nicegui": ("adapters/console/", "bots/console.py"),
    "cryptography": ("infra/sealing.py",),
    "prometheus_client": ("infra/telemetry/",),
    "opentelemetry": ("infra/telemetry/",),
    "slack_bolt": ("adapters/slack/", "bots/slack.py"),
    "slack_sdk": ("adapters/slack/", "bots/slack.py"),
    "discord": ("adapters/discord/", "bots/discord.py", "bots/discord_setup.py"),
    "httpx2": ("infra/knowledge/fetch.py", "infra/models/"),
    "httpcore2": ("infra/knowledge/",),
    "procrastinate": ("infra/knowledge/worker.py",),
    "openpyxl": ("infra/knowledge/readers/",),
    "pptx": ("infra/knowledge/readers/",),
    "olefile": ("infra/knowledge/readers/",),
    "xllamacpp": ("infra/embedded/",),
    **dict.fromkeys(("torch", "transformers", "peft", "accelerate", "gguf"), ("infra/voice/",)),
    "tokenizers": ("infra/embedded/",),
    "structlog": ("infra/", "adapters/", "bots/"),
    "pydantic_settings": ("infra/settings.py",),
    "typer": ("bots/",),
}
HEAVY = ("llama_index", "nicegui", "torch", "numpy", "psycopg", "redis", "huggingface_hub", "sqlalchemy")


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full name of every import in a file, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative imports hide where a thing lives"
            yield node.lineno, node.module or ""


def sources(top: str) -> list[Path]:
    """Return the Python files below one of the four folders."""
    return sorted((ROOT / top).rglob("*.py"))


@pytest.mark.parametrize("top", OURS)
def test_arrows_point_to_the_core(top: str) -> None:
    """Of our own folders each imports only those it may."""
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {name}"
        for file in sources(top)
        for line, name in imports(file)
        if name.split(".")[0] in OURS and name.split(".")[0] not in MAY_IMPORT[top]
    ]
    assert not wrong, "\n".join(wrong)


def test_the_core_needs_nothing_but_the_standard_library() -> None:
    """No third-party import stands anywhere in core."""
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {name}"
        for file in sources("core")
        for line, name in imports(file)
        if name.split(".")[0] not in sys.stdlib_module_names and name.split(".")[0] != "core"
    ]
    assert not wrong, "\n".join(wrong)


def test_every_library_has_one_home() -> None:
    """A library with a home is imported nowhere else."""
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {name}, whose home is {HOMES[name.split('.')[0]]}"
        for top in OURS
        for file in sources(top)
        for line, name in imports(file)
        if (homes := HOMES.get(name.split(".")[0])) and not str(file.relative_to(ROOT).as_posix()).startswith(homes)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_dependency_claims_our_names() -> None:
    """None of the installed distributions ships a top-level module with one of our four names."""
    claimed = {
        f"{dist.name} ships {top}"
        for dist in distributions()
        if dist.name != "vocero"
        for file in dist.files or ()
        if (top := file.parts[0].removesuffix(".py")) in OURS
    }
    assert not claimed, "\n".join(sorted(claimed))


HELP = "import sys; sys.argv = ['vocero', {}]; from bots.cli import main\ntry: main()\nexcept SystemExit: pass"


@pytest.mark.parametrize(
    "code",
    ["import core.bot, core.ports", HELP.format("'--help'"), HELP.format("'docs', '--help'")],
    ids=["core", "--help", "docs --help"],
)
def test_light_commands_stay_light(code: str) -> None:
    """Neither the core nor a help text loads LlamaIndex, NiceGUI, torch or any other heavy library."""
    probe = f"{code}\nimport sys, json; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    ran = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.strip().splitlines()[-1] == "[]"


def test_no_vague_names() -> None:
    """No module is called utils, helpers, common, manager, service, base or misc."""
    vague = {"utils", "helpers", "common", "manager", "service", "base", "misc"}
    assert not [f for top in (*OURS, "tests") for f in sources(top) if f.stem in vague]
