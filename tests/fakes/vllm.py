"""A vLLM, and a server that tells nothing of itself: the fake TGI with their pages, shapes and refusals."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fakes.tgi import FakeTgi


@dataclass(kw_only=True)
class FakeVllm(FakeTgi):
    """Knows its models by name and answers 404 for any other; lists adapters beside them.

    `updating`: whether adapters may come and go while it runs; what a folder that is there says is in `voices`.
    """

    updating: bool = False
    voices: dict[str, str] = field(default_factory=dict)

    def routes(self, router: web.UrlDispatcher) -> None:
        """vLLM's pages."""
        router.add_get("/health", self._health)
        router.add_get("/version", self._version)
        router.add_get("/v1/models", self._models)
        router.add_post("/v1/chat/completions", self._chat)
        if self.updating:
            router.add_post("/v1/load_lora_adapter", self._load)

    async def _load(self, request: web.Request) -> web.Response:
        body = self.seen[-1].body
        if not (Path(body["lora_path"]) / "adapter_config.json").exists():
            return web.json_response({"error": {"message": "No adapter found", "code": 400}}, status=400)
        self.adapters[body["lora_name"]] = self.voices.get(body["lora_name"], "Ahoy!")
        return web.Response(text=f"Success: LoRA adapter '{body['lora_name']}' added successfully.")

    def wrong(self, body: Any) -> list[str]:
        """What vLLM would ignore or read otherwise than meant."""
        found = ["no max_tokens"] if not body.get("max_tokens") else []
        found += ["response_format of TGI"] if "value" in body.get("response_format", {}) else []
        return found + [f"{key} is not vLLM's" for key in ("lora", "json_schema", "adapter_id") if key in body]

    def refuses(self, body: Any) -> web.Response | None:
        """404 for a model it does not serve."""
        if body["model"] in (self.model, *self.adapters):
            return None
        told = {"message": f"The model `{body['model']}` does not exist.", "type": "NotFoundError", "param": "model"}
        return web.json_response({"error": {**told, "code": 404}}, status=404)

    async def _version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": "0.33.0"})

    async def _models(self, request: web.Request) -> web.Response:
        adapters = [{"id": name, "object": "model", "owned_by": "vllm", "parent": self.model} for name in self.adapters]
        base = {"id": self.model, "object": "model", "owned_by": "vllm", "parent": None, "max_model_len": 4096}
        return web.json_response({"object": "list", "data": [*adapters, base]})


@dataclass(kw_only=True)
class FakeGeneric(FakeVllm):
    """Has nothing but the Messages API and the list of its models."""

    def routes(self, router: web.UrlDispatcher) -> None:
        """The two pages that all have."""
        router.add_get("/v1/models", self._models)
        router.add_post("/v1/chat/completions", self._chat)
