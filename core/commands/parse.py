"""Tells commands from questions."""

import re
from collections.abc import Callable, Collection
from dataclasses import replace

from core.commands.add import read_add
from core.commands.line import Line
from core.commands.read import (
    read_approve,
    read_bare,
    read_default,
    read_document,
    read_forget,
    read_help,
    read_list,
    read_settings,
    read_share,
    read_status,
)
from core.commands.table import TABLE, WORDS, Ask, Command, Help, Verb
from core.commands.words import fold, to_tokens

_FIRST = re.compile(r"[^\W\d_]+(?=$|[\s:]|[.!?]+$)")
_BEFORE = re.compile(r"(?i)^(?:please|por favor)\b[\s,]*")
_AFTER = re.compile(r"(?i)(?:^|[\s,]+)(?:please|por favor|thanks|gracias)[.!]*$")
_GLUED = {"olvidame": ("olvida", "me"), "olvidate": ("olvida", "")}  # Spanish writes verb and pronoun as one word
_STANDS_ALONE = {Verb.LIST, Verb.STATUS, Verb.GAPS, Verb.SETTINGS, Verb.HELP}  # these also with a question mark
_SHOWN = {Verb.STATUS, Verb.GAPS, Verb.SETTINGS}  # `show gaps` is `gaps`
_TAKES_TEXT = {Verb.ADD, Verb.APPROVE}
_READERS: dict[Verb, Callable[[Line], Command | Help | None]] = {
    Verb.ADD: read_add,
    Verb.LIST: read_list,
    Verb.SHOW: read_document,
    Verb.STATUS: read_status,
    Verb.REFRESH: read_document,
    Verb.REMOVE: read_document,
    Verb.UNDO: read_bare,
    Verb.SHARE: read_share,
    Verb.FORGET: read_forget,
    Verb.GAPS: read_bare,
    Verb.APPROVE: read_approve,
    Verb.DEFAULT: read_default,
    Verb.HELP: read_help,
}


def parse(text: str, *, files: int = 0, keys: Collection[str] | None = None) -> Command | Help | Ask:
    """Return what a message wants: a command, help, or an answer.

    `files` is how many files came with it. `keys`, where given, are the settings there are: `settings` with any other
    word is then a question. The bot's own name is already gone. InputError, with an example, for what can only be a
    command and is not complete; see the package for the rule.
    """
    said = text.strip()
    body = _BEFORE.sub("", said.lstrip(" ,:;"))
    if not body:
        return Help()
    line = _line(body, said, files)
    if line is None:
        return Ask(said)
    wish = _read(line, keys)
    return wish or Ask(said, f"If you meant the command, say it like this: {TABLE[line.verb].example}")


def _line(body: str, said: str, files: int) -> Line | None:
    first = _FIRST.match(body)
    if first is None:
        return None
    word, rest = fold(first.group()), body[first.end() :]
    word, more = _GLUED.get(word, (word, ""))
    rest = f" {more}{rest}" if more else rest
    if word not in WORDS:
        return None
    polite = _AFTER.sub("", rest.lstrip(" :").rstrip(".! \n"))
    return Line(verb=WORDS[word], word=word, rest=rest, tokens=tuple(to_tokens(polite)), files=files, said=said)


def _read(line: Line, keys: Collection[str] | None) -> Command | Help | None:
    if line.rest.strip(" .!?") == "" and "?" in line.rest:
        if line.verb not in _STANDS_ALONE:
            return Help(line.verb)
        line = replace(line, tokens=(), rest="")
    if line.verb not in _TAKES_TEXT and (line.rest.startswith(":") or line.rest.rstrip().endswith("?")):
        return None
    if line.verb is Verb.APPROVE and ":" not in line.rest and line.rest.rstrip().endswith("?"):
        return None
    if line.verb in (Verb.SHOW, Verb.LIST) and len(line.words) == 1 and WORDS.get(line.words[0]) in _SHOWN:
        line = replace(line, verb=WORDS[line.words[0]], tokens=())
    if line.verb is Verb.SHOW and line.words and line.words[-1] in ("docs", "documents", "documentos"):
        line = replace(line, verb=Verb.LIST)
    return read_settings(line, keys) if line.verb is Verb.SETTINGS else _READERS[line.verb](line)
