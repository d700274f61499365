"""What a file really is: its bytes are believed first, then its name, then what the sender claimed."""

import io
import re
import zipfile
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from core.errors import InputError


class Kind(StrEnum):
    """What can be read, by its media type."""

    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    HTML = "text/html"
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


INSTEAD: Final = "add Markdown, text, HTML, PDF or DOCX instead"
LOCKED: Final = "the file is password-protected: save a copy without a password and add that"

# (offset, bytes, what it is), most specific first
MAGIC: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF87a", "a GIF image"),
    (0, b"GIF89a", "a GIF image"),
    (8, b"WEBP", "a WebP image"),
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (0, b"BM", "a BMP image"),
    (0, b"\0\0\1\0", "an icon"),
    (4, b"ftypheic", "a HEIC image"),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"ftyp", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (8, b"AVI ", "a video"),
    (8, b"WAVE", "a sound file"),
    (0, b"ID3", "a sound file"),
    (0, b"OggS", "a sound file"),
    (0, b"fLaC", "a sound file"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\0", "an xz archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"(\xb5/\xfd", "a zstd archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"\xca\xfe\xba\xbe", "a program"),
    (0, b"\xcf\xfa\xed\xfe", "a program"),
    (0, b"\0asm", "a program"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (0, b"{\\rtf", "an RTF document (not supported)"),
    (0, b"%!PS", "a PostScript file (not supported)"),
    (0, b"wOF", "a font"),
    (0, b"OTTO", "a font"),
    (0, b"\0\1\0\0\0", "a font"),
    (0, b"PAR1", "a Parquet table (not supported)"),
)
SHORT_MAGIC: Final = 3  # such short marks also begin honest text ("BMW ..."), so they count only before binary data
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Streams inside an old Office file, by their UTF-16 names.
OLE_KINDS: Final = (
    ("__properties_version1.0", "an Outlook message (.msg)"),
    ("PowerPoint Document", "an old PowerPoint presentation (.ppt)"),
    ("WordDocument", "an old Word document (.doc)"),
    ("Workbook", "an old Excel workbook (.xls)"),
    ("Book", "an old Excel workbook (.xls)"),
)
ZIP_KINDS: Final = (
    ("xl/", "an Excel workbook (not supported yet)"),
    ("ppt/", "a PowerPoint presentation (not supported yet)"),
    ("visio/", "a Visio drawing (not supported)"),
    ("Index/Document.iwa", "an Apple iWork document (not supported)"),
    ("Index.zip", "an Apple iWork document (not supported)"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
    ("AndroidManifest.xml", "an Android app"),
)
MIMETYPES: Final = (
    ("application/epub+zip", "an EPUB book (not supported)"),
    ("application/vnd.oasis.opendocument.text", "an OpenDocument text (not supported)"),
    ("application/vnd.oasis.opendocument.spreadsheet", "an OpenDocument spreadsheet (not supported)"),
    ("application/vnd.oasis.opendocument.presentation", "an OpenDocument presentation (not supported)"),
)
# Text that is only noise without a reader of its own.
NOT_YET: Final = {
    "csv": "a CSV table",
    "tsv": "a TSV table",
    "json": "a JSON file",
    "ndjson": "a JSON file",
    "jsonl": "a JSON file",
    "eml": "an e-mail message",
    "p7s": "a signed e-mail",
    "xml": "an XML file",
    "xsl": "an XML file",
    "svg": "an SVG image",
    "mbox": "a mailbox",
    "rtf": "an RTF document",
}
CLAIMS: Final = {
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "message/rfc822": "eml",
    "application/xml": "xml",
    "text/xml": "xml",
    "image/svg+xml": "svg",
    "text/markdown": "md",
    "text/x-markdown": "md",
    "text/html": "html",
    "application/xhtml+xml": "html",
}
BINARY_NAMES: Final = {
    "pdf": "a PDF",
    "docx": "a Word document",
    "pptx": "a PowerPoint presentation",
    "xlsx": "an Excel workbook",
    "doc": "a Word document",
    "xls": "an Excel workbook",
    "ppt": "a PowerPoint presentation",
    "msg": "an Outlook message",
    "odt": "an OpenDocument text",
    "epub": "an EPUB book",
    "zip": "a ZIP archive",
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp", "tif", "tiff", "bmp", "heic"), "an image"),
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
        raise _in_ole(content)
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
        if known in {"html", "htm", "xhtml"}:
            return Kind.HTML
        if known in {"md", "markdown", "mdx", "mdown"}:
            return Kind.MARKDOWN
        if known in NOT_YET:
            raise _refusal(f"{NOT_YET[known]} (not supported yet)")
    if XML_START.search(head):
        raise _refusal("an XML file (not supported yet)")
    if len(set(MAIL_START.findall(head[:4096].lower()))) > 1:
        raise _refusal("an e-mail message (not supported yet)")
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
    if any(name.startswith("word/") for name in names):
        return Kind.DOCX
    for start, what in (*MIMETYPES, *ZIP_KINDS):
        if mimetype.startswith(start) or any(name.startswith(start) for name in names):
            raise _refusal(what)
    raise InputError("the file is a ZIP archive: unpack it and add the files in it")


def _in_ole(content: bytes) -> InputError:
    if "EncryptedPackage".encode("utf-16-le") in content:
        return InputError(LOCKED)
    for stream, what in OLE_KINDS:
        if stream.encode("utf-16-le") in content:
            return InputError(f"the file is {what}: save it as PDF or DOCX and add that")
    return _refusal("an old Office file (not supported)")


def _refusal(what: str) -> InputError:
    return InputError(f"the file is {what}: {INSTEAD}")
