"""What all Office files are inside, a ZIP of XML: refused when it is a trap, before any parser sees it."""

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

from core.errors import InputError

DAMAGED = "the {what} is damaged: open it in Office, save it again and add that"
BOMB = "the {what} unpacks to an unreasonable size: save it again without embedded objects"
ENTITIES = "the {what} declares XML entities, which Office never writes: save it again in Office"
UNPACKED = 200_000_000  # bytes of XML: an 870-page handbook has 10 million; bombs have billions
PICTURES = 500_000_000  # bytes of media, which some readers load and none unpacks further
DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
TITLE = "{http://purl.org/dc/elements/1.1/}title"
MARKUP = (".xml", ".rels", ".vml")
BROKEN = (
    zipfile.BadZipFile,
    KeyError,
    ValueError,
    OSError,
    EOFError,
    NotImplementedError,
    TypeError,
    IndexError,
    AttributeError,
    SyntaxError,  # ElementTree's and lxml's parse errors
)


def checked(content: bytes, what: str) -> str:
    """Refuse bombs and entity tricks; return the title that the file states, which may be empty.

    zipfile never unpacks more than a member's stated size, so the sum of those is a true bound.
    """
    with whole(what), zipfile.ZipFile(io.BytesIO(content)) as archive:
        pictures = [member for member in archive.infolist() if "/media/" in member.filename]
        parts = [member for member in archive.infolist() if "/media/" not in member.filename]
        if _size(parts) > UNPACKED or _size(pictures) > PICTURES:
            raise InputError(BOMB.format(what=what))
        marked = (member for member in parts if member.filename.lower().endswith(MARKUP))
        if any(DECLARATION.search(archive.read(member).replace(b"\0", b"")) for member in marked):
            raise InputError(ENTITIES.format(what=what))
        if "docProps/core.xml" not in archive.namelist():
            return ""
        title = ElementTree.fromstring(archive.read("docProps/core.xml")).find(TITLE)  # noqa: S314 - checked above
        return (title.text or "") if title is not None else ""


@contextmanager
def whole(what: str) -> Iterator[None]:
    """Let what a library says about a broken file out as one sentence."""
    try:
        yield
    except BROKEN as error:
        raise InputError(DAMAGED.format(what=what)) from error


def _size(members: list[zipfile.ZipInfo]) -> int:
    return sum(member.file_size for member in members)
