"""A reader of scans that recognises one word on every page, and dies of the word `die`."""

import os

from infra.knowledge.parse_child import serve
from infra.knowledge.readers.parsed import Parsed, Section


def read(content: bytes, *, name: str, media_type: str = "") -> Parsed:
    """Return the word."""
    if b"(die)" in content:
        os.abort()
    section = Section(anchor="page=1", markdown="Recognised.")
    return Parsed(title=name, media_type="application/pdf", sections=(section,))


if __name__ == "__main__":
    serve(read)
