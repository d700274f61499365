"""A message that begins with a command word, and the parts that several commands share."""

from dataclasses import dataclass

from core.audience import WORKSPACE, to_scope
from core.commands.table import TABLE, Command, Kind, Verb
from core.commands.words import Shape, Token, fold
from core.errors import InputError

EVERYONE = {"workspace", "everyone", "everybody", "todos", "espacio"}
ARTICLES = {"the", "el", "la"}
TALK = {"conversation", "thread", "chat", "conversacion", "hilo"}
_NOUNS = {"document", "doc", "documento", "file", "fichero", "archivo"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A command word and the rest: as text, and as tokens without a closing please or full stop."""

    verb: Verb
    word: str
    rest: str
    tokens: tuple[Token, ...]
    files: int = 0
    said: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The folded words; a name, an address or a channel counts as an empty one."""
        return tuple(token.folded for token in self.tokens)

    @property
    def spanish(self) -> bool:
        """Whether the command word was: `a` is then a preposition, in English an article."""
        return self.word != self.verb

    def broken(self, problem: str) -> InputError:
        """Return the error for a command that is not complete, with its example."""
        return InputError(f"{problem}, for example: {TABLE[self.verb].example}")

    def command(self, kind: Kind = Kind.NONE, target: str = "") -> Command:
        """Return the plain command of this line."""
        return Command(verb=self.verb, kind=kind, target=target, said=self.said)


def document(tokens: tuple[Token, ...]) -> tuple[str, tuple[Token, ...]] | None:
    """Return the document named first (`document` may stand before) and the tokens after it; None where none is."""
    if len(tokens) > 1 and tokens[0].folded in ARTICLES:
        tokens = tokens[1:]
    if len(tokens) > 1 and tokens[0].folded in _NOUNS:
        tokens = tokens[1:]
    if not tokens or not tokens[0].names_document:
        return None
    return tokens[0].text, tokens[1:]


def place(tokens: tuple[Token, ...]) -> tuple[str, str, tuple[Token, ...]] | None:
    """Return scope, name and what follows, for `workspace`, `#channel`, `channel:ID` or a collection's name."""
    if len(tokens) > 1 and tokens[0].folded in ARTICLES:
        tokens = tokens[1:]
    if not tokens or tokens[0].unclosed:
        return None
    first, rest = tokens[0], tokens[1:]
    if first.shape is Shape.CHANNEL:
        return to_scope(f"channel:{first.text}"), "", rest
    if first.shape is Shape.URL or not first.text:
        return None
    if first.shape is Shape.WORD and fold(first.text) in EVERYONE:
        return WORKSPACE, "", rest
    if first.shape is Shape.WORD and first.text.startswith("#") and len(first.text) > 1:
        return first.text, "", rest
    if first.shape is Shape.WORD and first.text.startswith("channel:") and len(first.text) > len("channel:"):
        return to_scope(first.text), "", rest
    return "", first.text, rest
