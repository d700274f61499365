"""Slack: what it delivers becomes a question or a command, what the bot says becomes blocks. Only here is Slack known.

An event's way: `app` (accepted before bolt acknowledges) → `core.reception` (once, in order) → `handler` (is it for us,
who may see the answer) → `core.bot` → `showing` (status, posts, adoption of what a predecessor posted).
"""
