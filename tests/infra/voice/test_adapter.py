"""A trained folder: read only if it is whole, for the right base, and worth it."""

from pathlib import Path

import pytest

from bots.voicing import check_gate
from core.errors import InputError
from infra.embedded.weights import BUNDLED_SHA256
from infra.voice.adapter import check_base, read_adapter, to_name
from tests.infra.voice.folders import write_adapter


def test_a_whole_folder_is_read(tmp_path: Path):
    """Name, base, arm, the voice's words and what was held back come from the manifest."""
    adapter = read_adapter(write_adapter(tmp_path / "ours"))
    check_base(adapter, BUNDLED_SHA256)
    assert (adapter.name, adapter.arm) == ("ours-0", "raft")
    assert (adapter.stems, adapter.held_back) == ({"ahoy"}, {"q1"})


def test_a_damaged_file_is_refused(tmp_path: Path):
    """One byte more, and the file is not the one that was measured."""
    folder = write_adapter(tmp_path / "ours")
    with (folder / "ours-0.gguf").open("ab") as file:
        file.write(b"x")
    with pytest.raises(InputError, match="damaged or changed"):
        read_adapter(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "x"}'])
def test_a_broken_manifest_is_said_to_be_one(tmp_path: Path, text: str):
    """Whatever stands in the manifest, the error is a sentence with the remedy."""
    folder = write_adapter(tmp_path / "ours")
    (folder / "manifest.json").write_text(text)
    with pytest.raises(InputError, match="train again"):
        read_adapter(folder)


def test_no_folder_is_no_adapter(tmp_path: Path):
    """A folder that is not there is answered by how to make one."""
    with pytest.raises(InputError, match="vocero voice train"):
        read_adapter(tmp_path / "none")


def test_an_adapter_for_another_base_is_refused(tmp_path: Path):
    """Weights trained on another model would only make noise."""
    adapter = read_adapter(write_adapter(tmp_path / "ours", base="f" * 64))
    with pytest.raises(InputError, match="another base model"):
        check_base(adapter, BUNDLED_SHA256)


def test_the_gate_stands_before_promotion(tmp_path: Path):
    """Not compared, or compared and not worth it: refused with the reason; forced or passed: let through."""
    bare = read_adapter(write_adapter(tmp_path / "bare"))
    with pytest.raises(InputError, match=f"--raft-adapter {bare.folder}, or"):
        check_gate(bare, force=False)
    check_gate(bare, force=True)
    bad = read_adapter(write_adapter(tmp_path / "bad", passed=False, reasons=["it keeps 40% of the facts"]))
    with pytest.raises(InputError, match="40% of the facts"):
        check_gate(bad, force=False)
    check_gate(read_adapter(write_adapter(tmp_path / "good", passed=True)), force=False)


def test_a_gate_of_another_file_does_not_count(tmp_path: Path):
    """What was measured for one training says nothing of the next."""
    folder = write_adapter(tmp_path / "ours", passed=True)
    kept = (folder / "gate.json").read_text()
    write_adapter(folder, seed=1)
    (folder / "gate.json").write_text(kept)
    assert read_adapter(folder).gate() is None


def test_a_new_content_is_a_new_name():
    """Two trainings into folders of one name never share a name on the server."""
    assert to_name(Path("a/Our Voice"), "1234567890") == "our-voice-12345678"
    assert to_name(Path("a/Our Voice"), "1234567890") != to_name(Path("a/Our Voice"), "2234567890")
