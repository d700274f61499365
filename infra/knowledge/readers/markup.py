"""HTML to Markdown: what a person would see on the page, with headings, lists, tables, code and links."""

import re
import warnings
from collections.abc import Iterable, Iterator
from copy import copy

from bs4 import BeautifulSoup, Comment, Tag
from bs4.element import NavigableString
from markdownify import MarkdownConverter

from infra.knowledge.readers.anchors import absolute
from infra.knowledge.readers.clean import has_words

UNSPOKEN = (
    "script",
    "style",
    "noscript",
    "template",
    "svg",
    "math",
    "iframe",
    "object",
    "embed",
    "canvas",
    "audio",
    "video",
)
CONTROLS = ("button", "input", "select", "textarea", "dialog", "datalist")
HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])", re.IGNORECASE
)
CELLS = ("td", "th")
WIDEST = 50  # columns a cell may span: a lying colspan must not blow the table up
TALLEST = 500
MOST_CELLS = 10_000  # in one table with its spans filled; a table that claims more keeps its holes
LONGEST_CELL = 2_000  # characters


def soup_of(html: str) -> BeautifulSoup:
    """Parse HTML and take out what is not shown."""
    with warnings.catch_warnings():  # advice for people who parse XML or file names by mistake
        warnings.simplefilter("ignore", UserWarning)
        soup = BeautifulSoup(html, "lxml")
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    drop(soup.find_all([*UNSPOKEN, *CONTROLS]))
    drop(soup.find_all(_hidden))
    return soup


def drop(tags: Iterable[Tag]) -> None:
    """Take tags out of the page, also where one holds another."""
    for tag in tags:
        if not tag.decomposed:
            tag.decompose()


def to_markdown(tag: Tag, base: str = "") -> str:
    """Convert what `tag` holds; it is changed on the way. Relative links lead somewhere from a `base` only."""
    for link in tag.find_all("a"):
        whole = absolute(str(link.get("href", "")), base)
        if whole:
            link["href"] = whole
        else:
            link.unwrap()
    for heading in tag.find_all(re.compile("^h[1-6]$")):
        if not has_words(heading.get_text()):
            heading.decompose()
    for table in tag.find_all("table"):
        _square(table) if _is_data(table) else _dissolve(table)
    for text in tag.find_all(string=re.compile(r"\s{2}|[\n\xa0]")):
        if text.find_parent("pre") is None:
            text.replace_with(NavigableString(re.sub(r"\s+", " ", str(text))))
    converter = MarkdownConverter(
        heading_style="ATX",
        bullets="-",
        strip=["img"],
        table_infer_header=True,
        escape_asterisks=False,  # snake_case and 2*3 stay findable
        escape_underscores=False,
        code_language_callback=_language,
    )
    return str(converter.convert_soup(tag))


def _hidden(tag: Tag) -> bool:
    return tag.has_attr("hidden") or tag.get("aria-hidden") == "true" or bool(HIDDEN.search(str(tag.get("style", ""))))


def _language(pre: Tag) -> str:
    """Find the language that highlighters note as a class, `language-sh` or `lang-sh`."""
    code = pre.find("code")
    tags = [pre, code] if isinstance(code, Tag) else [pre]
    classes = " ".join(" ".join(tag.get_attribute_list("class")) for tag in tags if tag.has_attr("class"))
    found = re.search(r"\b(?:language|lang|highlight-source)-([\w+#-]+)", classes)
    return found.group(1) if found else ""


def _is_data(table: Tag) -> bool:
    """Tell data from a table that only arranges a page, which holds tables, headings, one column, one row or essays."""
    rows = table.find_all("tr")
    cells = table.find_all(CELLS)
    if len(rows) < 2 or len(cells) <= len(rows) or table.find(["table", "h1", "h2", "h3"]):
        return False
    return max(len(cell.get_text()) for cell in cells) < LONGEST_CELL


def _dissolve(table: Tag) -> None:
    for part in table.find_all(["tr", "td", "th", "tbody", "thead", "tfoot"]):
        if part.find_parent("table") is table:
            part.name = "div"
    table.name = "div"


def _square(table: Tag) -> None:
    """Give every row every cell: what spans rows or columns is repeated, `|` is escaped."""
    pending: dict[int, tuple[Tag, int]] = {}  # column: (cell from above, rows it still covers)
    claimed = sum(_span(cell, "rowspan", TALLEST) * _span(cell, "colspan", WIDEST) for cell in table.find_all(CELLS))
    for row in table.find_all("tr") if claimed <= MOST_CELLS else ():
        cells = list(_filled(row.find_all(CELLS, recursive=False), pending))
        row.clear()
        for cell in cells:
            row.append(cell)
    for text in table.find_all(string=re.compile(r"\|")):
        text.replace_with(NavigableString(str(text).replace("|", "\\|")))


def _filled(cells: list[Tag], pending: dict[int, tuple[Tag, int]]) -> Iterator[Tag]:
    """Yield the row's cells with repetitions; `pending` is what rows above left, and is brought up to date."""
    waiting, column = iter(cells), 0
    while True:
        if column in pending:
            cell, left = pending.pop(column)
            if left > 1:
                pending[column] = (cell, left - 1)
            yield copy(cell)
            column += 1
            continue
        cell_here = next(waiting, None)
        if cell_here is None:
            if not any(later > column for later in pending):
                return
            cell_here = Tag(name="td")  # a hole under a cell from above
        down, across = _span(cell_here, "rowspan", TALLEST), _span(cell_here, "colspan", WIDEST)
        del cell_here["rowspan"], cell_here["colspan"]  # or the converter would widen it again
        for place in range(column, column + across):
            if down > 1:
                pending[place] = (cell_here, down - 1)
            yield cell_here if place == column else copy(cell_here)
        column += across


def _span(cell: Tag, attribute: str, most: int) -> int:
    stated = str(cell.get(attribute, "1"))
    return min(int(stated), most) if re.fullmatch(r"[1-9]\d{0,3}", stated) else 1
