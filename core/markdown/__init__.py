"""Markdown for chat: split it, make it safe, and say it as Slack and Discord do. Pure.

Order: `defuse` the whole text, then `to_slack` or `to_discord`, then `split` what came out.
"""

from core.markdown.clusters import to_bytes, to_units
from core.markdown.defence import defuse
from core.markdown.links import REMOVED, links
from core.markdown.pieces import LEAST, split
from core.markdown.platforms import to_discord, to_slack

__all__ = ["LEAST", "REMOVED", "defuse", "links", "split", "to_bytes", "to_discord", "to_slack", "to_units"]
