"""Kubernetes manifests: valid by the API's own schemas, and as safe as they say, without a cluster."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from bots.cli import to_app
from tests.deploy.kustomize import HERE, documents, pod

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kubernetes_validate

VERSIONS = ("1.31", "1.37")  # what is validated against: the oldest and the newest that are in use
FILES = sorted(path for path in HERE.rglob("*.yaml"))
OWN = ("kustomize.config.k8s.io", "keda.sh", "monitoring.coreos.com")  # no types of the API
PARTS = {"slack": 9464, "discord": 9465, "console": 9466, "worker": 9467}


def everything() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all objects with their file's name."""
    for path in FILES:
        for one in documents(path):
            yield str(path.relative_to(HERE)), one


def pods() -> list[tuple[str, dict[str, Any]]]:
    """Return the pods that the manifests make."""
    return [(name, made["spec"]) for name, one in everything() if (made := pod(one))]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(version: str) -> None:
    """Each file passes Kubernetes' schemas, unknown fields forbidden; types of operators have at least their frame."""
    for name, one in everything():
        group = str(one["apiVersion"])
        if group.startswith(OWN):
            assert {"apiVersion", "kind"} <= set(one), name
        else:
            kubernetes_validate.validate(one, version, strict=True)


def test_a_mistake_would_be_found() -> None:
    """The validator refuses an unknown field and a wrong type."""
    [deployment] = documents(HERE / "base" / "slack.yaml")
    deployment["spec"]["replicaz"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[1], strict=True)
    [deployment] = documents(HERE / "base" / "slack.yaml")
    deployment["spec"]["replicas"] = "three"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[1], strict=True)


@pytest.mark.parametrize(("name", "spec"), pods(), ids=[name for name, _ in pods()])
def test_every_pod_runs_without_rights(name: str, spec: dict[str, Any]) -> None:
    """Not root, nothing written but to its own scratch, no capability, no token of the cluster, memory bounded."""
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        rights = container["securityContext"]
        assert rights == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}
        assert not any("password" in str(one).casefold() for one in container.get("env", []) if "value" in one)


@pytest.mark.parametrize(("name", "spec"), [p for p in pods() if p[1]["containers"][0]["args"][0] == "run"])
def test_probes_ask_the_port_that_the_part_has(name: str, spec: dict[str, Any]) -> None:
    """Each part's operator port is the one that the code gives it, and it gets its time to drain."""
    [container] = spec["containers"]
    part = container["args"][1]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports["operator"] == PARTS[part]
    assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "operator"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "operator"}
    assert spec["terminationGracePeriodSeconds"] >= 30


def test_the_parts_have_the_ports_of_the_code() -> None:
    """The first port and the order are those of `bots.oversight`."""
    from bots.oversight import PARTS as ORDER

    assert {part: 9464 + n for n, part in enumerate(ORDER)} == PARTS


def test_every_setting_is_one_that_the_bot_knows() -> None:
    """Config and the secret's example hold no misspelt name."""
    from infra.settings import Settings

    fields = Settings.model_fields
    known = {str(field.validation_alias or f"VOCERO_{name.upper()}") for name, field in fields.items()}
    for name, one in everything():
        if one["kind"] == "ConfigMap":
            assert set(one["data"]) <= known, name
        if one["kind"] == "Secret" and one["metadata"]["name"] == "vocero":
            assert set(one["stringData"]) <= known, name


def test_commands_in_manifests_are_commands() -> None:
    """What jobs and parts are started with is one, with the options that it has."""
    commands = get_command(to_app()).commands  # type: ignore[attr-defined]
    for name, spec in pods():
        word, *rest = spec["containers"][0]["args"]
        options = {option for parameter in commands[word].params for option in parameter.opts}
        assert {one for one in rest if one.startswith("--")} <= options, name
