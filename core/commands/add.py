"""`add`: an address, the attached file, or pasted text, with where it goes and what it is called."""

import re
from dataclasses import dataclass, replace

from core.commands.line import TALK, Line, place
from core.commands.table import Command, Kind
from core.commands.words import Shape, Token, to_tokens

_FILLERS = {
    *("this", "these", "it", "the", "attached", "attachment", "file", "files", "document", "doc", "page", "link"),
    *("text", "note", "esto", "este", "esta", "estos", "el", "la", "archivo", "fichero", "documento", "adjunto"),
    *("pagina", "enlace", "texto", "nota"),
}
_DETERMINERS = {"the", "this", "these", "our", "my", "a", "new", "el", "la", "este", "esta", "nuestro", "nuestra", "mi"}
_TO = {"to", "into", "in"}
_TO_IN_SPANISH = {"a", "al", "en"}
_TITLE = {"title", "titled", "titulo"}
_COLLECTION = {"collection", "coleccion"}
_STARTS_TEXT = re.compile(r":(?!//)|\n")
_FENCED = re.compile(r"```[\w+#-]*\n?(.*?)\n?```", re.DOTALL)
DEEPEST = 5  # links; a whole site of any depth is its sitemap
_DEPTH = {"depth", "profundidad"}
_HEAD = 300  # characters in which the colon before a pasted text is looked for: two quoted names and some words


@dataclass(frozen=True, slots=True)
class _Options:
    collection: str = ""
    title: str = ""
    scope: str = ""
    depth: int = 0


def read_add(line: Line) -> Command | None:
    """Return the command, None for a question; InputError for an address or a file that cannot be taken."""
    pasted = _pasted(line)
    if pasted:
        options, text = pasted
        tokens = tuple(to_tokens(text))
        if all(token.shape is Shape.URL for token in tokens):
            return _with(_address(line, tokens), options)
        return _with(line.command(Kind.TEXT, text), options)
    if line.rest.rstrip().endswith("?"):
        return None
    tokens = _unfilled(line.tokens)
    if tokens and tokens[0].shape is Shape.URL:
        return _address(line, tokens)
    if tokens and tokens[0].shape is Shape.QUOTED and tokens[0].text:
        quoted = _options(line, tokens[1:])
        return _with(line.command(Kind.TEXT, tokens[0].text), quoted) if quoted else None
    return _attached(line, tokens)


def _pasted(line: Line) -> tuple[_Options, str] | None:
    """Return the options and the text after the first colon or line break that has only options before it."""
    fenced = _FENCED.fullmatch(line.rest.strip())
    if fenced and fenced.group(1).strip():
        return _Options(), fenced.group(1)
    for match in _STARTS_TEXT.finditer(line.rest, 0, _HEAD):
        options = _options(line, _unfilled(tuple(to_tokens(line.rest[: match.start()]))))
        text = line.rest[match.end() :].strip()
        if options and text:
            inner = _FENCED.fullmatch(text)
            return options, inner.group(1) if inner else text
    return None


def _address(line: Line, tokens: tuple[Token, ...]) -> Command:
    if len(tokens) > 1 and tokens[1].shape is Shape.URL:
        raise line.broken("Add one address at a time")
    options = _options(line, tokens[1:])
    if options is None:
        raise line.broken("After the address only a collection, a title in quotes and a depth may follow")
    return _with(line.command(Kind.URL, tokens[0].text), options)


def _attached(line: Line, tokens: tuple[Token, ...]) -> Command | None:
    if tokens and tokens[0].folded in TALK and not line.files:
        about = _options(line, tokens[1:])
        return _with(line.command(Kind.THIS), about) if about and not about.depth else None
    options = _options(line, tokens)
    if options is not None and line.files:
        return _with(line.command(Kind.FILE), options)
    if options is not None:
        raise line.broken("There is nothing to add: give an address, attach a file, or write the text after a colon")
    if len(line.tokens) == 1 and re.search(r"\w[./]\w|://", line.tokens[0].text):
        raise line.broken(
            f"{line.tokens[0].text[:80]} is not an address that I can read: one begins with http or https"
        )
    if line.files and line.words[0] in _DETERMINERS:
        raise line.broken("To learn the attached file, say only add, or add to COLLECTION")
    return None


def _unfilled(tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """Return the tokens after words such as `this file`."""
    while tokens and tokens[0].folded in _FILLERS:
        tokens = tokens[1:]
    return tokens


def _options(line: Line, tokens: tuple[Token, ...]) -> _Options | None:
    """Return the options these tokens are, None if they are anything else."""
    options, to = _Options(), _TO | _TO_IN_SPANISH if line.spanish else _TO
    while tokens:
        word, rest = tokens[0].folded, tokens[1:]
        if word in _DEPTH and rest and rest[0].text.isdecimal():
            options, tokens = replace(options, depth=_depth(line, rest[0].text)), rest[1:]
        elif word in _TITLE and rest and rest[0].shape in (Shape.WORD, Shape.QUOTED) and not rest[0].unclosed:
            options, tokens = replace(options, title=rest[0].text), rest[1:]
        elif word in to and (where := place(rest)):
            options, tokens = replace(options, scope=where[0], collection=where[1]), where[2]
            if tokens and tokens[0].folded in _COLLECTION:
                tokens = tokens[1:]
        else:
            return None
    return options


def _depth(line: Line, said: str) -> int:
    if len(said) > 2 or int(said) > DEEPEST:
        raise line.broken(f"I follow at most {DEEPEST} links from an address: say depth 1 to {DEEPEST}")
    return int(said)


def _with(command: Command, options: _Options) -> Command:
    depth = options.depth if command.kind is Kind.URL else 0
    return replace(command, collection=options.collection, title=options.title, scope=options.scope, depth=depth)
