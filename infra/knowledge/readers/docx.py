"""Word documents: mammoth makes clean HTML of them, which becomes Markdown as a page would."""

import io
import re

import mammoth

from infra.knowledge.readers.archive import checked, whole
from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.markup import soup_of, to_markdown
from infra.knowledge.readers.parsed import Parsed, Section
from infra.knowledge.readers.titles import sensible

WHAT = "Word document"
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


def read(content: bytes) -> Parsed:
    """Read a DOCX: headings, lists, tables, links; no images, comments or tracked deletions."""
    stated = checked(content, WHAT)
    with whole(WHAT):
        html = mammoth.convert_to_html(
            io.BytesIO(content), style_map=STYLES, include_embedded_style_map=False, convert_image=lambda _image: []
        ).value
    soup = soup_of(html)
    heading = soup.find(re.compile("^h[1-6]$"))
    title = sensible(stated) or (heading.get_text(" ", strip=True) if heading else "")
    sections = (Section(anchor="", markdown=to_markdown(soup)),)
    return Parsed(title=title, media_type=Kind.DOCX, sections=sections)
