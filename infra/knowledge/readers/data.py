"""JSON, NDJSON and XML: records of one shape as a table, whatever else as a nested list that names each value."""

import json
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from core.errors import InputError
from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.parsed import Parsed, Section
from infra.knowledge.readers.rows import to_markdown

DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}\?>")
DEEPEST = 100  # levels; deeper nesting is made to break readers
DAMAGED = "the {what} is damaged{where}: check that it is valid, or save it as text and add that"
ENTITIES = "the XML declares entities, which are not read: save it without, or as text, and add that"
DEEP = f"the data is nested more than {DEEPEST} levels deep: save the part that matters as text and add that"
NAMES = ("title", "name", "label", "heading", "id")  # what names a record in a list, if it has it


def read_json(text: str, *, suffix: str = "") -> Parsed:
    """Read JSON, or one value a line; raises InputError that names the line where it is broken."""
    text = text.lstrip("\ufeff")
    try:
        value = _lines(text) if suffix in ("ndjson", "jsonl") else json.loads(text)
    except (ValueError, RecursionError) as error:
        try:
            value = _lines(text)
        except (ValueError, RecursionError):
            line = f" near line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise InputError(DAMAGED.format(what="JSON", where=line)) from error
    return _parsed(value, Kind.JSON)


def read_xml(text: str) -> Parsed:
    """Read XML as data: elements by their names, attributes too; no entity, no DTD, no network."""
    if "<!ENTITY" in text:
        raise InputError(ENTITIES)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=False)
    body = DECLARATION.sub("", text.lstrip("\ufeff"), count=1)  # which names the encoding that the text had
    try:
        root = etree.fromstring(body.strip().encode(), parser)
    except etree.XMLSyntaxError as error:
        raise InputError(DAMAGED.format(what="XML", where=f" near line {error.lineno or 1}")) from error
    return _parsed({_name(root): _value(root, 0)}, Kind.XML)


def _lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _parsed(value: Any, kind: Kind) -> Parsed:
    title = value.get("title") if isinstance(value, dict) else ""
    markdown = "\n".join(_shown(value, 0))
    sections = (Section(anchor="", markdown=markdown),)
    return Parsed(title=title if isinstance(title, str) else "", media_type=kind, sections=sections)


def _shown(value: Any, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        raise InputError(DEEP)
    indent = "  " * depth
    if isinstance(value, list) and (table := _table(value)):
        yield f"\n{table}\n"
    elif isinstance(value, list):
        for number, item in enumerate(value, 1):
            named = _named(_name_of(item) or str(number), item, depth)
            yield from named if _nested(item) else [f"{indent}- {_plain(item)}"]
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _named(str(key), item, depth)
    else:
        yield f"{indent}- {_plain(value)}"


def _named(name: str, value: Any, depth: int) -> Iterator[str]:
    if _nested(value):
        yield f"{'  ' * depth}- {name}:"
        yield from _shown(value, depth + 1)
    else:
        yield f"{'  ' * depth}- {name}: {_plain(value)}"


def _table(items: list[Any]) -> str:
    """Return a list of flat records as a table, empty if it is none."""
    if len(items) < 2 or not all(isinstance(item, dict) for item in items):
        return ""
    keys = list(dict.fromkeys(key for item in items for key in item))
    flat = all(not _nested(value) for item in items for value in item.values())
    if not flat or len(keys) < 2 or len(keys) > 3 * min(map(len, items)):
        return ""
    return to_markdown([keys, *([_plain(item.get(key)) for key in keys] for item in items)])


def _name_of(item: Any) -> str:
    found = (item[key] for key in NAMES if isinstance(item, dict) and isinstance(item.get(key), str))
    return " ".join(next(found, "").split())[:120]


def _nested(value: Any) -> bool:
    return isinstance(value, (dict, list)) and bool(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None or value in ({}, []) else " ".join(str(value).split())


def _name(element: Any) -> str:
    return str(etree.QName(element).localname)


def _value(element: Any, depth: int) -> Any:
    """Return an element as data: its text, or its attributes and children by name, repeated ones as a list."""
    if depth > DEEPEST:
        raise InputError(DEEP)
    children = [child for child in element if isinstance(child.tag, str)]  # comments and instructions are not shown
    said = [element.text, *(child.tail for child in element)]
    if not children or any(part and part.strip() for part in said):  # prose, perhaps with marks in it
        text = " ".join("".join(element.itertext()).split())
        return {**dict(element.attrib), "text": text} if element.attrib and text else text or dict(element.attrib)
    found: dict[str, list[Any]] = {etree.QName(name).localname: [value] for name, value in element.attrib.items()}
    for child in children:
        found.setdefault(_name(child), []).append(_value(child, depth + 1))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}
