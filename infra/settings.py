"""The settings, read once in `main`, frozen, passed on. `.env.example` explains every one."""

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import InputError, SetupError
from core.limits import Limit, Limits, to_limit
from core.memory import KEEP_DAYS

_ADMIN = re.compile(r"slack/[^/\s]+/(group/)?[^/\s]+|discord/[^/\s]+/(role/)?[^/\s]+|local/\S+")
_OURS = ("MESSAGE_CONTENT", "PLAIN", "SHARDED")  # of Discord's settings those that Discord has no word for


class Settings(BaseSettings):
    """Environment or `.env`; an empty value counts as not set. A service whose URL is not set is embedded."""

    model_config = SettingsConfigDict(
        env_prefix="VOCERO_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    home: Path = Field(default_factory=lambda: Path.home() / ".local" / "share" / "vocero")
    database_url: SecretStr | None = None
    admin_database_url: SecretStr | None = None
    database_map: Path | None = None
    upkeep_hour: int = Field(default=3, ge=0, le=23)
    redis_url: SecretStr | None = None
    model_url: Annotated[tuple[str, ...], NoDecode] = ()
    model: str | None = None
    model_file: Path | None = None
    model_token: SecretStr | None = None
    judge_tokens: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    embedding_url: str | None = None
    embedding_model: str | None = None
    memory_days: float = Field(default=KEEP_DAYS, ge=0)
    near_answers: bool = False
    rewrite: bool = False
    rerank_url: str | None = None
    log_format: str = "text"
    console_token: SecretStr | None = None
    embedded_without: Annotated[frozenset[str], NoDecode] = frozenset()
    admins: Annotated[frozenset[str], NoDecode] = frozenset()
    private_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    human_group: str = ""
    limit_user: Annotated[Limit | None, NoDecode] = Limits().user
    limit_conversation: Annotated[Limit | None, NoDecode] = Limits().conversation
    limit_channel: Annotated[Limit | None, NoDecode] = Limits().channel
    limit_workspace: Annotated[Limit | None, NoDecode] = Limits().workspace
    http_bind: str = "127.0.0.1:3000"
    operator_bind: str = "127.0.0.1:9464"
    trace_content: bool = False
    otel_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    slack_mode: str = "socket"
    slack_sockets: int = Field(default=2, ge=1, le=10)
    slack_oauth: bool = False
    slack_bot_token: SecretStr | None = Field(default=None, validation_alias="SLACK_BOT_TOKEN")
    slack_app_token: SecretStr | None = Field(default=None, validation_alias="SLACK_APP_TOKEN")
    slack_signing_secret: SecretStr | None = Field(default=None, validation_alias="SLACK_SIGNING_SECRET")
    slack_api_url: str = Field(default="https://slack.com/api/", validation_alias="SLACK_API_URL")
    slack_client_id: str | None = Field(default=None, validation_alias="SLACK_CLIENT_ID")
    slack_client_secret: SecretStr | None = Field(default=None, validation_alias="SLACK_CLIENT_SECRET")
    discord_message_content: bool = False
    discord_plain: bool = False
    discord_sharded: bool = False
    discord_bot_token: SecretStr | None = Field(default=None, validation_alias="DISCORD_BOT_TOKEN")
    discord_api_url: str = Field(default="https://discord.com/api/v10", validation_alias="DISCORD_API_URL")
    discord_gateway_url: str = Field(default="wss://gateway.discord.gg/", validation_alias="DISCORD_GATEWAY_URL")

    @field_validator("model_url", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return tuple(u.strip() for u in value.split(",") if u.strip()) if isinstance(value, str) else value

    @field_validator("secret_keys", "private_hosts", "judge_tokens", mode="before")
    @classmethod
    def _keys(cls, value: Any) -> Any:
        return tuple(k.strip() for k in value.split(",") if k.strip()) if isinstance(value, str) else value

    @field_validator("embedded_without", "admins", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return frozenset(n.strip() for n in value.split(",") if n.strip()) if isinstance(value, str) else value

    @field_validator("limit_user", "limit_conversation", "limit_channel", "limit_workspace", mode="before")
    @classmethod
    def _limit(cls, value: Any) -> Any:
        try:
            return to_limit(value) if isinstance(value, str) else value
        except InputError as error:
            raise ValueError(str(error)) from error

    @property
    def limits(self) -> Limits:
        """How often may be asked."""
        return Limits(
            user=self.limit_user,
            conversation=self.limit_conversation,
            channel=self.limit_channel,
            workspace=self.limit_workspace,
        )

    @field_validator("model_url")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if bad := [u for u in value if not u.startswith(("http://", "https://"))]:
            raise ValueError(f"{bad[0]!r} is no http address")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        try:
            parts = urlsplit(value.get_secret_value() if value else "redis:")
            known = parts.scheme in ("redis", "rediss", "unix") and (parts.port or True)
        except ValueError:  # said without the address: it may hold a password
            known = False
        if not known:
            raise ValueError("write it as redis://HOST:6379/0, or rediss:// for TLS")
        return value

    @field_validator("otel_endpoint")
    @classmethod
    def _collector(cls, value: str | None) -> str | None:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError(f"{value!r} is no http address")
        return value

    @field_validator("admins")
    @classmethod
    def _origins(cls, value: frozenset[str]) -> frozenset[str]:
        if bad := sorted(name for name in value if not _ADMIN.fullmatch(name)):
            raise ValueError(f"{bad[0]!r} names nobody, as slack/TEAM/USER or discord/SERVER/USER would")
        return value

    @field_validator("slack_mode")
    @classmethod
    def _mode(cls, value: str) -> str:
        if value not in ("socket", "http"):
            raise ValueError("use socket or http")
        return value

    @field_validator("slack_api_url")
    @classmethod
    def _base(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError(f"{value!r} is no http address")
        return value.rstrip("/") + "/"

    @field_validator("discord_api_url", "discord_gateway_url")
    @classmethod
    def _discord(cls, value: str) -> str:
        if not value.startswith(("http://", "https://", "ws://", "wss://")):
            raise ValueError(f"{value!r} is no address")
        return value

    @field_validator("log_format")
    @classmethod
    def _format(cls, value: str) -> str:
        if value not in ("text", "json"):
            raise ValueError("use text or json")
        return value

    @field_validator("home")
    @classmethod
    def _home(cls, value: Path) -> Path:
        return value.expanduser().absolute()


def read_settings(**given: Any) -> Settings:
    """Return the settings; SetupError with one sentence naming the first that is wrong."""
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        given_so = name.startswith(("SLACK_", "DISCORD_", "OTEL_")) and name.removeprefix("DISCORD_") not in _OURS
        name = name if given_so and name not in ("SLACK_MODE", "SLACK_OAUTH", "SLACK_SOCKETS") else f"VOCERO_{name}"
        raise SetupError(
            f"{name} is not right: {first['msg'].removeprefix('Value error, ')}; see .env.example."
        ) from error
    except OSError as error:
        raise SetupError(f"The file .env cannot be read: {error.strerror}; mend or remove it.") from error
