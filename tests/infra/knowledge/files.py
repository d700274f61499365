"""Small files of every kind, written by hand, so that a test says all that is in them."""

import io
import zipfile
from collections.abc import Sequence

Text = tuple[float, float, float, str]  # left, bottom, size, text


def pdf(*pages: Sequence[Text], title: str = "", image: bool = False, locked: bool = False) -> bytes:
    """Write a PDF: each page a sequence of (left, bottom, size, text)."""
    kids = [5 + 2 * number for number in range(len(pages))]
    objects = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] >>",
        3: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        4: f"<< /Title ({title}) >>",
    }
    for kid, page in zip(kids, pages, strict=True):
        picture = "BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI" if image else ""
        content = "\n".join([picture, *(f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET" for x, y, size, text in page)])
        resources = "<< /Font << /F1 3 0 R >> >>"
        objects[kid] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources {resources} /Contents {kid + 1} 0 R >>"
        )
        objects[kid + 1] = f"<< /Length {len(content.encode('latin-1'))} >>\nstream\n{content}\nendstream"
    tail = "/Root 1 0 R /Info 4 0 R /ID [<00> <00>]"
    if locked:
        tail += f" /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'11' * 32}> /U <{'22' * 32}> >>"
    body = "%PDF-1.4\n" + "".join(f"{number} 0 obj\n{text}\nendobj\n" for number, text in objects.items())
    return f"{body}trailer\n<< /Size {len(objects) + 1} {tail} >>\n%%EOF".encode("latin-1")


def column(*lines: str, size: float = 10, top: float = 700, left: float = 50) -> list[Text]:
    """Place lines under each other at the usual distance."""
    return [(left, top - 1.2 * size * number, size, line) for number, line in enumerate(lines)]


W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org"


def paragraph(text: str, style: str = "") -> str:
    """Write a Word paragraph."""
    look = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{look}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def table(*rows: Sequence[str]) -> str:
    """Write a Word table."""
    cells = ["".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows]
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def docx(body: str, *, title: str = "", before: str = "", extra: dict[str, bytes] | None = None) -> bytes:
    """Write a DOCX; `before` stands ahead of the document's root, where declarations go."""
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{style}"><w:name w:val="{name}"/></w:style>'
        for style, name in (("H1", "heading 1"), ("H2", "heading 2"), ("T", "Title"), ("TOC1", "toc 1"), ("C", "Code"))
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{OFFICE}/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{OFFICE}/package/2006/relationships"/>',
        "word/document.xml": f"<?xml version='1.0'?>{before}<w:document {W}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": f"<w:styles {W}>{styles}</w:styles>",
        "docProps/core.xml": f'<c xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></c>',
    }
    return packed({name: text.encode() for name, text in parts.items()} | (extra or {}))


def packed(members: dict[str, bytes]) -> bytes:
    """Write a ZIP archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content, compresslevel=1)
    return file.getvalue()
