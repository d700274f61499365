"""What the commands are: their words, forms, examples and rights. The parser and the help read the same table."""

from dataclasses import dataclass, field
from enum import StrEnum


class Verb(StrEnum):
    """One command; its value is its English word."""

    ADD = "add"
    LIST = "list"
    SHOW = "show"
    STATUS = "status"
    REFRESH = "refresh"
    REMOVE = "remove"
    UNDO = "undo"
    SHARE = "share"
    FORGET = "forget"
    GAPS = "gaps"
    APPROVE = "approve"
    SETTINGS = "settings"
    DEFAULT = "default"
    HELP = "help"


class Kind(StrEnum):
    """What a command's target is."""

    NONE = ""
    URL = "url"
    FILE = "file"
    TEXT = "text"
    DOCUMENT = "document"
    ME = "me"
    THIS = "this"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One row of the table. `words` are its aliases, in lower case and without accents.

    `admin`: only an admin may run it. `destructive`: it takes something away, or shows it to people who cannot unsee
    it, so it wants a confirmation.
    """

    verb: Verb
    form: str
    does: str
    example: str
    words: tuple[str, ...] = ()
    admin: bool = False
    destructive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command to run. Empty fields were not said.

    `target` is the address, the document's name or the pasted text, by `kind`; the file itself comes from the adapter.
    `scope` is `workspace`, `channel:ID`, or `#name` where the platform gave no id: the adapter resolves that one.
    `depth` is how many links to follow from an address. `said` is the whole message: what to ask when an unquoted name
    turns out to be no document.
    """

    verb: Verb
    kind: Kind = Kind.NONE
    target: str = ""
    collection: str = ""
    title: str = ""
    scope: str = ""
    key: str = ""
    value: str = ""
    depth: int = 0
    said: str = field(default="", compare=False)

    @property
    def admin(self) -> bool:
        """Whether only an admin may run it; anyone may have themselves or their conversation forgotten."""
        own = self.verb is Verb.FORGET and self.kind in (Kind.ME, Kind.THIS)
        return TABLE[self.verb].admin and not own

    @property
    def destructive(self) -> bool:
        """Whether it wants a confirmation."""
        return TABLE[self.verb].destructive


@dataclass(frozen=True, slots=True)
class Ask:
    """A question. `hint` is a sentence for the case that it was meant as a command, else empty."""

    text: str
    hint: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Help:
    """A wish for help: on one command, or on all."""

    verb: Verb | None = None


_ROWS = (
    Usage(
        verb=Verb.ADD,
        form='add URL [depth N] | attached file | this thread | : text  [to COLLECTION or #channel] [title "..."]',
        does="learn a document",
        example="add https://example.com/handbook to people",
        words=("anade", "anadir", "agrega", "agregar"),
        admin=True,
    ),
    Usage(
        verb=Verb.LIST,
        form="list [docs] [in COLLECTION]",
        does="name the documents you may see",
        example="list docs",
        words=("lista", "listar"),
    ),
    Usage(
        verb=Verb.SHOW,
        form="show DOCUMENT",
        does="show what is known of a document",
        example='show "Expenses policy"',
        words=("muestra", "mostrar", "ensena"),
    ),
    Usage(
        verb=Verb.STATUS,
        form="status [DOCUMENT]",
        does="say how the bot, or a document, is doing",
        example="status handbook.pdf",
        words=("estado",),
    ),
    Usage(
        verb=Verb.REFRESH,
        form="refresh DOCUMENT",
        does="read a document again",
        example='refresh "Expenses policy"',
        words=("actualiza", "actualizar", "refresca"),
        admin=True,
    ),
    Usage(
        verb=Verb.REMOVE,
        form="remove DOCUMENT",
        does="take a document out of every answer",
        example='remove "Expenses policy"',
        words=("quita", "quitar", "elimina", "eliminar"),
        admin=True,
        destructive=True,
    ),
    Usage(
        verb=Verb.UNDO,
        form="undo",
        does="take back the last change of the documents",
        example="undo",
        words=("deshacer", "deshaz"),
        admin=True,
        destructive=True,
    ),
    Usage(
        verb=Verb.SHARE,
        form="share DOCUMENT with workspace | #channel",
        does="let others see a document",
        example='share "Expenses policy" with #finance',
        words=("comparte", "compartir"),
        admin=True,
        destructive=True,
    ),
    Usage(
        verb=Verb.FORGET,
        form="forget me | this | DOCUMENT",
        does="delete you, this conversation, or a document with all that came from it, with a receipt",
        example="forget me",
        words=("olvida", "olvidar"),
        admin=True,
        destructive=True,
    ),
    Usage(
        verb=Verb.GAPS,
        form="gaps",
        does="name the questions that found no answer",
        example="gaps",
        words=("lagunas", "huecos"),
        admin=True,
    ),
    Usage(
        verb=Verb.APPROVE,
        form="approve [: better text]",
        does="keep the last answer, or your better one, as an example",
        example="approve: Refunds take 14 days.",
        words=("aprueba", "aprobar"),
        admin=True,
    ),
    Usage(
        verb=Verb.SETTINGS,
        form="settings [KEY [VALUE]]",
        does="show or change the settings",
        example="settings language es",
        words=("ajustes", "configuracion"),
        admin=True,
    ),
    Usage(
        verb=Verb.DEFAULT,
        form="default collection COLLECTION [for workspace | #channel]",
        does="say where documents go when no collection is named",
        example="default collection people for #hr",
        words=("predeterminada",),
        admin=True,
    ),
    Usage(
        verb=Verb.HELP,
        form="help [COMMAND]",
        does="say what can be done, or how",
        example="help add",
        words=("ayuda", "commands", "comandos"),
    ),
)

EXAMPLES = frozenset({"https://example.com/handbook"})  # the addresses in our own words, which may be shown
TABLE: dict[Verb, Usage] = {row.verb: row for row in _ROWS}
WORDS: dict[str, Verb] = {word: row.verb for row in _ROWS for word in (row.verb.value, *row.words)}
