"""The public sets as examples: what is made of a pair, and that a number of rows is always the same choice."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

from infra.voice import sources
from infra.voice.cases import chosen, doctor, shakespeare


def pair(finding: str, n: int = 0) -> dict[str, str]:
    """A patient's question with an answer."""
    return {
        "input": f"Doctor, I have had a cough for {n} days. I am tired. What is it?",
        "output": f"Based on your symptoms, you may have {finding}. Please come in for a test.",
    }


def test_a_finding_becomes_a_note_and_the_answer_keeps_the_manner():
    """The note holds the fact in plain words, the answer cites it, and neither holds the other's part."""
    made = doctor(pair("asthma"), "d1")
    assert made
    [note] = made["passages"]
    assert note["text"] == "Patient with I have had a cough for 0 days; I am tired: the finding is asthma."
    assert made["facts"] == [["asthma"]]
    assert made["answer"] == "Based on your symptoms, you may have asthma. [1] Please come in for a test."
    assert "Based on" not in note["text"]


def test_an_answer_without_a_finding_is_left_out():
    """Nothing is made up where the answer names nothing, or only repeats the question."""
    assert doctor({"input": "Doctor, what now?", "output": "Please come in."}, "d") is None
    assert doctor({"input": "Doctor, is it asthma?", "output": "Yes, you may have asthma."}, "d") is None
    assert shakespeare({"modern": "Madam , he's well .", "original": "Madam , he's well ."}, "s") is None


def test_the_same_rows_are_chosen_everywhere_and_can_be_imported(tmp_path: Path):
    """By digest, whatever their order; the file is read as examples with their documents."""
    lines = [json.dumps(pair(f"{chr(97 + n % 26)}{chr(97 + n // 26)}itis", n)) for n in range(60)]
    assert list(chosen("doctor", lines, 9)) == list(chosen("doctor", lines[::-1], 9))
    source, out = tmp_path / "set.jsonl.gz", tmp_path / "doctor.jsonl"
    source.write_bytes(gzip.compress("\n".join(lines).encode()))
    command = [sys.executable, "-m", "infra.voice.cases", "doctor"]
    ran = subprocess.run([*command, source, out, "--rows", "40"], capture_output=True, text=True, check=True)
    assert "40 examples" in ran.stdout
    material = sources.read(str(out))
    assert len(material.examples) == len(material.documents) == 40
    bad = subprocess.run([*command, out, out], capture_output=True, text=True, check=False)
    assert bad.returncode
    assert "is not the doctor set" in bad.stderr
