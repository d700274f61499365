r"""Discord by hand. In one terminal `python -m tests.fakes.discord`, in a second `vocero run discord` with the settings
it prints, in a third what people do, as alice unless --user says mod (who may manage the server), ben or owner:

    python -m tests.fakes.discord add "Refunds take 14 days." --user mod
    python -m tests.fakes.discord slash "docs add" file=@handbook.pdf title=Handbook --user mod
    python -m tests.fakes.discord ask "how long do refunds take?" private=true [--channel people] [--locale es-ES]
    python -m tests.fakes.discord say "@bot how long do refunds take?"
    python -m tests.fakes.discord say "@bot and abroad?" --channel last      # in the last thread
    python -m tests.fakes.discord dm "how long do refunds take?"
    python -m tests.fakes.discord post "How long do refunds take?"           # in the forum
    python -m tests.fakes.discord click "Not helpful"                        # the newest such button one sees
    python -m tests.fakes.discord fill "it is out of date"                   # the form that it opened
    python -m tests.fakes.discord menu "Ask about this"                      # on the last thing said in a channel
    python -m tests.fakes.discord delete "how long"                          # whoever said it takes it back
    python -m tests.fakes.discord drop [invalidate]                          # break the gateway's connections
    python -m tests.fakes.discord screen
"""

import argparse
import asyncio
import base64
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.fakes.discord.server import FakeDiscord

PORT = 8398


async def serve(port: int, *, content_intent: bool) -> None:
    """Serve until Ctrl-C, and print what is new on the screen."""
    async with FakeDiscord(port=port, content_intent=content_intent) as fake:
        where = f"DISCORD_API_URL={fake.api_url} DISCORD_GATEWAY_URL={fake.gateway_url}"
        print(f"export DISCORD_BOT_TOKEN={fake.token} {where}", flush=True)
        seen: dict[str, None] = {}
        while True:
            await asyncio.sleep(0.3)
            for row in fake.screen():
                if row not in seen:
                    print(row, flush=True)
                    seen[row] = None


def tell(port: int, verb: str, words: dict[str, Any]) -> list[str]:
    """Do something in a fake that runs; return what is then to be read."""
    url = f"http://127.0.0.1:{port}/control/{verb}"
    request = urllib.request.Request(url, json.dumps(words).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return list(json.load(response))


def to_options(given: list[str]) -> dict[str, Any]:
    """Return `name=value` as options; `@PATH` is a file. ValueError."""
    options: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise ValueError(f"{one}: options are given as name=value")
        if value.startswith("@"):
            file = Path(value[1:])
            content = base64.b64encode(file.read_bytes()).decode()
            options[name] = {"name": file.name, "content": content}
        else:
            options[name] = value
    return options


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.discord", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("verb", nargs="?", default="serve")
    parser.add_argument("text", nargs="?", default="")
    parser.add_argument("options", nargs="*", metavar="name=value")
    for option in ("channel", "user", "body", "locale"):
        parser.add_argument(f"--{option}")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--content-intent", action="store_true", help="serve as if Message Content were on")
    given = parser.parse_args()
    try:
        if given.verb == "serve":
            asyncio.run(serve(given.port, content_intent=given.content_intent))
            return
        words = {k: v for k in ("text", "channel", "user", "body", "locale") if (v := getattr(given, k))}
        print("\n".join(tell(given.port, given.verb, {**words, "options": to_options(given.options)})))
    except KeyboardInterrupt:
        return
    except urllib.error.URLError:
        sys.exit(f"No fake Discord answers on port {given.port}: start python -m tests.fakes.discord first.")
    except (OSError, ValueError) as error:
        sys.exit(f"{error}.")


if __name__ == "__main__":
    main()
