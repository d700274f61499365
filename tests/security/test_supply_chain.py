"""What is installed is what was locked: hashes everywhere, no index named, nothing that runs by being there."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from site import getsitepackages

import pytest

from infra.sbom import to_sbom

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
# Files that Python runs at every start: ours, and the ones of the tools that install. Anything else came uninvited.
KNOWN = re.compile(r"_?_?(editable_impl_vocero|editable__.*vocero.*|vocero|distutils-precedence|_virtualenv)\.pth")


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if "override" not in lock.name], ids=lambda lock: lock.name)
def test_every_package_is_pinned_with_its_hashes(lock: Path) -> None:
    """Each name is followed by a version and at least one SHA-256; no line names an index or an address."""
    text = lock.read_text(encoding="utf-8")
    packages = re.findall(r"(?m)^[A-Za-z0-9].*(?:\n {4}.*)*", text)
    assert packages
    for package in packages:
        assert re.match(r"[\w.\[\]-]+==\S+", package), package.splitlines()[0]
        assert "--hash=sha256:" in package, package.splitlines()[0]
    assert not re.search(r"index-url|https?://|git\+", text)


def test_every_installation_asks_for_the_hashes() -> None:
    """No line of the Makefile installs a lock without checking it."""
    lines = [
        line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if "-r requirements/" in line
    ]
    assert len(lines) >= 4
    assert [line for line in lines if "--require-hashes" not in line] == []


def test_nothing_runs_by_being_installed() -> None:
    """No .pth file but the known ones: such a file was how a client library stole tokens in March 2026."""
    found = [path.name for folder in getsitepackages() for path in Path(folder).glob("*.pth")]
    assert [name for name in found if not KNOWN.fullmatch(name)] == []


def test_a_known_thief_is_not_in_the_locks() -> None:
    """Neither by name nor as a dependency of something else; nor the meta-package that brings hosted services."""
    names = {
        line.partition("==")[0].lower() for lock in LOCKS for line in lock.read_text(encoding="utf-8").splitlines()
    }
    assert not names & {"litellm", "llama-index", "llama-index-llms-openai", "llama-index-embeddings-openai"}


def test_the_bill_of_materials_is_the_lock() -> None:
    """Every locked package is in it once, with version, address and hashes; the same locks give the same document."""
    lock = ROOT / "requirements" / "lock.txt"
    command = [sys.executable, "-m", "infra.sbom", str(lock)]
    document = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    assert document == json.loads(json.dumps(to_sbom([lock])))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    locked = re.findall(r"(?m)^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", lock.read_text(encoding="utf-8"))
    components = document["components"]
    assert {(c["name"], c["version"]) for c in components} == set(locked)
    assert len({c["bom-ref"] for c in components}) == len(components)
    for component in components:
        assert component["purl"].startswith("pkg:pypi/")
        assert all(len(entry["content"]) == 64 for entry in component["hashes"])
        assert component["hashes"]
    assert sum("licenses" in component for component in components) > 0.9 * len(components)


@pytest.mark.slow
def test_the_same_source_is_the_same_wheel(tmp_path: Path) -> None:
    """Whoever builds it again gets the same bytes, and in it stand our four folders and nothing that runs by itself."""
    built = []
    for name in ("one", "two"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / name)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        [wheel] = (tmp_path / name).iterdir()
        built.append(wheel.read_bytes())
    assert built[0] == built[1]
    with zipfile.ZipFile(wheel) as held:
        tops = {name.split("/")[0] for name in held.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bots", "core", "adapters", "infra"}
