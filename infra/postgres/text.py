"""Text as PostgreSQL takes it."""


def clean(text: str) -> str:
    """Return the text without NUL and without halves of surrogate pairs, which no database stores.

    For what is read or asked, never for names: two names must not become one.
    """
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
