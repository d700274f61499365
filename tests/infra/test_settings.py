"""Settings: read once, wrong ones named in a sentence."""

from pathlib import Path

import pytest

from core.errors import SetupError
from infra.settings import read_settings


def test_several_model_servers_are_a_list() -> None:
    """Addresses are separated by commas; spaces and empty ones do not count."""
    assert read_settings(model_url=" http://a:1, http://b:2,").model_url == ("http://a:1", "http://b:2")


def test_an_empty_value_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """`VOCERO_REDIS_URL=` in a file means embedded."""
    monkeypatch.setenv("VOCERO_REDIS_URL", "")
    assert read_settings().redis_url is None


def test_the_home_is_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative home would move with the folder a command is started in."""
    monkeypatch.chdir(tmp_path)
    assert read_settings(home="here").home == tmp_path / "here"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VOCERO_MODEL_URL", "localhost:8080"),
        ("VOCERO_LOG_FORMAT", "xml"),
        ("VOCERO_SLACK_MODE", "pigeon"),
        ("SLACK_API_URL", "slack.com"),
        ("VOCERO_REDIS_URL", "cache:6379"),
        ("VOCERO_REDIS_URL", "http://cache:6379"),
        ("VOCERO_REDIS_URL", "redis://:hunter2@cache:port/0"),
        ("VOCERO_ADMINS", "slack/T1/U1,ana"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The sentence names the variable and says where it is explained."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SetupError, match=f"{name} is not right: .* see .env.example") as caught:
        read_settings()
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_printed() -> None:
    """A settings object in a log shows no password."""
    shown = repr(read_settings(database_url="postgresql://vocero:hunter2@db/vocero", model_token="hf_x"))
    assert "hunter2" not in shown
    assert "hf_x" not in shown


def test_every_setting_is_explained() -> None:
    """Each setting stands in .env.example."""
    explained = (Path(__file__).parents[2] / ".env.example").read_text(encoding="utf-8")
    fields = type(read_settings()).model_fields
    names = [str(field.validation_alias or f"VOCERO_{name.upper()}") for name, field in fields.items()]
    assert [name for name in names if f"#{name}=" not in explained] == []
