"""Bytes to text in whatever encoding an old system left them, and the judgement that they are no text at all."""

import codecs
import re

from core.errors import InputError

BINARY = "the file holds binary data, not text: add it as text, PDF or an Office document"
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DECLARED = re.compile(
    rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w:.-]{2,40})|<\?xml[^>]{0,200}encoding=["']([\w:.-]+)""",
    re.IGNORECASE,
)
CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\f\x1b")
SAMPLE = 100_000  # bytes looked at for guessing: enough for every rule below, and quick
# Encodings that a person may honestly declare; the others Python knows (utf-7, unicode_escape, ...) can hide text.
HONEST = re.compile(r"^(utf-8|cp\d+|iso8859-\d+|koi8-[rut]|mac-\w+|shift_jis\w*|euc_\w+|gb\w+|big5\w*|tis-620|johab)$")


def decode(content: bytes, declared: str = "") -> str:
    """Decode by byte order mark, declaration, validity, then likelihood; raises InputError for binary data."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if b"\0" in content:
        return _decode_wide(content)
    if _share(content[:SAMPLE], CONTROLS) > 0.01:  # a stray bell or backspace in a log is still text
        raise InputError(BINARY)
    for encoding in (_honest(declared), _honest(declared_in(content)), "utf-8"):
        try:
            return content.decode(encoding) if encoding else content.decode("ascii")
        except UnicodeDecodeError:
            continue
    return _decode_unknown(content)


def charset_of(media_type: str) -> str:
    """Find the charset in a Content-Type."""
    found = re.search(r"charset\s*=\s*[\"']?([\w:.-]+)", media_type, re.IGNORECASE)
    return found.group(1) if found else ""


def declared_in(content: bytes) -> str:
    """Find the charset that a page declares in its first bytes."""
    found = DECLARED.search(content[:2048])
    return (found.group(1) or found.group(2)).decode("ascii") if found else ""


def _honest(name: str) -> str:
    try:
        canonical = codecs.lookup(name).name if name else ""
    except LookupError:
        return ""
    if canonical in {"iso8859-1", "ascii"}:  # what browsers do: pages that claim Latin-1 mean Windows
        return "cp1252"
    return canonical if HONEST.match(canonical) else ""


def _decode_wide(content: bytes) -> str:
    """Decode UTF-16 or UTF-32 without a mark, told by where the zeros of ordinary letters and spaces are."""
    head = content[: SAMPLE // 4 * 4]
    quarters = [head[place::4] for place in range(4)]
    zeros = [_share(quarter, b"\0") > 0.5 for quarter in quarters]
    wide = {
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
    }.get((zeros[0], zeros[1], zeros[2], zeros[3]))
    text = content.decode(wide, "replace") if wide else "\0"
    if "\0" in text or text.count("�") * 100 > len(text):
        raise InputError(BINARY)
    return text


def _decode_unknown(content: bytes) -> str:
    """Decode text that declares nothing and is not valid UTF-8."""
    sample = content[:SAMPLE]
    text = content.decode("utf-8", "replace")
    broken, whole = text.count("�"), sum(char > "\x7f" for char in text)
    if whole - broken >= 9 * broken:  # UTF-8 with a few bytes lost
        return text
    letters = len(re.findall(rb"[A-Za-z]", sample))
    high = len(re.findall(rb"[\x80-\xff]", sample))
    if high * 3 < letters and not _odd(sample.decode("cp1252", "replace")):
        return content.decode("cp1252", "replace")
    # Hebrew leaves gaps in its page that Cyrillic and Greek text falls into, so whoever decodes strictly is Hebrew.
    for encoding in ("iso8859-8", "cp1255") if high * 3 >= letters else ():
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode(_guess(sample), "replace")


def _odd(text: str) -> bool:
    """Say whether signs stand inside words, as when another Latin alphabet is read as Western European."""
    odd = len(re.findall(r"[^\W\d_][¡-©«-´¶-¿×÷�]+[^\W\d_]|[^\W\d_][¹³¿¼¾]", text))
    return odd * 20 > len(re.findall(r"[^\x00-\x7f]", text))


def _guess(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    if best is None:
        raise InputError(BINARY)
    return best.encoding


def _share(content: bytes, wanted: bytes) -> float:
    return 1 - len(content.translate(None, wanted)) / len(content) if content else 0.0
