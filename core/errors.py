"""Everything that can go wrong, as one tree; every message is fit for the chat and says the remedy where there is one.

BotError
├── InputError            what was given cannot be used: empty, too long, of a wrong type
│   └── UnknownError      the named workspace, document or adapter does not exist
├── RefusedError          the asker may not do this, or not now
├── UnavailableError      a service is down, silent or full
│   ├── KnowledgeDown     the database cannot be reached or written
│   ├── ModelDown         no model server answered in its budget
│   └── EmbedderDown      no embedding in its budget: full text still works
└── SetupError            the installation is not right: said at start, with the remedy
"""


class BotError(Exception):
    """One sentence for the person who asked."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else self.__class__.__name__


class InputError(BotError):
    """What was given cannot be used."""


class UnknownError(InputError):
    """The named thing does not exist."""


class RefusedError(BotError):
    """Not allowed, with the reason."""


class UnavailableError(BotError):
    """A service is down, silent or full."""


class KnowledgeDown(UnavailableError):
    """The database cannot be reached or written."""


class ModelDown(UnavailableError):
    """No model server answered within its budget."""


class EmbedderDown(UnavailableError):
    """No embedding within its budget."""


class SetupError(BotError):
    """The installation is not right."""
