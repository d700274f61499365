"""Outlook's own files (.msg): the same mail, kept as numbered streams in an old Office container."""

import io
import re
from collections.abc import Iterator
from email.parser import HeaderParser

import olefile

from core.errors import InputError
from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.html import to_text
from infra.knowledge.readers.letter import Attached, Letter, to_parsed
from infra.knowledge.readers.parsed import Parsed

DAMAGED = "the Outlook message is damaged: open it in Outlook, save it again and add that"
# Numbers of MAPI properties (MS-OXPROPS); 001F is text in UTF-16, 001E in an old code page, 0102 bytes.
SUBJECT, SENDER, ADDRESS, TO, CC, BODY, PAGE, HEADERS = "0037", "0C1A", "0C1F", "0E04", "0E03", "1000", "1013", "007D"
NAME, SHORT_NAME, CONTENT, MEDIA_TYPE = "3707", "3704", "3701", "370E"


def read(content: bytes, attached: Attached = None) -> Parsed:
    """Read an Outlook message; `attached` reads what came with it. InputError if it is damaged or says nothing."""
    try:
        with olefile.OleFileIO(io.BytesIO(content), raise_defects=olefile.DEFECT_FATAL) as file:
            said = _Streams(file, ())
            headers = HeaderParser().parsestr(said.text(HEADERS))
            sender = f"{said.text(SENDER)} <{said.text(ADDRESS)}>".replace(" <>", "")
            date = str(headers["Date"] or "")
            head = (("From", sender), ("To", said.text(TO)), ("Cc", said.text(CC)), ("Date", date))
            body = said.text(BODY).strip() or to_text(said.text(PAGE) or said.raw(PAGE).decode("utf-8", "replace"))
            letter = Letter(subject=said.text(SUBJECT), head=head, body=body, files=tuple(_files(file)))
    except (OSError, ValueError, IndexError, TypeError, KeyError) as error:
        raise InputError(DAMAGED) from error
    return to_parsed(letter, Kind.OUTLOOK, attached)


class _Streams:
    """The properties below one storage of the container."""

    def __init__(self, file: olefile.OleFileIO, below: tuple[str, ...]) -> None:
        self._file, self._below = file, below

    def raw(self, number: str) -> bytes:
        return self._stream(number, "0102")

    def text(self, number: str) -> str:
        wide, narrow = self._stream(number, "001F"), self._stream(number, "001E")
        return (wide.decode("utf-16-le", "replace") or narrow.decode("cp1252", "replace")).replace("\0", "")

    def _stream(self, number: str, kind: str) -> bytes:
        name = [*self._below, f"__substg1.0_{number}{kind}"]
        if not self._file.exists(name):
            return b""
        content: bytes = self._file.openstream(name).read()
        return content


def _files(file: olefile.OleFileIO) -> Iterator[tuple[str, str, bytes]]:
    storages = sorted({entry[0] for entry in file.listdir() if re.match(r"__attach_version1\.0_", entry[0])})
    for storage in storages:
        attached = _Streams(file, (storage,))
        content = attached.raw(CONTENT)
        if content:
            yield attached.text(NAME) or attached.text(SHORT_NAME), attached.text(MEDIA_TYPE), content
