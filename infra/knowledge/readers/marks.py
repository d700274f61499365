"""By what files are told: the marks in their bytes, the names of parts, the claims of senders."""

from typing import Final

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
# Streams inside an old Office file, by their UTF-16 names: what it is, and as what to save it.
OUTLOOK_STREAM: Final = "__properties_version1.0"
OLE_KINDS: Final = (
    ("PowerPoint Document", "an old PowerPoint presentation (.ppt)", "PPTX or PDF"),
    ("WordDocument", "an old Word document (.doc)", "DOCX or PDF"),
    ("Workbook", "an old Excel workbook (.xls)", "XLSX or CSV"),
    ("Book", "an old Excel workbook (.xls)", "XLSX or CSV"),
)
ZIP_KINDS: Final = (
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
UNREAD: Final = {
    "xsl": "an XML style sheet",
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
