"""The chat commands: one grammar for every platform. Pure.

The rule. A message is a command only if its first word is a command word *and all the rest has the shape that this
command takes*: a document is named by its id or file name (one word with a digit, dot, underscore or slash), its
address, or its title in quotes. Everything else is a question, and so is what ends in a question mark.

Three things are errors instead, since nobody asks a question that way: a command word alone that needs something
(`remove`), a mark begun and not finished (`remove "Expenses`, `add ftp://x`), and words left over after `add URL` or
`share DOCUMENT`.
"""

from core.commands.help import to_help
from core.commands.parse import parse
from core.commands.table import EXAMPLES, TABLE, Ask, Command, Help, Kind, Usage, Verb

__all__ = ["EXAMPLES", "TABLE", "Ask", "Command", "Help", "Kind", "Usage", "Verb", "parse", "to_help"]
