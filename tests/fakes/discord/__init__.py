"""A Discord for tests and for people without a server: stock discord.py talks to it, loopback only.

`FakeDiscord` is the whole of it: people, roles, channels and who sees what (`world`), the REST API with its sizes,
codes and rate limits (`rest`, `messages`, `commands`, `interactions`, `rules`, `limits`), the gateway with
resume and close codes (`gateway`), and what people do (`people`).
"""

from tests.fakes.discord.calls import Call
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.world import ADMINISTRATOR, EPHEMERAL, LOADING, MANAGE_GUILD, V2, World, visible

__all__ = ["ADMINISTRATOR", "EPHEMERAL", "LOADING", "MANAGE_GUILD", "V2", "Call", "FakeDiscord", "World", "visible"]
