"""Dashboard and alerts: written from code or checked against it, so that none asks for a metric that does not exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.messages import Outcome
from infra.telemetry.dashboard import dashboard, queries
from infra.telemetry.meters import Meters

DEPLOY = Path(__file__).parents[2] / "deploy"
RUNGS = {"full_text", "extractive", "apology"}  # of docs/operator.md
METRIC = re.compile(r"\b((?:vocero|process)_[a-z_]+)\b")
RULES: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))[
    "groups"
][0]["rules"]


def test_the_dashboard_is_the_one_that_the_code_writes() -> None:
    """After a change: python -m infra.telemetry.dashboard > deploy/grafana/vocero.json."""
    assert json.loads((DEPLOY / "grafana" / "vocero.json").read_text(encoding="utf-8")) == dashboard()


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    """Each name in each query is one of the registry's, or of the process collector's."""
    names = Meters().names() | {"process_resident_memory_bytes"}
    asked = {name for query in queries() for name in METRIC.findall(query)}
    assert asked
    assert asked <= names


def test_no_panel_lies_over_another() -> None:
    """Places do not overlap, and numbers are used once."""
    taken: set[tuple[int, int]] = set()
    panels = dashboard()["panels"]
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_asks_for_what_there_is_and_says_what_to_do(rule: dict[str, Any]) -> None:
    """Metrics exist, brackets close, and a summary and a remedy are given."""
    expression = rule["expr"]
    assert set(METRIC.findall(expression)) <= Meters().names()
    assert METRIC.search(expression)
    for left, right in ("()", "{}", "[]"):
        assert expression.count(left) == expression.count(right)
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert all(len(rule["annotations"][word]) > 20 for word in ("summary", "remedy"))
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))


def test_labels_that_are_asked_for_are_the_metrics_own() -> None:
    """Each label in a selector, a grouping or a legend is one of its metric's, and each value one that is counted."""
    labels = {name: set(m._labelnames) for name, m in Meters().registry._names_to_collectors.items() if m._labelnames}
    values = {"outcome": set(Outcome), "rung": RUNGS, "state": {"todo", "doing"}}
    asked = 0
    for query, legends in [*queries_with_legends(), *((rule["expr"], "") for rule in RULES)]:
        known = {"le"}.union(*(labels.get(name, set()) for name in METRIC.findall(query)))
        for group in re.findall(r"by \(([^)]+)\)", query):
            assert set(re.split(r",\s*", group)) <= known, query
        assert set(re.findall(r"\{\{(\w+)\}\}", legends)) <= known, query
        for name, chosen in re.findall(r"(vocero_\w+)\{([^}]*)\}", query):
            for label, value in re.findall(r'(\w+)="([^"]*)"', chosen):
                assert label in labels[name], query
                assert value in values[label], query
                asked += 1
    assert asked >= 5


def queries_with_legends() -> list[tuple[str, str]]:
    """Return each query of the dashboard with what its line is called."""
    return [
        (target["expr"], target["legendFormat"])
        for panel in dashboard()["panels"]
        for target in panel.get("targets", [])
    ]


def test_every_metric_of_ours_is_looked_at_or_told_of() -> None:
    """A metric that neither dashboard nor alert nor docs/operator.md names is one that nobody would find."""
    told = (DEPLOY.parent / "docs" / "operator.md").read_text(encoding="utf-8")
    everywhere = " ".join([*queries(), *(rule["expr"] for rule in RULES), told])
    bare = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in Meters().names() if name.startswith("vocero_")}
    assert sorted(name for name in bare if name not in everywhere) == []
