"""What `kubectl apply -k` would send, worked out here: the few fields of Kustomize that we use, and no others.

python -m tests.deploy.kustomize      compares each folder with what `kubectl kustomize` makes of it
"""

import re
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parents[2] / "deploy" / "kubernetes"
FIELDS = {"apiVersion", "kind", "namespace", "resources", "components", "images", "replicas", "patches"}
TIED = {"Deployment", "Job", "CronJob"}  # the kinds of ours that have containers
Objects = list[dict[str, Any]]


def documents(path: Path) -> Objects:
    """Return the objects of a file."""
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def render(folder: Path) -> Objects:
    """Return the objects of a kustomization in no particular order. ValueError for what Kustomize would refuse too."""
    return _change(folder, [])


def pod(one: dict[str, Any]) -> dict[str, Any] | None:
    """Return the template of the pods that an object makes, None for one that makes none."""
    if one["kind"] not in TIED:
        return None
    spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
    return spec["template"]  # type: ignore[no-any-return]


def _change(folder: Path, found: Objects) -> Objects:
    """Add what a folder brings to what is there, then change all of it as the folder says."""
    [given] = documents(folder / "kustomization.yaml")
    if unknown := set(given) - FIELDS:
        raise ValueError(f"{folder.name}: {sorted(unknown)} is not known here")
    found = deepcopy(_gather(folder, given, found))
    for one in found:
        if "namespace" in given:
            one["metadata"]["namespace"] = given["namespace"]
        for image in given.get("images", []):
            _rename(one, image)
    for replica in given.get("replicas", []):
        _find(found, "Deployment", replica["name"])["spec"]["replicas"] = replica["count"]
    for patch in given.get("patches", []):
        target = _find(found, patch["target"]["kind"], patch["target"]["name"])
        for step in yaml.safe_load(patch["patch"]):
            _step(target, step)
    return found


def _gather(folder: Path, given: dict[str, Any], found: Objects) -> Objects:
    """Return what is there with a folder's resources, and as its components leave it."""
    for name in given.get("resources", []):
        there = (folder / name).resolve()
        if there.is_file() and folder.resolve() not in there.parents:
            raise ValueError(f"{name} is a file outside of {folder.name}")
        found = found + (render(there) if there.is_dir() else documents(there))
    for name in given.get("components", []):
        found = _change((folder / name).resolve(), found)
    keys = [(one["kind"], one["metadata"]["name"]) for one in found]
    if len(set(keys)) < len(keys):
        raise ValueError(f"{folder.name}: an object is there twice")
    return found


def _find(found: Objects, kind: str, name: str) -> dict[str, Any]:
    hits = [one for one in found if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    if len(hits) != 1:
        raise ValueError(f"there is no {kind} {name}")
    return hits[0]


def _rename(one: dict[str, Any], image: dict[str, str]) -> None:
    for each in (pod(one) or {"spec": {"containers": []}})["spec"]["containers"]:
        if re.split("[:@]", each["image"])[0] == image["name"]:
            each["image"] = f"{image['newName']}:{image['newTag']}"


def _step(target: dict[str, Any], step: dict[str, Any]) -> None:
    """Do one step of a JSON patch (RFC 6902): add, replace, remove."""
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
    at: Any = target
    for part in way:
        at = at[int(part)] if isinstance(at, list) else at[part]
    if isinstance(at, list):
        if step["op"] != "add" or last != "-":
            raise ValueError(f"{step['path']} is no place that is known here")
        at.append(step["value"])
    elif step["op"] == "add":
        at[last] = step["value"]
    elif last not in at:
        raise ValueError(f"{step['path']} is not there")
    elif step["op"] == "replace":
        at[last] = step["value"]
    else:
        del at[last]


def folders() -> list[Path]:
    """Return what can be applied."""
    return [HERE / "migrate", *sorted(path.parent for path in HERE.glob("overlays/*/kustomization.yaml"))]


def main() -> None:
    """Compare with the real one; 1 when something differs."""
    bad = 0
    for folder in folders():
        made = subprocess.run(["kubectl", "kustomize", folder], check=True, capture_output=True, text=True).stdout
        theirs = [one for one in yaml.safe_load_all(made) if one]
        same = _by_name(theirs) == _by_name(render(folder))
        print(f"{folder.relative_to(HERE)!s:<20} {len(theirs):>3} objects {'the same' if same else 'DIFFERENT'}")
        bad += not same
    raise SystemExit(1 if bad else 0)


def _by_name(found: Objects) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


if __name__ == "__main__":
    main()
