"""A Slack for tests and for people without a workspace: stock slack-bolt talks to it through `SLACK_API_URL` only.

`FakeSlack` is the whole of it: people and channels (`world`), the Web API with its scopes, sizes and errors (`web`,
`limits`, `streams`), the two ways events are delivered (`delivery`), and what people do (`server`).
"""

from tests.fakes.slack.delivery import Delivered
from tests.fakes.slack.server import FakeSlack
from tests.fakes.slack.world import Channel, Message, User

__all__ = ["Channel", "Delivered", "FakeSlack", "Message", "User"]
