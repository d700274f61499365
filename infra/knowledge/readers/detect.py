"""What a file really is: its bytes are believed first, then its name, then what the sender claimed."""

import io
import re
import zipfile
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from core.errors import InputError
from infra.knowledge.readers.marks import (
    BINARY_NAMES,
    CLAIMS,
    MAGIC,
    MIMETYPES,
    OLE,
    OLE_KINDS,
    OUTLOOK_STREAM,
    SHORT_MAGIC,
    UNREAD,
    ZIP_KINDS,
)


class Kind(StrEnum):
    """What can be read, by its media type."""

    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    HTML = "text/html"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    CSV = "text/csv"
    JSON = "application/json"
    XML = "application/xml"
    MAIL = "message/rfc822"
    OUTLOOK = "application/vnd.ms-outlook"


INSTEAD: Final = "add Markdown, text, HTML, PDF, DOCX, PPTX, XLSX, CSV, JSON or EML instead"
LOCKED: Final = "the file is password-protected: save a copy without a password and add that"

READ_BY_NAME: Final = {
    **dict.fromkeys(("html", "htm", "xhtml"), Kind.HTML),
    **dict.fromkeys(("md", "markdown", "mdx", "mdown"), Kind.MARKDOWN),
    **dict.fromkeys(("csv", "tsv"), Kind.CSV),
    **dict.fromkeys(("json", "ndjson", "jsonl"), Kind.JSON),
    "xml": Kind.XML,
    **dict.fromkeys(("eml", "p7s"), Kind.MAIL),
}
HTML_START: Final = re.compile(rb"(?i)<(?:!doctype\s+html|html|head|body)[\s>]")
PREFACE: Final = re.compile(rb"(?s)\s+|<!--.*?-->|<\?xml[^>]*>")  # what may stand before a page
XML_START: Final = re.compile(rb"(?is)^\s*<\?xml\s")
MAIL_START: Final = re.compile(rb"(?im)^(?:mime-version|message-id|received|return-path|delivered-to): ")


def detect(content: bytes, *, name: str, media_type: str = "") -> Kind:
    """Tell the kind; raises InputError that names what was given instead."""
    if b"%PDF-" in content[:1024]:
        return Kind.PDF
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _in_zip(content)
    if content.startswith(OLE):
        return _in_ole(content)
    _refuse_magic(content)
    return _text_kind(_narrow(content), suffix_of(name), media_type)


def suffix_of(name: str) -> str:
    """Give the ending of a file name or URL, in lower case and without its dot."""
    path = urlsplit(name).path if "://" in name else name.replace("\\", "/")
    return PurePosixPath(path).suffix.removeprefix(".").lower()


def _text_kind(head: bytes, suffix: str, media_type: str) -> Kind:
    if _begins_html(head):
        return Kind.HTML
    if suffix in BINARY_NAMES:
        raise InputError(
            f"the file is named .{suffix} but is not {BINARY_NAMES[suffix]}: it is damaged or misnamed; {INSTEAD}"
        )
    claimed = CLAIMS.get(media_type.partition(";")[0].strip().lower(), "")
    for known in (suffix, claimed):
        if known in READ_BY_NAME:
            return READ_BY_NAME[known]
        if known in UNREAD:
            raise _refusal(f"{UNREAD[known]} (not supported)")
    if XML_START.search(head):
        return Kind.XML
    if len(set(MAIL_START.findall(head[:4096].lower()))) > 1:
        return Kind.MAIL
    return Kind.TEXT


def _begins_html(head: bytes) -> bool:
    place = 0
    while preface := PREFACE.match(head, place):
        place = preface.end()
    return HTML_START.match(head, place) is not None


def _narrow(content: bytes) -> bytes:
    """Give the first bytes as if they were one byte a letter, so that UTF-16 pages are recognised too."""
    return (
        content[:8192]
        .removeprefix(b"\xef\xbb\xbf")
        .removeprefix(b"\xff\xfe")
        .removeprefix(b"\xfe\xff")
        .replace(b"\0", b"")
    )


def _refuse_magic(content: bytes) -> None:
    binary = re.search(rb"[\0-\x08\x0e-\x1a]", content[:512]) is not None
    for offset, mark, what in MAGIC:
        if content.startswith(mark, offset) and (binary or len(mark) > SHORT_MAGIC):
            raise _refusal(what)


def _in_zip(content: bytes) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            mimetype = archive.read("mimetype")[:100].decode("ascii", "replace") if "mimetype" in names else ""
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputError("the file is damaged (its ZIP structure is broken): save it again and add that") from error
    for folder, kind in (("word/", Kind.DOCX), ("ppt/", Kind.PPTX), ("xl/", Kind.XLSX)):
        if any(name.startswith(folder) for name in names):
            return kind
    for start, what in (*MIMETYPES, *ZIP_KINDS):
        if mimetype.startswith(start) or any(name.startswith(start) for name in names):
            raise _refusal(what)
    raise InputError("the file is a ZIP archive: unpack it and add the files in it")


def _in_ole(content: bytes) -> Kind:
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise InputError(LOCKED)
    if OUTLOOK_STREAM.encode("utf-16-le") in content:
        return Kind.OUTLOOK
    for stream, what, instead in OLE_KINDS:
        if stream.encode("utf-16-le") in content:
            raise InputError(f"the file is {what}: save it as {instead} and add that")
    raise _refusal("an old Office file (not supported)")


def _refusal(what: str) -> InputError:
    return InputError(f"the file is {what}: {INSTEAD}")
