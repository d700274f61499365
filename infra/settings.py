"""The settings, read once in `main`, frozen, passed on. `.env.example` explains every one."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import SetupError


class Settings(BaseSettings):
    """Environment or `.env`; an empty value counts as not set. A service whose URL is not set is embedded."""

    model_config = SettingsConfigDict(
        env_prefix="VOCERO_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(default_factory=lambda: Path.home() / ".local" / "share" / "vocero")
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    model_url: Annotated[tuple[str, ...], NoDecode] = ()
    model: str | None = None
    model_file: Path | None = None
    model_token: SecretStr | None = None
    embedding_url: str | None = None
    embedding_model: str | None = None
    log_format: str = "text"
    console_token: SecretStr | None = None
    embedded_without: Annotated[frozenset[str], NoDecode] = frozenset()

    @field_validator("model_url", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return tuple(u.strip() for u in value.split(",") if u.strip()) if isinstance(value, str) else value

    @field_validator("embedded_without", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return frozenset(n.strip() for n in value.split(",") if n.strip()) if isinstance(value, str) else value

    @field_validator("model_url")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if bad := [u for u in value if not u.startswith(("http://", "https://"))]:
            raise ValueError(f"{bad[0]!r} is no http address")
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
        name = "VOCERO_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SetupError(
            f"{name} is not right: {first['msg'].removeprefix('Value error, ')}; see .env.example."
        ) from error
    except OSError as error:
        raise SetupError(f"The file .env cannot be read: {error.strerror}; mend or remove it.") from error
