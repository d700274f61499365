"""E-mail as servers keep it (RFC 5322, MIME): the plain text if there is one, else the page, and the attachments."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

from core.errors import InputError
from infra.knowledge.readers.decode import decode
from infra.knowledge.readers.detect import Kind
from infra.knowledge.readers.html import to_text
from infra.knowledge.readers.letter import Attached, Letter, to_parsed
from infra.knowledge.readers.parsed import Parsed

ENCRYPTED = "the mail is encrypted: open it, and add its text or attachments"
DAMAGED = "the mail is damaged: save it again from the mail program and add that"
SHOWN = ("From", "To", "Cc", "Date")
SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")
LOCKS = ("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted")


def read(content: bytes, attached: Attached = None) -> Parsed:
    """Read a mail; `attached` reads what came with it. InputError if it is encrypted or says nothing."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        content = decode(content).encode()
    try:
        mail = message_from_bytes(content, policy=policy.default)
        kinds = {part.get_content_type() for part in mail.walk()}
        if mail.get_content_type() == "multipart/encrypted" or kinds & set(LOCKS):
            raise InputError(ENCRYPTED)
        letter = Letter(
            subject=_header(mail, "Subject"),
            head=tuple((name, _header(mail, name)) for name in SHOWN),
            body=_body(mail),
            files=tuple(_files(mail)),
        )
    except (LookupError, ValueError, AttributeError, TypeError, AssertionError) as error:
        raise InputError(DAMAGED) from error
    return to_parsed(letter, Kind.MAIL, attached)


def _header(mail: EmailMessage, name: str) -> str:
    """Return a header's words; a malformed one is not worth the mail."""
    try:
        return str(mail.get(name, ""))
    except (ValueError, IndexError, AttributeError, TypeError, LookupError):
        return ""


def _body(mail: EmailMessage) -> str:
    plain = [part for part in _own(mail) if part.get_content_type() == "text/plain"]
    pages = [part for part in _own(mail) if part.get_content_type() == "text/html"]
    said = "\n\n".join(filter(None, (_text(part).strip() for part in plain)))
    return said or "\n\n".join(to_text(_text(part)) for part in pages)


def _own(mail: EmailMessage) -> Iterator[EmailMessage]:
    """Yield the parts that are the mail's own text, not attached to it."""
    for part in mail.walk():
        if not part.is_multipart() and part.get_content_disposition() != "attachment" and not _forwarded(mail, part):
            yield part


def _forwarded(mail: EmailMessage, part: EmailMessage) -> bool:
    return any(part in list(other.walk()) for other in mail.walk() if other.get_content_type() == "message/rfc822")


def _text(part: EmailMessage) -> str:
    content = part.get_payload(decode=True)
    return decode(content, part.get_content_charset() or "") if isinstance(content, bytes) and content else ""


def _files(mail: EmailMessage) -> Iterator[tuple[str, str, bytes]]:
    for part in mail.iter_attachments() if mail.is_multipart() else ():
        kind = part.get_content_type()
        if kind in SIGNATURES or (kind.startswith("image/") and part.get("Content-ID")):
            continue  # what belongs to the look of the mail
        name = part.get_filename() or ("mail.eml" if kind == "message/rfc822" else "")
        if kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment":
            continue  # read as the mail's own words
        content = part.get_payload(decode=True)
        if kind == "message/rfc822":
            inner = part.get_payload(0) if part.is_multipart() else None
            content = inner.as_bytes() if isinstance(inner, EmailMessage) else b""
        if isinstance(content, bytes) and content.strip():
            yield name, kind, content
