"""Reads every command but `add`: each function returns the command, or None for a question."""

from collections.abc import Collection

from core.commands.line import TALK, Line, document, place
from core.commands.table import WORDS, Command, Help, Kind
from core.commands.words import Shape

_NOUNS = {"docs", "documents", "sources", "files", "documentos", "fuentes", "archivos"}
_EVERY = {
    *("me", "all", "everything", "the", "our", "my", "your"),
    *("todo", "todos", "todas", "los", "las", "nuestros", "mis"),
}
_PRONOUNS = {"it", "that", "this", "all", "everything", "me", "them", "eso", "esto", "todo"}
_ME = {("me",), ("mi",), ("a", "mi"), ("de", "mi"), ("everything", "about", "me"), ("todo", "sobre", "mi")}
_THIS = {"this", "esto", "esta", "este"}
_COLLECTION = {"collection", "coleccion"}
_FOR = {"for", "in", "para", "en"}
_WITH = {"with", "to", "con", "a", "en"}
_SMALL = {
    *("for", "of", "on", "in", "to", "the", "a", "an", "and", "or", "with", "is", "are", "my", "our", "your", "how"),
    *("de", "del", "el", "la", "los", "las", "en", "para", "con", "por", "mi", "y", "o", "que", "como"),
}


def read_list(line: Line) -> Command | None:
    """`list`, `list docs`, `list all the documents in people`."""
    tokens = line.tokens
    while tokens and (tokens[0].folded in _EVERY or tokens[0].folded in _NOUNS):
        tokens = tokens[1:]
    if not tokens:
        return line.command()
    where = place(tokens[1:]) if tokens[0].folded in ("in", "from", "en") else None
    if where is None or where[2]:
        return None
    return Command(verb=line.verb, scope=where[0], collection=where[1], said=line.said)


def read_document(line: Line) -> Command | None:
    """`show d1`, `refresh "Expenses policy"`, `remove handbook.pdf`."""
    if not line.tokens:
        raise line.broken(f"Say which document to {line.verb}")
    if any(token.unclosed for token in line.tokens[:2]):
        raise line.broken("The quote does not end")
    named = document(line.tokens)
    if named and not named[1]:
        return line.command(Kind.DOCUMENT, named[0])
    if all(token.names_document or token.folded in ("and", "y") for token in line.tokens):
        raise line.broken(f"Name one document to {line.verb}: by its id, its address, or its title in quotes")
    if len(line.tokens) == 1 and line.words[0] in _PRONOUNS:
        raise line.broken(f"Name the document to {line.verb}: by its id, its address, or its title in quotes")
    return None


def read_status(line: Line) -> Command | None:
    """`status`, `status handbook.pdf`."""
    return read_document(line) if line.tokens else line.command()


def read_forget(line: Line) -> Command | None:
    """`forget me`, `forget this conversation`, `forget d1`."""
    if line.words in _ME:
        return line.command(Kind.ME)
    if line.words and line.words[0] in _THIS and (len(line.words) == 1 or set(line.words[1:]) <= TALK):
        return line.command(Kind.THIS)
    if not line.tokens:
        raise line.broken("Say what to forget: me, this, or a document")
    return read_document(line)


def read_share(line: Line) -> Command | None:
    """`share d1 with #finance`, `share "Expenses policy" with workspace`."""
    if not line.tokens:
        raise line.broken("Say which document to share, and with whom")
    if line.tokens[0].unclosed:
        raise line.broken("The quote does not end")
    named = document(line.tokens)
    if named is None:
        return None
    target, rest = named
    if rest and rest[0].folded not in _WITH and line.tokens[0].shape is Shape.WORD:
        return None
    where = place(rest[1:])
    if where is None or not where[0] or where[2]:
        raise line.broken("Say with whom to share it: workspace, #channel or channel:ID")
    return Command(verb=line.verb, kind=Kind.DOCUMENT, target=target, scope=where[0], said=line.said)


def read_approve(line: Line) -> Command | None:
    """`approve`, `approve this`, `approve: a better text`."""
    better = line.rest.strip().removeprefix(":").strip()
    if line.rest.lstrip().startswith(":") and better:
        return line.command(Kind.TEXT, better)
    return line.command() if line.words in {(), ("this",), ("it",), ("esto",)} else None


def read_settings(line: Line, keys: Collection[str] | None) -> Command | None:
    """`settings`, `settings language`, `settings language es`, `settings collections = people, "Travel rules"`."""
    tokens = [token for token in line.tokens if token.text != "="]
    if not tokens:
        return line.command()
    key = tokens[0].folded
    known = key in keys if keys is not None else key.replace("_", "").replace(".", "").isalnum() and key not in _SMALL
    value = tokens[1].text if len(tokens) > 1 else ""
    if known and len(tokens) > 2:
        value = _listed(line.rest)
    if not known or (len(tokens) > 2 and not value):
        return None
    return Command(verb=line.verb, key=key, value=value, said=line.said)


def read_default(line: Line) -> Command | None:
    """`default collection people`, `default collection people for #hr`."""
    if not line.tokens or line.words[0] not in _COLLECTION:
        return None
    if len(line.tokens) == 1:
        raise line.broken("Say which collection")
    name, rest = line.tokens[1], line.tokens[2:]
    if name.shape not in (Shape.WORD, Shape.QUOTED) or not name.text or name.unclosed:
        return None
    where = place(rest[1:]) if rest and rest[0].folded in _FOR else None
    if rest and where is None:
        return None
    if where and (not where[0] or where[2]):
        raise line.broken("Say whose documents: workspace, #channel or channel:ID")
    return Command(verb=line.verb, collection=name.text, scope=where[0] if where else "", said=line.said)


def _listed(rest: str) -> str:
    """Return what follows a setting's name as names with commas between them; empty where it is none of that."""
    names = rest.strip(" :").partition(" ")[2].strip(" =").split(",")
    bare = [name.strip(" .\"'“”«»`") for name in names]
    return ",".join(bare) if len(bare) > 1 and all(bare) else ""


def read_help(line: Line) -> Help | None:
    """`help`, `help add`, `help me`."""
    if line.words in {(), ("me",)}:
        return Help()
    return Help(WORDS[line.words[0]]) if len(line.words) == 1 and line.words[0] in WORDS else None


def read_bare(line: Line) -> Command | None:
    """`undo`, `gaps`: nothing, or `that`, may follow."""
    return line.command() if line.words in {(), ("that",), ("eso",), ("this",)} else None
