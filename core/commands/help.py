"""The help, written from the table."""

from core.commands.table import TABLE, Usage, Verb


def to_help(verb: Verb | None = None, *, admin: bool = True) -> str:
    """Return Markdown: one line a command, or one command with its example.

    `admin` False leaves out what only admins may; `forget` is always there, since anyone may have themselves forgotten.
    """
    if verb is not None:
        row = TABLE[verb]
        return f"{_line(row)}\nFor example: `{row.example}`" + ("\nOnly for admins." if row.admin else "")
    rows = [row for row in TABLE.values() if admin or not row.admin or row.verb is Verb.FORGET]
    return "\n".join(["Ask me anything, or say:", *(f"- {_line(row)}" for row in rows)])


def _line(row: Usage) -> str:
    return f"`{row.form}`: {row.does}"
