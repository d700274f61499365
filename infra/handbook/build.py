"""Rebuild the handbook's PDF and DOCX from their Markdown sources: python -m infra.handbook.build

The two results are committed, so nobody needs fpdf2 or python-docx to run the product. Dates are
fixed and the fonts are the PDF's built-in ones: the same source gives the same bytes.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Literal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

HERE = Path(__file__).parent
COMPANY = "Wrenfold Canvas"
DATE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
REMEDY = "fpdf2 or python-docx is missing: install the group with pip install --group handbook."

Kind = Literal["title", "heading", "text", "bullets", "steps", "table"]
MARKS: dict[str, Kind] = {"#": "title", "##": "heading", "-": "bullets", "|": "table"}


@dataclass(frozen=True, slots=True)
class Block:
    """One block of Markdown; lines without their marks, a table's cells still parted by bars."""

    kind: Kind
    lines: list[str]


def blocks(markdown: str) -> Iterator[Block]:
    """Split the Markdown our two sources use: headings, one-line paragraphs, lists, tables."""
    for part in re.split(r"\n\s*\n", markdown.strip()):
        lines = part.splitlines()
        mark = lines[0].split(" ", 1)[0]
        kind = "steps" if re.fullmatch(r"\d+\.", mark) else MARKS.get(mark, "text")
        if kind == "table":
            yield Block(kind, [line.strip("| ") for line in lines if set(line) - set("|-: ")])
        else:
            yield Block(kind, [line if kind == "text" else line.split(" ", 1)[1] for line in lines])


def cells(block: Block) -> list[list[str]]:
    """Return a table's rows, the header row first."""
    return [[cell.strip() for cell in line.split("|")] for line in block.lines]


def to_pdf(markdown: str) -> bytes:
    """Set the Markdown as an A4 page with a text layer."""
    from fpdf import FPDF, FontFace

    parts = list(blocks(markdown))
    pdf = FPDF()
    pdf.set_creation_date(DATE)
    pdf.set_title(parts[0].lines[0])
    pdf.set_author(COMPANY)
    pdf.set_creator(COMPANY)
    pdf.set_lang("en-GB")
    pdf.set_margins(22, 20)
    pdf.add_page()
    for block in parts:
        size = {"title": 20, "heading": 13}.get(block.kind, 10.5)
        pdf.set_font("Helvetica", "B" if size > 12 else "", size)
        pdf.ln(2)
        if block.kind == "table":
            bold = FontFace(emphasis="BOLD")
            with pdf.table(headings_style=bold, width=110, align="LEFT", text_align="LEFT") as table:
                for row in cells(block):
                    table.row(row)
            continue
        for number, line in enumerate(block.lines, 1):
            mark = {"bullets": "- ", "steps": f"{number}. "}.get(block.kind, "")
            pdf.multi_cell(0, size * 0.52, mark + line, align="L", new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def to_docx(markdown: str) -> bytes:
    """Set the Markdown as a Word document with real headings, lists and tables."""
    import docx
    from docx.oxml import OxmlElement

    styles = {"title": "Heading 1", "heading": "Heading 2", "text": "Normal"}
    styles |= {"bullets": "List Bullet", "steps": "List Number"}
    document = docx.Document()
    parts = list(blocks(markdown))
    about = document.core_properties
    about.title, about.author, about.last_modified_by = parts[0].lines[0], COMPANY, COMPANY
    about.created = about.modified = DATE.replace(tzinfo=None)
    about.comments, about.language = "", "en-GB"
    for block in parts:
        if block.kind != "table":
            for line in block.lines:
                document.add_paragraph(line, style=styles[block.kind])
            continue
        rows = cells(block)
        table = document.add_table(rows=0, cols=len(rows[0]), style="Table Grid")
        for row in rows:
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.text = text
    for header in document.element.xpath("//w:tbl/w:tr[1]"):  # python-docx has no name for a header row
        header.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    written = BytesIO()
    document.save(written)
    return dated(written.getvalue())


def dated(archive: bytes) -> bytes:
    """Write a ZIP archive again with our date on every member; python-docx stamps the clock."""
    result = BytesIO()
    with ZipFile(BytesIO(archive)) as old, ZipFile(result, "w") as new:
        for name in old.namelist():
            member = ZipInfo(name, DATE.timetuple()[:6])
            member.external_attr = 0o644 << 16
            new.writestr(member, old.read(name), ZIP_DEFLATED)
    return result.getvalue()


def main() -> None:
    """Write both documents and say where they are."""
    for name, convert in {"hire-terms.pdf": to_pdf, "repair-service.docx": to_docx}.items():
        target = HERE / "documents" / name
        source = HERE / "sources" / Path(name).with_suffix(".md")
        try:
            target.write_bytes(convert(source.read_text(encoding="utf-8")))
        except ImportError:
            sys.exit(REMEDY)
        print(f"wrote {target.relative_to(HERE.parent.parent)}")  # noqa: T201 - a script, run by hand


if __name__ == "__main__":
    main()
