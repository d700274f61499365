"""Discord: what it delivers becomes a question or a command, what the bot says becomes cards. Only here is it known.

An interaction's way: `client` (deferred, then accepted) → `core.reception` (once, in order) → `handler` (who may see
the answer) → `core.bot` → `replies` (spaced edits, one message whoever finishes). A message's way is the
same without the first step.
"""
