"""Tests of what the bot is shipped and run with."""
