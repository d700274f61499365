"""The one door for the database's errors: each leaves as one sentence with its remedy."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from core.errors import BotError, EmbedderDown, InputError, KnowledgeDown, RefusedError, SetupError, UnknownError


class OtherModel(EmbedderDown):
    """The documents of this workspace were embedded by another model than the one that embeds the questions."""


MIGRATE: Final = "The database lacks Vocero's tables or has old ones: run `vocero migrate`."
DOWN: Final = "The database cannot be reached: check that PostgreSQL runs and that VOCERO_DATABASE_URL names it."
READ_ONLY: Final = (
    "The database is read-only (a standby, or its disk is full): point VOCERO_DATABASE_URL at the primary."
)
ADDRESS: Final = (
    "The database's address cannot be read: write VOCERO_DATABASE_URL, or --admin-url, as "
    "postgresql://ROLE:PASSWORD@HOST:5432/DATABASE."
)
BUSY: Final = "The database has no free connection: try again in a moment, or give Vocero fewer questions at once."

# by SQLSTATE, or by its class (two characters)
_SENTENCES: Final[dict[str, tuple[type[BotError], str]]] = {
    "VO002": (RefusedError, "A search needs a workspace and at least one scope: name both."),
    "VO003": (
        OtherModel,
        "The documents were embedded by another model than the questions: run `vocero reindex --embedding-model M`.",
    ),
    "VO004": (
        SetupError,
        "The embedding model returns vectors of another length than before: "
        "give it another name in VOCERO_EMBEDDING_MODEL, then run `vocero reindex`.",
    ),
    "08": (KnowledgeDown, DOWN),
    "address": (SetupError, ADDRESS),  # libpq reads it before there is a server that could name a SQLSTATE
    "22021": (InputError, "The text holds bytes that are no text, such as NUL: remove them."),
    "22P05": (InputError, "The text holds bytes that are no text, such as NUL: remove them."),
    "23": (InputError, "The database refused a value that breaks one of its rules: check the names given."),
    "25006": (KnowledgeDown, READ_ONLY),
    "28P01": (KnowledgeDown, "The database refused the password: correct VOCERO_DATABASE_URL."),
    "28": (KnowledgeDown, "The database refused the role or its password: correct VOCERO_DATABASE_URL."),
    "3D000": (
        KnowledgeDown,
        "The database named in VOCERO_DATABASE_URL does not exist: create it, then `vocero migrate`.",
    ),
    "3F000": (KnowledgeDown, MIGRATE),
    "40": (KnowledgeDown, "The database undid the work because another change met it: try again."),
    "42501": (
        KnowledgeDown,
        "The database role may not do this: run `vocero migrate` as the owner to grant its rights.",
    ),
    "42P01": (KnowledgeDown, MIGRATE),
    "42703": (KnowledgeDown, MIGRATE),
    "42883": (KnowledgeDown, MIGRATE),
    "42704": (KnowledgeDown, MIGRATE),
    "53100": (KnowledgeDown, "The database's disk is full: free space on it, then try again."),
    "53300": (KnowledgeDown, "The database has no connection left: raise its max_connections or run fewer processes."),
    "53": (KnowledgeDown, "The database is short of memory, disk or connections: look at its log."),
    "55P03": (KnowledgeDown, "Another change holds what this one needs: try again in a moment."),
    "57014": (KnowledgeDown, "The database took too long and was stopped: try again, or look at its load."),
    "57": (KnowledgeDown, "The database is starting or stopping: try again in a moment."),
    "58": (KnowledgeDown, "The database met an error of its disk: look at its log."),
}

# PostgreSQL gives no SQLSTATE for a refused connection: its words are all there is
_WORDS: Final[tuple[tuple[str, str], ...]] = (
    ('missing "="', "address"),
    ("invalid URI", "address"),
    ("invalid percent-encoded", "address"),
    ("invalid connection option", "address"),
    ("invalid port number", "address"),
    ("invalid integer value", "address"),
    ("too many clients", "53300"),
    ("too many connections", "53300"),
    ("connection slots", "53300"),
    ("starting up", "57"),
    ("shutting down", "57"),
    ("password", "28P01"),
    ("authentication", "28"),
    ("pg_hba", "28"),
    ('role "', "28"),
    ('database "', "3D000"),
)


@contextmanager
def translated() -> Iterator[None]:
    """Let only `BotError` out of the block."""
    try:
        yield
    except (psycopg.Error, PoolClosed, UnicodeEncodeError) as error:
        raise to_error(error) from error


def to_error(error: Exception) -> BotError:
    """Return the sentence for an error of psycopg, of its pool, or of text that cannot be encoded."""
    if isinstance(error, UnicodeEncodeError):
        return InputError("The text holds characters that are no text, such as half of an emoji: remove them.")
    if isinstance(error, (PoolTimeout, TooManyRequests)):
        return KnowledgeDown(BUSY)
    if isinstance(error, PoolClosed):
        return KnowledgeDown("The database connection is closed: Vocero is stopping.")
    if isinstance(error, psycopg.DataError) and "NUL" in str(error):
        return InputError(_SENTENCES["22021"][1])
    state = getattr(error, "sqlstate", None) or _state_of(str(error))
    if state == "VO001":
        return UnknownError(_unknown(error))
    for key in (state, state[:2]):
        if key in _SENTENCES:
            kind, sentence = _SENTENCES[key]
            return kind(sentence)
    if isinstance(error, psycopg.OperationalError):
        return KnowledgeDown(DOWN)
    return KnowledgeDown(f"The database refused the work ({state or type(error).__name__}): run `vocero doctor`.")


def unknown_workspace(workspace: str) -> UnknownError:
    """The error for a workspace that nothing was ever added to."""
    return UnknownError(f"There is no workspace {workspace[:80]!r}: add a document to it first, or correct the name.")


def _state_of(words: str) -> str:
    return next((state for word, state in _WORDS if word in words), "")


def _unknown(error: Exception) -> str:
    diagnosis = getattr(error, "diag", None)
    message = str(getattr(diagnosis, "message_primary", "") or "")
    return str(unknown_workspace(message.removeprefix("no workspace ")))
