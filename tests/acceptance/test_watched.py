"""A running part shows its operators every metric that dashboard, alerts and scaling ask for, and says how it is."""

import json
import re
import socket
from pathlib import Path

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from infra.telemetry.dashboard import queries
from tests.acceptance.conftest import ROOT
from tests.acceptance.test_slack import running
from tests.deploy.kustomize import HERE, render
from tests.fakes.slack import FakeSlack
from tests.fakes.slack.world import visible

pytestmark = pytest.mark.slow

METRIC = re.compile(r"\b(?:vocero|process)_[a-z_]+\b")


def asked() -> set[str]:
    """Return the name of every series that something which we ship asks for."""
    alerts = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))
    told = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    scaled = [one["spec"] for one in render(HERE / "overlays" / "all") if one["kind"] == "ScaledObject"]
    scaling = [trigger["metadata"]["query"] for spec in scaled for trigger in spec["triggers"]]
    assert scaling
    return {name for query in [*queries(), *told, *scaling] for name in METRIC.findall(query)}


def shown(text: str) -> set[str]:
    """Return the name of every series that a scrape offers; one that nothing was counted in yet has only its head."""
    tails = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
    families = text_string_to_metric_families(text)
    return {family.name + tail for family in families for tail in tails.get(family.type, ("",))}


async def test_a_running_part_shows_what_is_asked_of_it(home: Path) -> None:
    """After one question: all series are there, the answer was counted, and each page says that the part is well."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = f"127.0.0.1:{probe.getsockname()[1]}"
    async with FakeSlack() as slack, running(home, slack, VOCERO_OPERATOR_BIND=port):
        reply = await slack.reply(await slack.say("@vocero who designed the logo of the moon?"), seconds=60)
        assert "don't know" in visible(reply)
        pages = {}
        async with aiohttp.ClientSession() as session:
            for path in ("metrics", "livez", "readyz", "statusz"):
                async with session.get(f"http://{port}/{path}") as response:
                    assert response.status == 200, path
                    pages[path] = await response.text()
    assert sorted(asked() - shown(pages["metrics"])) == []
    assert re.search(r'vocero_answers_total\{.*outcome="abstained".*platform="slack"\} 1\.0', pages["metrics"])
    assert "vocero_ready 1.0" in pages["metrics"]
    assert (pages["livez"], pages["readyz"]) == ("alive\n", "ready\n")
    status = json.loads(pages["statusz"])
    assert status["ready"]
    assert {"database", "embeddings", "redis", "model"} <= set(status["services"])
