"""Office files, tables, data and mail: structure kept as Markdown, anchors to the place, traps refused."""

import io
import json
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

import openpyxl
import pytest
from pptx import Presentation
from pptx.util import Inches

from core.errors import InputError
from infra.knowledge.parse import parse
from infra.knowledge.readers import read
from infra.knowledge.split import split
from tests.infra.knowledge.files import packed, pdf


def text(content: bytes | str, name: str) -> str:
    parsed = read(content.encode() if isinstance(content, str) else content, name=name)
    return "\n\n".join(section.markdown for section in parsed.sections)


def refusal(content: bytes | str, name: str) -> str:
    with pytest.raises(InputError) as caught:
        read(content.encode() if isinstance(content, str) else content, name=name)
    return str(caught.value)


def saved(file: Any) -> bytes:
    out = io.BytesIO()
    file.save(out)
    return out.getvalue()


def workbook(rows: Sequence[Sequence[object]], **formats: str) -> Any:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    for cell, form in formats.items():
        book.active[cell].number_format = form
    return book


def slides(*titles: str) -> Any:
    deck = Presentation()
    for title in titles:
        deck.slides.add_slide(deck.slide_layouts[1]).shapes.title.text = title
    return deck


# Tables


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("Tent,Price\nWren | 4,100\n", "x.csv"),
        ("Tent;Price\nWren | 4;100", "x.csv"),
        ("Tent\tPrice\nWren | 4\t100", "x.tsv"),
        ("sep=#\nTent#Price\nWren | 4#100", "x.csv"),
        ('"Tent","Price"\n"Wren |\n4","100"', "x.csv"),
        ("Tent,Price\r\nWren | 4,100\r\n\r\n".encode("utf-16"), "x.csv"),
    ],
)
def test_a_table_of_text_is_a_table(content: bytes | str, name: str) -> None:
    """Whatever parts its cells, whatever its encoding."""
    assert text(content, name) == "| Tent | Price |\n| --- | --- |\n| Wren \\| 4 | 100 |"


def test_a_caption_and_blank_rows_part_tables() -> None:
    """A lone cell above a table is its caption; a blank row ends a table."""
    said = text("Tents 2026,,\nTent,Price\nWren,100\n,,\nBoat,Price\nGull,300\n", "x.csv")
    tents, boats = "| Tent | Price |\n| --- | --- |\n| Wren | 100 |", "| Boat | Price |\n| --- | --- |\n| Gull | 300 |"
    assert said == f"Tents 2026\n\n{tents}\n\n{boats}"


def test_a_very_wide_table_says_its_heads_in_every_row() -> None:
    """So that a chunk of it can be understood alone."""
    heads = [f"measure {n} of the day" for n in range(60)]
    said = text(",".join(heads) + "\n" + ",".join(map(str, range(60))), "x.csv")
    assert said.startswith("- measure 0 of the day: 0; measure 1 of the day: 1; ")


def test_an_unclosed_quotation_mark_is_named_with_its_line() -> None:
    """A cell that swallows a million characters is no cell."""
    assert "unclosed quotation mark near line" in refusal('a,b\n"' + "x\n" * 600_000, "x.csv")


def test_a_workbook_shows_what_people_see() -> None:
    """Percent, currency and dates by their format; sheets are sections; hidden ones are not learned."""
    rows: list[list[object]] = [["Item", "Value"], ["Deposit", 0.25], ["Fee", 12.5], ["Open", True]]
    book = workbook(rows, B2="0%", B3='"£"#,##0.00')
    book.active.title = "Hire terms"
    book.create_sheet("Secret").append(["hidden"])
    book["Secret"].sheet_state = "hidden"
    parsed = read(saved(book), name="terms.xlsx")
    assert [section.anchor for section in parsed.sections] == ["sheet=Hire%20terms"]
    assert parsed.sections[0].markdown == (
        "# Hire terms\n\n| Item | Value |\n| --- | --- |\n| Deposit | 25% |\n| Fee | £12.5 |\n| Open | yes |"
    )


def test_a_workbook_that_lies_about_its_size_is_read_by_its_cells() -> None:
    """A cell in the last column and row costs no sheet of a million rows."""
    book = workbook([["a", "b"]])
    book.active["XFD9999"] = "far"
    assert "far" in text(saved(book), "x.xlsx")


# Slides


