"""Slack by hand. In one terminal `python -m tests.fakes.slack`, in a second `vocero run slack` with the settings it
prints, in a third:

    python -m tests.fakes.slack say "@vocero how long do refunds take?" [--channel general] [--user ana] [--thread TS]
    python -m tests.fakes.slack dm "how long do refunds take?"
    python -m tests.fakes.slack command "list docs"
    python -m tests.fakes.slack screen
    python -m tests.fakes.slack press vocero_feedback:negative --message TS
    python -m tests.fakes.slack submit "reason=outdated;text=It is 20 days since May."
    python -m tests.fakes.slack home
    python -m tests.fakes.slack press vocero_channel=C0GENERAL
"""

import argparse
import asyncio
import json
import urllib.request

from tests.fakes.slack.server import FakeSlack

PORT = 8399
VERBS = ("serve", "say", "dm", "command", "screen", "press", "submit", "home")


async def serve(port: int) -> None:
    """Serve until Ctrl-C, and print what is new on the screen."""
    async with FakeSlack(port=port) as slack:
        print(f"export SLACK_API_URL={slack.api_url} SLACK_BOT_TOKEN=xoxb-test SLACK_APP_TOKEN=xapp-test", flush=True)
        seen: dict[str, None] = {}
        while True:
            await asyncio.sleep(0.3)
            for row in slack.shown():
                if row not in seen:
                    print(row, flush=True)
                    seen[row] = None


def tell(port: int, verb: str, words: dict[str, str]) -> None:
    """Do something in a fake that runs."""
    url = f"http://127.0.0.1:{port}/control/{verb}"
    request = urllib.request.Request(url, json.dumps(words).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = json.load(response)
    print("\n".join(answer) if isinstance(answer, list) else "sent: see the first terminal, or say screen")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.slack", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("verb", nargs="?", choices=VERBS, default="serve")
    parser.add_argument("text", nargs="?", default="")
    for option in ("channel", "user", "thread", "message"):
        parser.add_argument(f"--{option}")
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args()
    if given.verb == "serve":
        try:
            asyncio.run(serve(given.port))
        except KeyboardInterrupt:
            return
    else:
        words = {
            key: value for key in ("text", "channel", "user", "thread", "message") if (value := getattr(given, key))
        }
        tell(given.port, given.verb, {} if given.verb == "screen" else words)


if __name__ == "__main__":
    main()
