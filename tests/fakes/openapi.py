"""The servers' own OpenAPI files as judges: what a fake receives and sends has to be valid by them.

`schemas/*.json` hold the components that the fakes need, word for word, from the published files of TGI and TEI (both
Apache-2.0; the source stands in each file). `python -m tests.fakes.openapi FULL.json tgi` writes one anew.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parent / "schemas"
PREFIX = "#/components/schemas/"
ROOTS = {
    "tgi": ("ChatRequest", "ChatCompletion", "ChatCompletionChunk", "ErrorResponse", "Info", "ModelInfo"),
    "tei": (
        *("EmbedRequest", "EmbedResponse", "ErrorResponse", "Info", "OpenAICompatRequest", "OpenAICompatResponse"),
        *("RerankRequest", "RerankResponse"),
    ),
}
SOURCES = {
    "tgi": "github.com/huggingface/text-generation-inference, docs/openapi.json at db931fc, Apache-2.0",
    "tei": "github.com/huggingface/text-embeddings-inference, docs/openapi.json of 2026-07, Apache-2.0",
}


class Judge:
    """Says what is wrong with a document by one of a server's schemas."""

    def __init__(self, server: str) -> None:
        components = json.loads((SCHEMAS / f"{server}.json").read_text())["components"]["schemas"]
        self._root = {"components": {"schemas": {name: convert(one) for name, one in components.items()}}}
        if server == "tgi":
            _patch_tgi(self._root["components"]["schemas"])

    def problems(self, name: str, document: Any) -> list[str]:
        """Return one line for each thing that is wrong, empty for a valid document."""
        validator = Draft202012Validator({"$ref": f"{PREFIX}{name}", **self._root})
        return [f"{name}: {error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def convert(schema: Any) -> Any:
    """Turn an OpenAPI 3.0 schema into JSON Schema: `nullable` becomes a type, examples go."""
    if isinstance(schema, list):
        return [convert(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: convert(value) for key, value in schema.items() if key not in ("nullable", "example", "discriminator")}
    return {"anyOf": [kept, {"type": "null"}]} if schema.get("nullable") is True else kept


def subset(document: dict[str, Any], roots: Iterable[str]) -> dict[str, Any]:
    """Return the named component schemas and all that they refer to."""
    everything = document["components"]["schemas"]
    wanted, kept = list(roots), {}
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = everything[name]
            wanted += [ref.removeprefix(PREFIX) for ref in _references(everything[name])]
    return dict(sorted(kept.items()))


def _references(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return own + [ref for value in schema.values() for ref in _references(value)]
    return [ref for one in schema for ref in _references(one)] if isinstance(schema, list) else []


def _patch_tgi(schemas: dict[str, Any]) -> None:
    """Mend what the file says otherwise than the server does, and refuse what the server would silently ignore."""
    schemas["GrammarType"]["oneOf"][0]["properties"]["type"]["enum"].append("json_object")
    schemas["ChatRequest"]["properties"]["logit_bias"] = {"type": ["object", "null"]}
    schemas["ChatRequest"]["additionalProperties"] = False


if __name__ == "__main__":
    full, server = sys.argv[1:3]
    document = {
        "source": SOURCES[server],
        "components": {"schemas": subset(json.loads(Path(full).read_text()), ROOTS[server])},
    }
    (SCHEMAS / f"{server}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
