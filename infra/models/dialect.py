"""The few points where servers of the Messages API differ, as values, and how to find out which one answers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from infra.models.failures import Fault

Ask = Callable[[str], Awaitable[Any]]  # a path on one server -> its JSON, None where it has no such page
Schema = Mapping[str, Any]
MAX_STOPS: Final = 4  # TGI refuses a fifth; `stream.until` sees to the others


@dataclass(frozen=True, slots=True)
class Lora:
    """An adapter that a llama.cpp server has loaded."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one kind of server wants to be asked. Sampling is greedy and bare for all: no penalty is ever sent.

    TGI reads `presence_penalty` x as a repetition penalty of x + 2, so that even 0 ruins the answer.
    """

    name: Literal["tgi", "vllm", "llamacpp", "generic"]
    base: str = ""  # what names the base model in a request, whatever it is called; empty: its own name
    adapters: Literal["unlisted", "models", "loras"]  # where a server shows what it has loaded
    schema: Callable[[Schema], dict[str, Any]] | None = None  # the field that constrains the answer to a JSON schema

    def model(self, served: str, adapter: str | None) -> str:
        """Return the `model` field: never empty, since the hub client would fill in "dummy"."""
        if adapter and self.adapters != "loras":
            return adapter
        return self.base or served or "default"

    def own_fields(self, adapter: str | None, loras: Sequence[Lora], schema: Schema | None) -> dict[str, Any]:
        """Return the fields that are this server's own. Fault when it has no such adapter or no such field."""
        fields: dict[str, Any] = {}
        if self.adapters == "loras":
            fields = self._scales(adapter, loras)
        if schema is not None:
            if self.schema is None:
                raise Fault("rejected", sentence="The model server cannot be held to a form of answer.")
            fields |= self.schema(schema)
        return fields

    def _scales(self, adapter: str | None, loras: Sequence[Lora]) -> dict[str, Any]:
        """All adapters by name and scale: what a request leaves out llama.cpp applies at its initial scale."""
        if adapter and adapter not in [lora.name for lora in loras]:
            raise unknown_adapter()
        if not loras:
            return {}
        return {"lora": [{"id": lora.id, "scale": 1.0 if lora.name == adapter else 0.0} for lora in loras]}


# The hub client rewrites `response_format` of type json_schema to a form that only TGI knows, also in `extra_body`: so
# each gets its own field, and TGI the type that the client leaves alone.
TGI: Final = Dialect(
    name="tgi",
    base="tgi",  # any other name is taken for an adapter, and an adapter it does not know is silently the base
    adapters="unlisted",
    schema=lambda schema: {"response_format": {"type": "json", "value": schema}},
)
VLLM: Final = Dialect(name="vllm", adapters="models", schema=lambda schema: {"structured_outputs": {"json": schema}})
LLAMACPP: Final = Dialect(name="llamacpp", adapters="loras", schema=lambda schema: {"json_schema": schema})
GENERIC: Final = Dialect(name="generic", adapters="models")


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What a server told of itself: its dialect, the base model's name, and all the names it answers to."""

    dialect: Dialect
    model: str
    models: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The model's name for people."""
        return to_title(self.model)


async def probe(ask: Ask) -> Served:
    """Ask a server what it is: `/info` is TGI's, `/props` llama.cpp's, `/version` vLLM's. Fault."""
    info = await ask("/info")
    if isinstance(info, dict) and "max_total_tokens" in info:
        return Served(dialect=TGI, model=str(info.get("model_id", "")))
    dialect = LLAMACPP if isinstance(await ask("/props"), dict) else VLLM if await ask("/version") else GENERIC
    models = _names(await ask("/v1/models"))
    return Served(dialect=dialect, model=models[0] if models else "", models=models)


async def loras(ask: Ask) -> tuple[Lora, ...]:
    """Ask a llama.cpp server for its adapters; each is named by its file, without `.gguf`. Fault."""
    listed = await ask("/lora-adapters")
    try:
        return tuple(Lora(int(one["id"]), PurePosixPath(one["path"]).stem) for one in listed or ())
    except (KeyError, TypeError, ValueError) as error:
        raise Fault("garbage") from error


def to_title(model: str) -> str:
    """Return a model's name without the path and ending by which llama.cpp calls it."""
    return PurePosixPath(model).stem if model.endswith(".gguf") else model


def unknown_adapter() -> Fault:
    """Say that a server does not have the adapter: better no answer than one in another voice."""
    return Fault(
        "rejected",
        sentence="The model server has not loaded this workspace's voice: an administrator should promote it again "
        "or withdraw it.",
    )


def _names(listed: Any) -> tuple[str, ...]:
    """The ids of `/v1/models`, base models before adapters (vLLM gives those a parent)."""
    data = listed.get("data") if isinstance(listed, dict) else None
    models = [one for one in data or () if isinstance(one, dict) and isinstance(one.get("id"), str)]
    return tuple(one["id"] for one in sorted(models, key=lambda one: bool(one.get("parent"))))
