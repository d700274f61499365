"""The Dockerfile: what its comments promise, checked without Docker."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = re.sub(r"\\\n", " ", (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")).splitlines()
STEPS = [line for line in LINES if line and not line.startswith("#")]
KNOWN = {
    "ARG",
    "FROM",
    "ENV",
    "WORKDIR",
    "COPY",
    "RUN",
    "LABEL",
    "USER",
    "VOLUME",
    "EXPOSE",
    "STOPSIGNAL",
    "ENTRYPOINT",
    "CMD",
}


def steps(word: str) -> list[str]:
    """Return what follows each instruction of a kind."""
    return [line.split(maxsplit=1)[1] for line in STEPS if line.startswith(word + " ")]


def test_every_line_is_an_instruction() -> None:
    """No line was torn apart, and every shell line can be read by a shell."""
    assert {line.split()[0] for line in STEPS} <= KNOWN
    for run in steps("RUN"):
        assert shlex.split(run)


def test_it_builds_in_one_stage_and_runs_in_another_as_nobody_special() -> None:
    """Two stages; the last has a number for its user, no build tools of ours, and starts the command directly."""
    froms = steps("FROM")
    assert len(froms) == 2
    assert froms[0].endswith(" AS build")
    last = STEPS[[n for n, line in enumerate(STEPS) if line.startswith("FROM ")][-1] :]
    assert [line for line in last if line.startswith("USER ")] == ["USER 10001:10001"]
    assert not any("pip" in line for line in last)
    assert last.index("USER 10001:10001") > max(n for n, line in enumerate(last) if line.startswith("RUN "))
    assert steps("ENTRYPOINT") == ['["vocero"]']
    assert not any(line.startswith(("ADD ", "HEALTHCHECK")) for line in STEPS)


def test_every_package_comes_with_its_hash() -> None:
    """Nothing is installed that no lock names, and no secret is a build argument."""
    for run in steps("RUN"):
        for command in run.split("&&"):
            if "pip install" in command:
                assert "--require-hashes" in command or command.strip().endswith("--no-build-isolation --no-deps .")
    for name in ("lock", "models"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        pinned = re.findall(r"^[\w.\[\]-]+ ?==", text, re.MULTILINE)
        assert pinned
        assert text.count("--hash=sha256:") >= len(pinned)
    assert steps("ARG") == ["PYTHON=python:3.12-slim-bookworm"]


def test_no_step_depends_on_others_code_compiling() -> None:
    """Packages bring files that no Python of today compiles; pip passes over them, and compiles the rest itself."""
    assert not [run for run in steps("RUN") if "compileall" in run]
    assert not any("--no-compile" in run for run in steps("RUN"))


def test_what_is_copied_is_there_and_let_in() -> None:
    """Each COPY names what exists and what the ignore file lets through; secrets and data stay out."""
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    for copy in steps("COPY"):
        if copy.startswith("--from"):
            continue
        for source in copy.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source.split("/")[0] in let_in, source
    assert not {".env", "tests", ".git"} & let_in


def test_the_wheel_holds_the_four_folders() -> None:
    """What the image installs is what the wheel's target names."""
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'packages = ["bots", "core", "adapters", "infra"]' in pyproject
    for folder in ("bots", "core", "adapters", "infra"):
        assert f"{folder} {folder}" in steps("COPY")


def test_the_ports_are_those_of_the_code() -> None:
    """Exposed are the operators' ports, the events' and the console's."""
    assert steps("EXPOSE") == ["3000 8321 9464 9465 9466 9467"]
