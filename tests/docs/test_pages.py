"""The pages: their links lead somewhere, the settings they name exist, and each is found from the README."""

import re
from pathlib import Path

import pytest

from infra.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")] + sorted((ROOT / "docs").glob("*.md"))
OTHERS = {  # not the bot's: of the compose file, of other programs
    *("VOCERO_DATABASE_PASSWORD", "VOCERO_IMAGE"),
}


def slug(title: str) -> str:
    """Return the anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", title.casefold()).strip().replace(" ", "-")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Files exist, and so do the headings that links point at."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), f"{path.name}: {target}"
        if anchor and there.suffix == ".md":
            headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, f"{path.name}: {target}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_settings_named_are_settings(path: Path) -> None:
    """No page names a VOCERO_ setting that is not read."""
    known = {str(f.validation_alias or f"VOCERO_{name.upper()}") for name, f in Settings.model_fields.items()} | OTHERS
    named = set(re.findall(r"\bVOCERO_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))
    assert sorted(named - known) == []


def test_every_page_is_found_from_the_readme() -> None:
    """A page that nothing leads to is not read."""
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        targets = re.findall(r"\]\(([^)\s#]+)", path.read_text(encoding="utf-8"))
        there = [(path.parent / target).resolve() for target in targets if not target.startswith("http")]
        waiting += [page for page in there if page.exists()]
    assert sorted(p.name for p in (ROOT / "docs").glob("*.md") if p not in seen) == []


def test_the_ports_and_folders_of_the_readme_are_there() -> None:
    """The tree that the README shows is the tree."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for folder in re.findall(r"^(\w+)/ {2,}", text, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder


def test_the_picture_names_files_that_there_are() -> None:
    """Each file and folder in the picture of how it works exists."""
    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    picture = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)[0]
    named = re.findall(r"\b((?:adapters|bots|core|infra)/[\w/.]*\w)", picture)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []
