"""Two public sets as examples, for runs that anyone can repeat: `python -m infra.voice.cases doctor FILE OUT`.

doctor       patients' questions with a doctor's answers: where the idea of this part comes from. Of each answer the
             finding becomes a plain note, which the bot can look up; the answer shows the manner. So facts and manner
             are two things, and each arm shows which of them it has.
shakespeare  sentences of today beside the stage's: manner alone, nothing to look up.

The rows are chosen by digest, so that a number of rows is the same choice everywhere. The sets themselves are not ours
and do not come with Vocero; see docs/voice.md for where they are and what their owners allow.
"""

import argparse
import gzip
import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from core.citations import with_marker
from core.words import sentences

ROWS: Final = 90
_FINDING: Final = re.compile(
    r"(?:suffering from|you (?:may|might|could) (?:also )?have(?: developed)?|(?:likely|possible) that you have"
    r"|experiencing|diagnosed with|a condition called|known as|(?:a|the) signs? of|indicative of|likely to be)\s+"
    r"(?:an? |the |something called )?(?P<finding>[a-z][\w'’ -]{4,48}?)"
    r"(?=[.,;(]|\s+(?:which|that|based|due|caused|and|as|or|when|after|from|in)\b)"
)
_ADDRESS: Final = re.compile(r"(?i)^(?:hi|hello|hey|dear)?[\s,]*(?:doctor|doc|dr\.?)[\s,.!:]*")


def doctor(row: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Turn a patient's pair into an example with a plain note; None where no finding can be told from the answer."""
    asked, said = " ".join(row["input"].split()), " ".join(row["output"].split())
    found = _FINDING.search(said)
    if not found or len(said) > 420 or found["finding"].lower() in asked.lower():
        return None
    finding = found["finding"].strip()
    if len(finding.split()) > 4 or re.search(r"\b(?:symptoms?|it|this|your|some|called|suffered|lodged)\b", finding):
        return None
    # one plain sentence: of two the bot would quote the one that repeats the question
    complaint = "; ".join(s.rstrip(".!") for s in sentences(_ADDRESS.sub("", asked)) if not s.endswith("?"))
    note = f"Patient with {complaint or asked}: the finding is {finding}."
    return {
        "id": name,
        "question": asked,
        "answer": " ".join(with_marker(s, 1) if finding in s else s for s in sentences(said)),
        "passages": [{"title": f"Record {name}", "document": name, "text": note}],
        "source": name,
        "facts": [[finding]],
        "answerable": True,
    }


def shakespeare(row: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Turn a pair of sentences into an example of manner; None where they are too short or the same."""
    modern, original = (_joined(row[key]) for key in ("modern", "original"))
    if len(original) < 40 or len(original) > 240 or modern.casefold() == original.casefold():
        return None
    return {"id": name, "question": f"Say in your own words: {modern}", "answer": original}


def _joined(text: str) -> str:
    """Undo a tokeniser's spaces before punctuation."""
    return re.sub(r"\s+([.,;:!?'’])", r"\1", " ".join(text.replace("``", '"').replace("''", '"').split()))


CASES: Final[dict[str, Callable[[dict[str, Any], str], dict[str, Any] | None]]] = {
    "doctor": doctor,
    "shakespeare": shakespeare,
}


def chosen(case: str, lines: list[str], rows: int) -> Iterator[dict[str, Any]]:
    """Yield so many examples, chosen by their lines' digests, each finding once."""
    ranked = sorted((hashlib.sha256(line.encode()).hexdigest(), line) for line in lines)
    seen: set[str] = set()
    for digest, line in ranked:
        example = CASES[case](json.loads(line), f"{case}-{digest[:8]}")
        told = "".join(example["facts"][0]).lower() if example and example.get("facts") else digest
        if example is None or told in seen:
            continue
        seen.add(told)
        yield example
        if len(seen) == rows:
            return


def main() -> None:
    """Read the command line, write the examples."""
    parser = argparse.ArgumentParser(prog="python -m infra.voice.cases", description=__doc__)
    parser.add_argument("case", choices=sorted(CASES))
    parser.add_argument("file", type=Path, help="train.jsonl or train.jsonl.gz of the set")
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    told = parser.parse_args()
    try:
        raw = told.file.read_bytes()
        lines = (gzip.decompress(raw) if told.file.suffix == ".gz" else raw).decode().splitlines()
        made = list(chosen(told.case, lines, told.rows))
        told.out.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in made), encoding="utf-8")
    except (OSError, EOFError, ValueError, KeyError) as error:
        sys.exit(f"{told.file} is not the {told.case} set, or cannot be read, or {told.out} not written: {error}")
    sys.stdout.write(f"{len(made)} examples in {told.out}\n")


if __name__ == "__main__":
    main()