def test_a_presentation_becomes_a_section_a_slide() -> None:
    """Titles, lists with their levels, tables and notes; the anchor names the slide; hidden slides are left out."""
    deck = slides("Opening hours", "Hidden", "Prices")
    body = deck.slides[0].placeholders[1].text_frame
    body.text = "Weekdays"
    inner = body.add_paragraph()
    inner.text, inner.level = "8:15 to 17:00", 1
    deck.slides[0].notes_slide.notes_text_frame.text = "Mention the holidays."
    deck.slides[1]._element.set("show", "0")
    cells = deck.slides[2].shapes.add_table(2, 2, Inches(1), Inches(3), Inches(4), Inches(1)).table
    for place, word in enumerate(("Tent", "Price", "Wren", "100")):
        cells.cell(place // 2, place % 2).text = word
    parsed = read(saved(deck), name="x.pptx")
    assert [(section.anchor, section.markdown) for section in parsed.sections] == [
        ("slide=1", "# Opening hours\n\n- Weekdays\n  - 8:15 to 17:00\n\nNotes: Mention the holidays."),
        ("slide=3", "# Prices\n\n| Tent | Price |\n| --- | --- |\n| Wren | 100 |"),
    ]
    assert parsed.title == "Opening hours"


# Data


def test_records_of_one_shape_are_a_table() -> None:
    """In JSON and in one value a line."""
    records = [{"name": "Wren", "sleeps": 4, "new": True}, {"name": "Heron", "sleeps": 6, "new": None}]
    table = "| name | sleeps | new |\n| --- | --- | --- |\n| Wren | 4 | yes |\n| Heron | 6 |  |"
    assert text(json.dumps(records), "x.json") == table
    assert text("\n".join(map(json.dumps, records)), "x.ndjson") == table
    assert text("\n".join(map(json.dumps, records)), "x.json") == table


def test_other_data_is_a_list_that_names_each_value() -> None:
    """JSON and XML say the same."""
    said = "- shop:\n  - name: Alderbeck\n  - hours:\n    - 1:\n      - day: Mon"
    assert text('{"shop": {"name": "Alderbeck", "hours": [{"day": "Mon"}]}}', "x.json") == said
    page = "<?xml version='1.0' encoding='utf-16'?><shop><name>Alderbeck</name><hours day='Mon'/></shop>"
    assert text(page, "x.xml") == "- shop:\n  - name: Alderbeck\n  - hours:\n    - day: Mon"
    assert text("<a><p>Open <b>all</b> day.</p></a>", "x.xml") == "- a:\n  - p: Open all day."


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        ('{"a": 1,', "x.json", "the JSON is damaged near line 1"),
        ("[" * 90_000, "x.json", "the JSON is damaged"),
        ("[" * 200 + "1" + "]" * 200, "x.json", "nested more than 100 levels"),
        ('{"a": ' + "9" * 9_000 + "}", "x.json", "the JSON is damaged"),
        ("<a><b></a>", "x.xml", "the XML is damaged near line 1"),
        ("<a>" * 200 + "x" + "</a>" * 200, "x.xml", "nested more than 100 levels"),
        ('<!DOCTYPE a [<!ENTITY x "lol">]><a>&x;</a>', "x.xml", "declares entities"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "x.xml", "declares entities"),
        ("{}", "x.json", "no text"),
        ("", "x.csv", "no text"),
    ],
)
def test_damaged_and_hostile_data_is_refused(content: str, name: str, reason: str) -> None:
    """Each with what is the matter."""
    assert reason in refusal(content, name)


# Mail


def mail(**headers: str) -> EmailMessage:
    letter = EmailMessage()
    for name, value in {"Subject": "Tent hire", "From": "Ann <a@x.example>", "To": "b@x.example", **headers}.items():
        letter[name] = value
    return letter


def test_a_mail_says_who_wrote_what_to_whom() -> None:
    """The subject is the title; the plain text is preferred to the page."""
    letter = mail()
    letter.set_content("The deposit is 25 %.")
    letter.add_alternative("<p>The <b>page</b></p>", subtype="html")
    parsed = read(bytes(letter), name="x.eml")
    assert parsed.title == "Tent hire"
    assert parsed.sections[0].markdown == (
        "# Tent hire\n\n- From: Ann <a@x.example>\n- To: b@x.example\n\nThe deposit is 25 %."
    )


def test_a_mail_without_plain_text_is_read_from_its_page() -> None:
    """And known as a mail by its headers, whatever its name."""
    letter = mail(**{"Message-ID": "<1@x.example>"})
    letter.set_content("<p>The <b>page</b></p>", subtype="html")
    assert text(bytes(letter), "download").endswith("The **page**")


