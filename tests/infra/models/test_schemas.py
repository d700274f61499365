"""The fakes are judged by the servers' own files."""

import json
from pathlib import Path

import pytest

from tests.fakes.openapi import ROOTS, SCHEMAS, Judge, subset

PUBLISHED = Path(__file__).parents[4] / "shared" / "data" / "serving"


@pytest.mark.parametrize("server", ROOTS)
def test_our_copies_are_the_published_ones(server: str):
    """The components in `tests/fakes/schemas` are word for word those of the published file, where that is at hand."""
    full = PUBLISHED / f"{server}_openapi.json"
    ours = json.loads((SCHEMAS / f"{server}.json").read_text())
    assert "Apache-2.0" in ours["source"]
    if full.exists():
        assert ours["components"]["schemas"] == subset(json.loads(full.read_text()), ROOTS[server])


@pytest.mark.parametrize(
    ("schema", "document", "words"),
    [
        ("ChatRequest", {"messages": [{"role": "user", "content": "hi"}], "stop": None}, ""),
        ("ChatRequest", {"model": "tgi"}, "messages"),
        ("ChatRequest", {"messages": [{"content": "hi"}]}, "role"),
        ("ChatRequest", {"messages": [], "lora": []}, "lora"),
        ("ChatRequest", {"messages": [], "max_tokens": "5"}, "max_tokens"),
        ("ChatCompletionChunk", {"id": "", "created": 1, "model": "m", "system_fingerprint": "f"}, "choices"),
        ("ErrorResponse", {"error": "x"}, "error_type"),
    ],
)
def test_the_judge_sees_what_is_wrong(schema: str, document: object, words: str):
    """The converted schemas allow null where OpenAPI does, and find what is missing, mistyped or unknown."""
    problems = Judge("tgi").problems(schema, document)
    assert bool(problems) == bool(words)
    assert words in str(problems)
