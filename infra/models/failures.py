"""Every way in which a model server can fail us, told apart at one door.

The kinds are what the metrics count and the tests demand:

refused     no connection, or the server says that it does not serve (502, 503)
timeout     a budget ran out: connecting, first token, between tokens, total
overloaded  429, in the status or inside a 200 stream, or no free place in our own queue
cut         the generation ended before its end: lost connection, 424, 500, no `finish_reason`
garbage     not the protocol: wrong content type, broken JSON, more than was asked for
rejected    the request was understood and refused: validation, unknown model or adapter, redirect
auth        401, 403
too_long    prompt and answer do not fit into the model's context
"""

import json
import re
from collections.abc import Mapping
from typing import Final, Literal

import httpx2
from huggingface_hub.errors import TextGenerationError

from core.errors import EmbedderDown, ModelDown

Kind = Literal["refused", "timeout", "overloaded", "cut", "garbage", "rejected", "auth", "too_long"]

SENTENCES: Final[Mapping[Kind, str]] = {
    "refused": "The {} server cannot be reached right now: ask again in a minute.",
    "timeout": "The {} server did not answer in time: ask again in a minute.",
    "overloaded": "The {} server is busy: ask again in a minute.",
    "cut": "The {} server stopped in the middle of its answer: ask again.",
    "garbage": "The {} server sent something that is not an answer: an administrator should check its address.",
    "rejected": "The {} server refused the request: an administrator should check its log and the model's name.",
    "auth": "The {} server did not accept our token: an administrator should check it.",
    "too_long": "The question with its passages is too long for the {} server: ask something shorter.",
}

STATUSES: Final[Mapping[int, Kind]] = {
    401: "auth",
    403: "auth",
    408: "timeout",
    413: "too_long",
    424: "cut",
    429: "overloaded",
    500: "cut",
    502: "refused",
    503: "refused",
    504: "timeout",
}

# TGI: "`inputs` must have less than 4095 tokens", "`inputs` tokens + `max_new_tokens` must be <= 4096";
# llama.cpp: exceed_context_size_error; vLLM and SGLang: "maximum context length is", "longer than the model's context".
TOO_LONG: Final = re.compile(
    r"must have less than \d+ tokens|tokens \+ `?max_new_tokens|exceed_context_size|context.length|context size",
    re.IGNORECASE,
)
OVERLOADED: Final = re.compile(r"overloaded|queue is full|too many requests", re.IGNORECASE)


class Fault(Exception):
    """What went wrong at a server; it never leaves this folder. `sentence` replaces the kind's where more is known."""

    def __init__(self, kind: Kind, *, sentence: str = "", status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(sentence or SENTENCES[kind].format("model"))
        self.kind: Kind = kind
        self.sentence = sentence
        self.status = status
        self.retry_after = retry_after


class ModelFailure(ModelDown):
    """No answer from any model server; `kind` is for metrics, the text for the chat."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence or SENTENCES[fault.kind].format("model"))
        self.kind: Kind = fault.kind


class EmbedderFailure(EmbedderDown):
    """No embedding; `kind` is for metrics, the text for the chat."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence or SENTENCES[fault.kind].format("embedding"))
        self.kind: Kind = fault.kind


# What a request can raise: the transport, the hub client's own errors, and whatever its trusting parsers trip over.
FOREIGN: Final = (
    Fault,
    OSError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    TextGenerationError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RecursionError,
)


def to_fault(error: Exception) -> Fault:
    """Tell any of the `FOREIGN` apart."""
    match error:
        case Fault():
            return error
        case TextGenerationError():
            return from_event(error.args[0] if error.args else "")
        case TimeoutError() | httpx2.TimeoutException():
            return Fault("timeout")
        case httpx2.ConnectError() | httpx2.UnsupportedProtocol() | httpx2.LocalProtocolError() | httpx2.InvalidURL():
            return Fault("refused")
        case httpx2.TransportError():
            return Fault("cut")
        case OSError():
            return Fault("refused")
        case _:
            return Fault("garbage")


def from_status(status: int, body: bytes, retry_after: str = "") -> Fault:
    """Tell an HTTP answer apart that is not a success; `body` may be anything."""
    kind = STATUSES.get(status, "rejected" if status < 500 else "cut")
    told = _told(body.decode("utf-8", "replace"))
    if kind in ("rejected", "cut") and TOO_LONG.search(told):
        kind = "too_long"
    if kind in ("rejected", "cut") and OVERLOADED.search(told):
        kind = "overloaded"
    return Fault(kind, status=status, retry_after=float(retry_after) if retry_after.isdecimal() else None)


def from_event(error: object) -> Fault:
    """Tell an error inside a 200 stream apart. TGI calls them all 422 there, so its words decide."""
    code = error.get("code", error.get("http_status_code")) if isinstance(error, dict) else None
    status = code if isinstance(code, int) and code >= 400 else 422
    return from_status(status, json.dumps(error, default=str).encode())


def _told(body: str) -> str:
    """What the server says of the error, in the four shapes that are about; never shown: it may quote the prompt."""
    try:
        error = json.loads(body)
    except ValueError:
        return ""
    error = error.get("error", error) if isinstance(error, dict) else error
    if isinstance(error, dict):
        return " ".join(str(error.get(key, "")) for key in ("message", "type", "code", "error_type"))
    return str(error)