def test_attachments_are_read_or_named_with_the_reason() -> None:
    """A table is read, a picture is named, what is attached to an attached mail is not followed."""
    inner = mail(Subject="Older mail")
    inner.set_content("The older words.")
    inner.add_attachment(b"a,b\n1,2", maintype="text", subtype="csv", filename="deep.csv")
    letter = mail()
    letter.set_content("See the files.")
    letter.add_attachment(b"Tent,Price\nWren,100", maintype="text", subtype="csv", filename="prices.csv")
    letter.add_attachment(b"\x89PNG\r\n\x1a\n" + bytes(40), maintype="image", subtype="png", filename="map.png")
    letter.add_attachment(inner)
    _, prices, picture, older, deep = read(bytes(letter), name="x.eml").sections
    assert (prices.anchor, prices.above) == ("attachment=prices.csv", ("Attachment prices.csv",))
    assert "| Wren | 100 |" in prices.markdown
    assert "map.png was not read: the file is a PNG image" in picture.markdown
    assert "The older words." in older.markdown
    assert "deep.csv was not read: add it by itself" in deep.markdown


def test_an_encrypted_mail_is_refused() -> None:
    """What cannot be read says why."""
    kind = 'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=x'
    raw = f"From: a@x.example\nMIME-Version: 1.0\nContent-Type: {kind}\n\n--x\n\nlocked\n--x--\n"
    assert "encrypted" in refusal(raw, "x.eml")


# Pages


PAGE = """<html><head><title>Docs</title></head><body><main><h1 id="top">Guide</h1>
<section id="setup"><h2>Setup<a class="headerlink" href="#setup">¶</a></h2>
<p>Run it, see <a href="../faq">the FAQ</a>.</p>
<h3><a name="linux"></a>Linux</h3><p>Use apt.</p></section><h2>No id</h2><p>More.</p></main></body></html>"""


def test_every_heading_with_an_id_is_a_place_to_link_to() -> None:
    """Its chunks carry the anchor and the whole path, permalink signs go, links lead somewhere."""
    parsed = read(PAGE.encode(), name="https://x.example/docs/guide")
    pieces = split(parsed.sections, title=parsed.title)
    assert [(piece.anchor, piece.path, piece.text) for piece in pieces] == [
        ("setup", ("Setup",), "Run it, see [the FAQ](https://x.example/faq)."),
        ("linux", ("Setup", "Linux"), "Use apt."),
        ("", ("No id",), "More."),
    ]


def test_a_page_tells_where_it_leads() -> None:
    """Whole addresses without fragments, each once; none without an address, none that is no page."""
    page = '<html><base href="/v2/"><a href="a#x">a</a><a href="a">a</a><a href="javascript:x()">b</a><p>text</html>'
    assert read(page.encode(), name="https://x.example/docs/").links == ("https://x.example/v2/a",)
    assert read(page.encode(), name="page.html").links == ()


# Traps


def office(folder: str, extra: dict[str, bytes]) -> bytes:
    return packed({"[Content_Types].xml": b"<Types/>", f"{folder}/x.xml": b"<x/>", **extra})


@pytest.mark.parametrize("folder", ["word", "ppt", "xl"])
def test_office_files_that_are_traps_are_refused(folder: str) -> None:
    """Bombs, entities and broken parts, in every kind."""
    bomb = b"<x>" + bytes(210_000_000)
    assert "unreasonable size" in refusal(office(folder, {f"{folder}/bomb.xml": bomb}), "x")
    entity = b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'
    assert "XML entities" in refusal(office(folder, {f"{folder}/y.xml": entity}), "x")
    assert "is damaged" in refusal(office(folder, {}), "x")


async def test_links_and_paths_come_back_from_the_child() -> None:
    """The border between the processes carries all of a page."""
    parsed = await parse(PAGE.encode(), name="https://x.example/docs/guide")
    assert parsed == read(PAGE.encode(), name="https://x.example/docs/guide")


def test_a_pdf_in_a_mail_keeps_its_reason() -> None:
    """A locked attachment does not cost the mail."""
    letter = mail()
    letter.set_content("See the file.")
    locked = pdf([(50, 700, 10, "secret")], locked=True)
    letter.add_attachment(locked, maintype="application", subtype="pdf", filename="a.pdf")
    assert "a.pdf was not read: the file is password-protected" in text(bytes(letter), "x.eml")
