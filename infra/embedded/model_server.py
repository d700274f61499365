"""The child that serves a model: told by one JSON line on standard input, says one on standard output. Started by path.

It ends when its input ends, so it cannot outlive the supervisor; SIGTERM ends it at once, since it keeps nothing.
"""

import json
import os
import sys

SLOTS = 2  # questions answered at once; more wait in line
CONTEXT = 4096  # tokens a question with its passages and answer may take
CACHE_MIB = 256  # prompts kept: the second question about the same passages starts at once


def main() -> None:
    """Load the model and serve until standard input ends."""
    say = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # llama.cpp prints: that belongs in the log
    told = json.loads(sys.stdin.readline())
    try:
        server = _serve(**told)
    except ImportError as error:
        print(json.dumps({"absent": _why(error)}), file=say, flush=True)
        return
    except RuntimeError as error:
        print(json.dumps({"failed": str(error)}), file=say, flush=True)
        sys.exit(1)
    print(json.dumps({"ready": server.listening_address}), file=say, flush=True)
    sys.stdin.read()
    os._exit(0)  # the server's own end would wait for clients that read on


def _serve(  # type: ignore[no-untyped-def]  # noqa: ANN202
    *, file: str, name: str, port: int, key: str, threads: int, adapters: tuple[str, ...] = (), steady: bool = False
):
    """Start the server. `steady`: one question at a time and no kept prompts, for measurements that can be repeated."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = file
    params.model_alias = {name}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.api_keys = [key]
    params.cors_origins_explicit = True  # left alone it lets in any web page that its owner visits
    params.cors_origins = "http://localhost"
    params.ui = False
    params.offline = True
    params.endpoint_metrics = True
    params.endpoint_slots = False  # would show what people asked
    params.verbosity = 1
    params.fit_params = False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_parallel = 1 if steady else SLOTS
    params.n_ctx = params.n_parallel * CONTEXT
    params.kv_unified = False
    params.cache_ram_mib = 0 if steady else CACHE_MIB
    params.cache_prompt = not steady
    # scale 0: an adapter speaks only where a request names it
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in adapters]
    return xllamacpp.Server(params)


def _why(error: ImportError) -> str:
    if "gomp" in str(error):
        return "the system library libgomp is missing: apt install libgomp1 (or your system's name for it)"
    return f"the wheel xllamacpp is not installed or does not load ({error}): run `make setup`, or set VOCERO_MODEL_URL"


if __name__ == "__main__":
    main()
