"""`make sbom`: what is installed, as a CycloneDX 1.6 document; the same locks and environment give the same bytes.

    python -m infra.sbom requirements/lock.txt requirements/models.txt > sbom.json

Names, versions and hashes are the locks'; licences are read from what is installed here, where it is.
"""

import hashlib
import json
import re
import sys
import uuid
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, Final

_PACKAGE: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def to_sbom(locks: Iterable[Path]) -> dict[str, Any]:
    """Return the document of these locks."""
    components: dict[str, dict[str, Any]] = {}  # by name and version: two may be locked, for different Pythons
    texts = [path.read_text(encoding="utf-8") for path in locks]
    for text in texts:
        current: dict[str, Any] | None = None
        for line in text.splitlines():
            if found := _PACKAGE.match(line):
                current = components.setdefault(
                    f"{found[1].lower()} {found[2]}", _component(found[1], found[2], found[3] or "")
                )
            elif current and (hashed := _HASH.search(line)):
                entry = {"alg": "SHA-256", "content": hashed[1]}
                current["hashes"] += [entry] if entry not in current["hashes"] else []
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(digest[:32], version=4)}",
        "version": 1,
        "metadata": {"component": _us()},
        "components": [components[name] for name in sorted(components)],
    }


def _component(name: str, version: str, marker: str) -> dict[str, Any]:
    url = f"pkg:pypi/{re.sub('[-_.]+', '-', name).lower()}@{version}"
    component: dict[str, Any] = {
        "type": "library", "bom-ref": url, "name": name, "version": version, "purl": url, "hashes": [],
    }  # fmt: skip
    if licence := _licence(name):
        component["licenses"] = [licence]
    if marker:
        component["properties"] = [{"name": "vocero:marker", "value": marker.strip()}]
    return component


def _licence(name: str) -> dict[str, Any] | None:
    """Return an installed package's licence; texts that some put there are cut to their first line."""
    try:
        about: dict[str, Any] = metadata(name).json
    except PackageNotFoundError:
        return None
    if expression := about.get("license_expression"):
        return {"expression": expression}
    said = str(about.get("license") or "").strip().splitlines()
    classes = [c.rpartition(" :: ")[2] for c in about.get("classifier") or () if c.startswith("License ::")]
    named = classes[:1] or said[:1]
    return {"license": {"name": named[0][:100]}} if named else None


def _us() -> dict[str, Any]:
    about = metadata("vocero")
    return {
        "type": "application",
        "bom-ref": "vocero",
        "name": "vocero",
        "version": about["Version"],
        "licenses": [{"expression": about["License-Expression"]}],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(to_sbom(map(Path, sys.argv[1:])), indent=1) + "\n")
