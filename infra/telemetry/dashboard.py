"""The Grafana dashboard, written from code: `python -m infra.telemetry.dashboard > deploy/grafana/vocero.json`."""

import json
from typing import Any, Final

WIDTH: Final = 24
_P: Final = "histogram_quantile({q}, sum by (le{by}) (rate({name}_bucket[$__rate_interval])))"


def quantile(q: float, name: str, by: str = "") -> str:
    """Return the query for a quantile of a histogram."""
    return _P.format(q=q, name=name, by=f", {by}" if by else "")


def rate(name: str, by: str = "") -> str:
    """Return the query for how often something happens a second."""
    return f"sum{f' by ({by})' if by else ''} (rate({name}[$__rate_interval]))"


# A row a line of thought: is it well, does it answer, what does it wait for, what do the platforms say, the documents.
ROWS: Final[list[tuple[str, list[tuple[str, str, dict[str, str]]]]]] = [
    (
        "Is it well",
        [
            ("Parts that take work", "short", {"{{part}} {{version}}": "vocero_up", "ready": "sum(vocero_ready)"}),
            (
                "Waiting deliveries",
                "short",
                {"in hand or waiting": "max(vocero_inbox_depth)", "oldest, s": "max(vocero_inbox_oldest_seconds)"},
            ),
            (
                "Less than usual",
                "ops",
                {"{{rung}}": rate("vocero_degraded_total", "rung"), "redis": rate("vocero_redis_errors_total")},
            ),
            ("Not accepted", "ops", {"{{platform}}": rate("vocero_events_unaccepted_total", "platform")}),
        ],
    ),
    (
        "Answers",
        [
            ("Answers by their end", "ops", {"{{outcome}}": rate("vocero_answers_total", "outcome")}),
            (
                "Seconds to the whole answer",
                "s",
                {"p50": quantile(0.5, "vocero_answer_seconds"), "p95": quantile(0.95, "vocero_answer_seconds")},
            ),
            (
                "Seconds to the first sentence",
                "s",
                {
                    "p50": quantile(0.5, "vocero_first_shown_seconds"),
                    "p95": quantile(0.95, "vocero_first_shown_seconds"),
                },
            ),
            ("Seconds of each stage, p95", "s", {"{{stage}}": quantile(0.95, "vocero_stage_seconds", "stage")}),
            ("Cache", "ops", {"cached: {{cached}}": rate("vocero_answers_total", "cached")}),
            (
                "Questions that nothing answered",
                "ops",
                {"abstained": rate('vocero_answers_total{outcome="abstained"}')},
            ),
        ],
    ),
    (
        "What it stands on",
        [
            ("Generations under way", "short", {"in flight": "sum(vocero_model_inflight)"}),
            (
                "Seconds to the first token, p95",
                "s",
                {"{{model}}": quantile(0.95, "vocero_model_first_token_seconds", "model")},
            ),
            ("Failed generations", "ops", {"{{kind}}": rate("vocero_model_errors_total", "kind")}),
            (
                "Search and embedding, p95",
                "s",
                {
                    "search": quantile(0.95, "vocero_retrieval_seconds"),
                    "embed": quantile(0.95, "vocero_embed_seconds"),
                },
            ),
            ("Database connections", "short", {"{{state}}": "sum by (state) (vocero_db_pool)"}),
            (
                "Late event loop, p99; memory",
                "s",
                {
                    "lag": quantile(0.99, "vocero_eventloop_lag_seconds"),
                    "GB": "max(process_resident_memory_bytes) / 1e9",
                },
            ),
        ],
    ),
    (
        "Platforms",
        [
            ("Deliveries", "ops", {"{{platform}}": rate("vocero_events_received_total", "platform")}),
            ("Delivered again", "ops", {"{{platform}}": rate("vocero_events_duplicate_total", "platform")}),
            ("Seconds until durable, p99", "s", {"{{platform}}": quantile(0.99, "vocero_accept_seconds", "platform")}),
            ("Calls, p95", "s", {"{{method}}": quantile(0.95, "vocero_platform_call_seconds", "method")}),
            ("Refused for their number", "ops", {"{{method}}": rate("vocero_platform_limited_total", "method")}),
            (
                "Taken over, fenced off",
                "ops",
                {"taken over": rate("vocero_lease_taken_over_total"), "fenced": rate("vocero_fenced_total")},
            ),
        ],
    ),
    (
        "Documents",
        [
            ("Queue", "short", {"{{state}}": "max by (state) (vocero_ingest_jobs)"}),
            ("Learned", "ops", {"{{state}}": rate("vocero_ingest_total", "state")}),
            ("Seconds a document, p95", "s", {"p95": quantile(0.95, "vocero_ingest_seconds")}),
        ],
    ),
]


def queries() -> list[str]:
    """Return every query of the dashboard."""
    return [query for _, panels in ROWS for _, _, lines in panels for query in lines.values()]


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS:
        panels.append({"type": "row", "title": title, "collapsed": False, "gridPos": _at(0, y, WIDTH, 1), "panels": []})
        y += 1
        width = WIDTH // min(len(row), 3)
        for n, (name, unit, lines) in enumerate(row):
            panels.append(_panel(name, unit, lines, _at(n % 3 * width, y + n // 3 * 8, width, 8)))
        y += -(-len(row) // 3) * 8
    for number, panel in enumerate(panels, 1):
        panel["id"] = number
    return {
        "uid": "vocero",
        "title": "Vocero",
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}]
        },
        "panels": panels,
    }


def _panel(title: str, unit: str, lines: dict[str, str], place: dict[str, int]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "type": "timeseries",
        "title": title,
        "gridPos": place,
        "datasource": source,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(65 + n), "expr": query, "legendFormat": legend, "datasource": source}
            for n, (legend, query) in enumerate(lines.items())
        ],
    }


def _at(x: int, y: int, w: int, h: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": w, "h": h}


if __name__ == "__main__":
    print(json.dumps(dashboard(), indent=2))  # noqa: T201
