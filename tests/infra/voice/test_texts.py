"""Brand texts from a folder: prose becomes examples with where they come from, everything else is left alone."""

from pathlib import Path

import pytest

from core.errors import InputError
from core.examples import Mix, split
from infra.voice import sources
from infra.voice.dataset import build

ABOUT = """# Our lanterns

We *light* every lantern by hand, and we never let a guest walk home in the dark. See [the list](https://example.org).

- a list is not prose, however long its only item may be in this very file

| Head | Head |
|------|------|

```
code is not prose either, and it may well be longer than sixty characters

even with an empty line inside it
```

## Nuestra casa

Cada noche encendemos las velas y esperamos a los huéspedes con una taza de té bien caliente.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Forty files, one of them of two paragraphs."""
    (tmp_path / "about.md").write_text(ABOUT)
    for n in range(39):
        one, two, three = (chr(97 + n % 26) + chr(97 + n // 26) + ending for ending in ("ilor", "umbras", "entomi"))
        (tmp_path / f"{one}.txt").write_text(f"Dear {one}, {two} and {three}: come in, we are warm tonight.")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    return tmp_path


def test_paragraphs_become_examples_with_their_file(folder: Path):
    """Prose alone, without its mark-up, asked for by its heading in its own language; the file with its digest."""
    examples = {e.id: e for e in sources.read(str(folder)).examples}
    ours = [e for e in examples.values() if e.id.startswith("about.md@")]
    assert [e.answer.split(",")[0] for e in ours] == [
        "We light every lantern by hand",
        "Cada noche encendemos las velas y esperamos a los huéspedes con una taza de té bien caliente.",
    ]
    assert [e.question.split(" (")[0] for e in ours] == ["Tell me about Our lanterns", "Cuéntame sobre Nuestra casa"]
    assert {e.source for e in ours} == {ours[0].id.rpartition(":")[0]}
    assert len(examples) == 41
    assert all(e.answerable is None for e in examples.values())


def test_a_files_paragraphs_stay_on_one_side(folder: Path):
    """No text is trained on and measured on; the manifest names the texts that were learned."""
    material = sources.read(str(folder))
    parts = split(material.examples, seed=1)
    assert not {e.source for e in parts.train} & {e.source for e in parts.held}
    told = build(material, {}, mix=Mix.STYLE, seed=1, shown=3).manifest(mix=Mix.STYLE, seed=1, source="texts")
    assert set(told["sources"]) == {e.source for e in parts.train}


def test_a_folder_without_texts_says_what_is_read(tmp_path: Path):
    """Empty, or with other files alone: one sentence with the remedy."""
    (tmp_path / "short.md").write_text("# Hi\n\nToo short.")
    with pytest.raises(InputError, match=r"60 characters.*\.md"):
        sources.read(str(tmp_path))
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe" * 100)
    with pytest.raises(InputError, match="UTF-8"):
        sources.read(str(tmp_path))
