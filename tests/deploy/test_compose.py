"""The compose file: only what the Compose specification knows, as locked down as it says, with settings that exist."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

FILE = Path(__file__).parents[2] / "deploy" / "compose.yaml"
TIME = Annotated[str, Field(pattern=r"^(\d+(us|ms|s|m|h))+$")]
SIZE = Annotated[str, Field(pattern=r"^\d+(b|k|m|g|kb|mb|gb)$")]


class Strict(BaseModel):
    """A part of the specification: what is not listed is a mistake."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Build(Strict):
    context: str
    dockerfile: str


class EnvFile(Strict):
    path: str
    required: bool = True


class Wait(Strict):
    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


class Health(Strict):
    test: list[str]
    interval: TIME
    timeout: TIME
    start_period: TIME | None = None
    retries: int | None = None


class Logging(Strict):
    driver: Literal["json-file"]
    options: dict[str, str]


class Device(Strict):
    driver: str
    count: int
    capabilities: list[str]


class Reservations(Strict):
    devices: list[Device]


class Resources(Strict):
    reservations: Reservations


class Deploy(Strict):
    resources: Resources


class Service(Strict):
    """The subset of compose-spec's service that is used here."""

    image: str
    build: Build | None = None
    profiles: list[str] | None = None
    restart: Annotated[str, Field(pattern=r"^(no|always|unless-stopped|on-failure(:\d+)?)$")]
    command: list[str] | None = None
    env_file: list[EnvFile] | None = None
    environment: dict[str, str] | None = None
    depends_on: dict[str, Wait] | None = None
    read_only: bool | None = None
    tmpfs: list[str] | None = None
    volumes: list[str] | None = None
    cap_drop: list[str] | None = None
    security_opt: list[str] | None = None
    stop_grace_period: TIME | None = None
    shm_size: SIZE | None = None
    ipc: Literal["host"] | None = None
    healthcheck: Health | None = None
    logging: Logging
    deploy: Deploy | None = None


class Compose(Strict):
    name: str
    services: dict[str, Service]
    volumes: dict[str, None]


def given() -> dict[str, Any]:
    """Return the file with its anchors resolved and its extensions left out."""
    raw = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {key: value for key, value in raw.items() if not key.startswith("x-")}


def test_it_is_a_compose_file() -> None:
    """Every key and value is of the specification."""
    compose = Compose.model_validate(given())
    for name, service in compose.services.items():
        assert set(service.depends_on or {}) <= set(compose.services), name
        for volume in service.volumes or []:
            source = volume.split(":")[0]
            assert source in compose.volumes or (FILE.parent / source).exists(), volume


def test_a_mistake_would_be_found() -> None:
    """An unknown key and a wrong value are refused."""
    for broken in ({"restart": "sometimes"}, {"readonly": True}, {"stop_grace_period": "forty"}):
        file = given()
        file["services"]["slack"].update(broken)
        with pytest.raises(ValidationError):
            Compose.model_validate(file)


def test_the_bot_has_no_rights_and_no_published_port() -> None:
    """Its parts cannot write to their image, gain rights, or be reached from outside; nor can anything else."""
    services = given()["services"]
    for name in ("slack", "discord", "worker", "migrate"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    assert not any("ports" in service for service in services.values())


def test_model_servers_come_only_when_asked_for() -> None:
    """TGI and TEI with the profile gpu, vLLM with its own: a laptop downloads neither."""
    services = given()["services"]
    assert {name: service.get("profiles") for name, service in services.items() if "profiles" in service} == {
        "discord": ["discord"],
        "tgi": ["gpu"],
        "tei": ["gpu"],
        "vllm": ["vllm"],
    }


def test_every_variable_is_explained_or_demanded() -> None:
    """What is read from the environment stands in .env.example, or has a default, or stops the start with a reason."""
    text = FILE.read_text(encoding="utf-8")
    explained = (FILE.parents[1] / ".env.example").read_text(encoding="utf-8")
    for name, more in re.findall(r"\$\{([A-Z_]+)([^}]*)\}", text):
        assert more.startswith((":-", ":?")), name
        assert f"#{name}=" in explained or "HF_TOKEN" in name or name in text.split("services:")[0], name
    from infra.settings import Settings

    known = {str(f.validation_alias or f"VOCERO_{n.upper()}") for n, f in Settings.model_fields.items()}
    environment = given()["services"]["slack"]["environment"]
    assert {name for name, value in environment.items() if value} <= known
    assert environment["POSTGRES_PASSWORD"] == "", "the bot is not given the database's own password"


def test_images_name_a_version_or_are_ours() -> None:
    """No image is `latest` by accident, and none is Bitnami's, which went away."""
    for name, service in given()["services"].items():
        image = service["image"]
        assert image.startswith("${VOCERO_IMAGE") or re.search(r":[a-z]*\d[\w.]*$", image), name
        assert "bitnami" not in image
