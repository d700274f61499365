"""The overlays as they would be applied: what they change is there, what comes out is valid and holds together."""

from pathlib import Path
from typing import Any

import pytest

from infra.telemetry.meters import Meters
from tests.deploy.kustomize import HERE, Objects, documents, folders, pod, render
from tests.deploy.test_kubernetes import OWN, VERSIONS, kubernetes_validate

OVERLAYS = [folder for folder in folders() if folder.parent.name == "overlays"]
each = pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
each_overlay = pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.name)


def of(found: Objects, kind: str) -> dict[str, dict[str, Any]]:
    """Return the objects of a kind by their names."""
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}


def chosen(found: Objects, labels: dict[str, str]) -> Objects:
    """Return the pods that have these labels."""
    made = [template for one in found if (template := pod(one))]
    return [template for template in made if labels.items() <= template["metadata"]["labels"].items()]


@each
@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_applied_is_valid(folder: Path, version: str) -> None:
    """After all patches each object still passes Kubernetes' schemas, in the namespace that was asked for."""
    for one in render(folder):
        assert one["metadata"]["namespace"] == "vocero"
        if not str(one["apiVersion"]).startswith(OWN):
            kubernetes_validate.validate(one, version, strict=True)


@each
def test_the_image_is_named_in_one_place(folder: Path) -> None:
    """Every pod of every part runs the image that the applied folder names: ours has no registry of its own."""
    [given] = documents(folder / "kustomization.yaml")
    [image] = given["images"]
    made = [template for one in render(folder) if (template := pod(one))]
    assert made
    named = {container["image"] for template in made for container in template["spec"]["containers"]}
    assert named == {f"{image['newName']}:{image['newTag']}"}
    assert "/" in image["newName"]


def test_the_migration_needs_nothing_that_comes_later() -> None:
    """It is applied and awaited before the rest: no account, no config of the base, only the secrets made by hand."""
    [job] = render(HERE / "migrate")
    spec = job["spec"]["template"]["spec"]
    assert "serviceAccountName" not in spec
    assert "configMap" not in str(spec)
    by_hand = {one["metadata"]["name"] for one in documents(HERE / "secret.example.yaml")}
    [container] = spec["containers"]
    asked = {source["secretRef"]["name"] for source in container["envFrom"]}
    asked |= {e["valueFrom"]["secretKeyRef"]["name"] for e in container["env"] if "valueFrom" in e}
    assert asked <= by_hand


@each_overlay
def test_what_selects_finds(folder: Path) -> None:
    """Budgets, policies, services and monitors select pods that are there, by ports that these have."""
    found = render(folder)
    for one in (*of(found, "PodDisruptionBudget").values(), *of(found, "PodMonitor").values()):
        assert chosen(found, one["spec"]["selector"]["matchLabels"]), one["metadata"]["name"]
    for one in of(found, "NetworkPolicy").values():
        assert chosen(found, one["spec"]["podSelector"]["matchLabels"]), one["metadata"]["name"]
    for one in of(found, "Service").values():
        for template in chosen(found, one["spec"]["selector"]):
            numbers = {port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
            assert {port["targetPort"] for port in one["spec"]["ports"]} <= numbers
        assert chosen(found, one["spec"]["selector"])
    for one in of(found, "Ingress").values():
        for path in (path for rule in one["spec"]["rules"] for path in rule["http"]["paths"]):
            service = of(found, "Service")[path["backend"]["service"]["name"]]
            assert path["backend"]["service"]["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
    accounts = {spec["spec"].get("serviceAccountName") for one in found if (spec := pod(one))}
    assert accounts <= set(of(found, "ServiceAccount"))


@each_overlay
def test_what_runs_twice_is_not_taken_down_at_once(folder: Path) -> None:
    """Every part with more than one replica has a budget for disruptions."""
    found = render(folder)
    guarded = [one["spec"]["selector"]["matchLabels"] for one in of(found, "PodDisruptionBudget").values()]
    for one in of(found, "Deployment").values():
        labels = one["spec"]["template"]["metadata"]["labels"].items()
        assert one["spec"].get("replicas", 1) == 1 or any(budget.items() <= labels for budget in guarded)


@each_overlay
def test_scaling_is_not_undone_and_asks_for_metrics_that_there_are(folder: Path) -> None:
    """KEDA's targets exist and have no replicas of their own, and its queries name metrics of ours."""
    found, names = render(folder), Meters().names()
    for one in of(found, "ScaledObject").values():
        target = of(found, "Deployment")[one["spec"]["scaleTargetRef"]["name"]]
        assert "replicas" not in target["spec"]
        for trigger in one["spec"]["triggers"]:
            assert any(metric in trigger["metadata"]["query"] for metric in names if metric.startswith("vocero_"))


def test_events_by_http_are_switched_on_and_let_in() -> None:
    """The mode, the port and the way in come together."""
    found = render(HERE / "overlays" / "http")
    assert of(found, "ConfigMap")["vocero"]["data"]["VOCERO_SLACK_MODE"] == "http"
    slack = of(found, "Deployment")["vocero-slack"]
    assert slack["spec"]["replicas"] == 3
    ports = slack["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert {port["name"]: port["containerPort"] for port in ports} == {"operator": 9464, "events": 3000}
    assert "SLACK_MODE" not in str(of(render(HERE / "overlays" / "slack"), "ConfigMap"))


def test_every_component_is_used_and_they_go_together() -> None:
    """One overlay has them all, and no file lies beside a kustomization unused."""
    [given] = documents(HERE / "overlays" / "all" / "kustomization.yaml")
    assert {Path(name).name for name in given["components"]} == {p.name for p in (HERE / "components").iterdir()}
    for path in HERE.rglob("kustomization.yaml"):
        [named] = documents(path)
        assert {p.name for p in path.parent.glob("*.yaml")} - {path.name} <= set(named.get("resources", []))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("resources: [a.yaml]\nreplicas: [{name: b, count: 2}]", "no Deployment b"),
        ("resources: [a.yaml]\npatches: [{target: {kind: ConfigMap, name: b}, patch: '[]'}]", "no ConfigMap b"),
        (
            "resources: [a.yaml]\npatches: [{target: {kind: Deployment, name: a},"
            " patch: '[{op: remove, path: /spec/nothing}]'}]",
            "/spec/nothing is not there",
        ),
        ("resources: [a.yaml, a.yaml]", "there twice"),
        ("resources: [../a.yaml]", "outside"),
        ("namePrefix: x-", "namePrefix"),
    ],
)
def test_what_kustomize_would_refuse_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """A patch without its target, a field that is not there, an object twice, a file from elsewhere, a new field."""
    folder = tmp_path / "one"
    folder.mkdir()
    for place in (tmp_path, folder):
        (place / "a.yaml").write_text("kind: Deployment\nmetadata: {name: a}\nspec: {}\n", encoding="utf-8")
    (folder / "kustomization.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        render(folder)
