"""Word documents: mammoth makes clean HTML of them, which becomes Markdown as a page would."""

import io
import re
import zipfile
from xml.etree import ElementTree

import mammoth

from core.errors import InputError
from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.markup import soup_of, to_markdown
from infra.knowledge.readers.parsed import Parsed, Section
from infra.knowledge.readers.titles import sensible

DAMAGED = "the Word document is damaged: open it in Word, save it again and add that"
BOMB = "the Word document unpacks to an unreasonable size: save it again without embedded objects"
ENTITIES = "the Word document declares XML entities, which Word never writes: save it again in Word"
UNPACKED = 200_000_000  # bytes of XML: an 870-page handbook has 10 million; bombs have billions
DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
# The last two lines drop the table of contents: it would be found instead of what it points to.
STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='Source Code'] => pre:separator('\\n')
p[style-name='HTML Preformatted'] => pre:separator('\\n')
p[style-name^='toc '] => !
p[style-name^='TOC '] => !
"""
CORE_TITLE = "{http://purl.org/dc/elements/1.1/}title"


def read(content: bytes) -> Parsed:
    """Read a DOCX: headings, lists, tables, links; no images, comments or tracked deletions."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            stated = _check(archive)
        html = mammoth.convert_to_html(
            io.BytesIO(content), style_map=STYLES, include_embedded_style_map=False, convert_image=lambda _image: []
        ).value
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise InputError(DAMAGED) from error
    soup = soup_of(html)
    heading = soup.find(re.compile("^h[1-6]$"))
    title = sensible(stated) or (heading.get_text(" ", strip=True) if heading else "")
    sections = (Section(anchor="", markdown=to_markdown(soup)),)
    return Parsed(title=title, media_type=Kind.DOCX, sections=sections)


def _check(archive: zipfile.ZipFile) -> str:
    """Refuse bombs and entity tricks before any parser sees them; give back the stated title.

    zipfile never unpacks more than a member's stated size, so the sum of those is a true bound.
    """
    members = [member for member in archive.infolist() if "/media/" not in member.filename]  # pictures stay packed
    if sum(member.file_size for member in members) > UNPACKED:
        raise InputError(BOMB)
    if any(DECLARATION.search(archive.read(member).replace(b"\0", b"")) for member in members):
        raise InputError(ENTITIES)
    if "docProps/core.xml" not in archive.namelist():
        return ""
    title = ElementTree.fromstring(archive.read("docProps/core.xml")).find(CORE_TITLE)  # noqa: S314 - checked above
    return (title.text or "") if title is not None else ""
