"""Discord by hand. In one terminal `python -m tests.fakes.discord`, in a second `vocero run discord` with the settings
it prints, in a third:

    python -m tests.fakes.discord add "# Refunds\n\nRefunds take 14 days." --user mod
    python -m tests.fakes.discord ask "how long do refunds take?" [--channel general] [--user alice]
    python -m tests.fakes.discord say "@bot how long do refunds take?"
    python -m tests.fakes.discord dm "how long do refunds take?"
    python -m tests.fakes.discord screen
"""

import argparse
import asyncio
import json
import urllib.request

from tests.fakes.discord.server import FakeDiscord

PORT = 8398


async def serve(port: int) -> None:
    """Serve until Ctrl-C, and print what is new on the screen."""
    async with FakeDiscord(port=port) as fake:
        where = f"DISCORD_API_URL={fake.api_url} DISCORD_GATEWAY_URL={fake.gateway_url}"
        print(f"export DISCORD_BOT_TOKEN={fake.token} {where}", flush=True)
        seen: dict[str, None] = {}
        while True:
            await asyncio.sleep(0.3)
            for row in fake.screen():
                if row not in seen:
                    print(row, flush=True)
                    seen[row] = None


def tell(port: int, verb: str, words: dict[str, str]) -> None:
    """Do something in a fake that runs, and print its screen."""
    url = f"http://127.0.0.1:{port}/control/{verb}"
    request = urllib.request.Request(url, json.dumps(words).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        print("\n".join(json.load(response)))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.discord", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("verb", nargs="?", choices=["serve", "say", "dm", "ask", "add", "screen"], default="serve")
    parser.add_argument("text", nargs="?", default="")
    for option in ("channel", "user"):
        parser.add_argument(f"--{option}")
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args()
    if given.verb == "serve":
        try:
            asyncio.run(serve(given.port))
        except KeyboardInterrupt:
            return
    else:
        tell(given.port, given.verb, {k: v for k in ("text", "channel", "user") if (v := getattr(given, k))})


if __name__ == "__main__":
    main()
