"""Secrets and personal data out of the examples, before anything is written down to train on.

A small table with checksums where there are any: what it finds it finds for certain. Names of people are found by
what stands around them (see names.py), which is not all of them: whoever approves an example sees its text. Each kind
has one placeholder, so that a model learns no value.
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Final

from infra.voice import names


def _luhn(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [d if n % 2 == 0 else d * 2 - 9 * (d > 4) for n, d in enumerate(reversed(digits))]
    return 13 <= len(digits) <= 19 and sum(doubled) % 10 == 0 and len(set(digits)) > 1


def _iban(text: str) -> bool:
    bare = re.sub(r"\s", "", text).upper()
    turned = "".join(str(int(c, 36)) for c in bare[4:] + bare[:4])
    return 15 <= len(bare) <= 34 and int(turned) % 97 == 1


def _address(text: str) -> bool:
    return all(int(part) < 256 for part in text.split("."))


def _ssn(text: str) -> bool:
    area, group, serial = text.split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def _always(text: str) -> bool:  # noqa: ARG001
    return True


# Most particular first: what one kind took another does not see.
TABLE: Final[tuple[tuple[str, str, Callable[[str], bool]], ...]] = (
    ("private-key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", _always),
    ("aws-key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", _always),
    ("github-token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})\b", _always),
    ("slack-token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}", _always),
    ("slack-webhook", r"https://hooks\.slack\.com/\S+", _always),
    ("google-key", r"\bAIza[\w-]{35}\b", _always),
    ("hub-token", r"\bhf_[A-Za-z0-9]{30,}\b", _always),
    ("api-key", r"\b(?:sk|rk|pk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{20,}", _always),
    ("jwt", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}", _always),
    ("discord-token", r"\b[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}\b", _always),
    ("url-password", r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)", _always),
    ("password", r"(?i:\b(?:password|passwd|pwd)\s*(?:is|=|:)\s*)(?=\S*\d)\S{6,}", _always),
    ("email", r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", _always),
    ("iban", r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,4})?\b", _iban),
    ("card", r"\b\d(?:[ -]?\d){12,18}\b", _luhn),
    ("ssn", r"\b\d{3}-\d{2}-\d{4}\b", _ssn),
    ("ip", r"\b(?:\d{1,3}\.){3}\d{1,3}\b", _address),
    ("phone", r"(?<![\w/£$€.,-])\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,5}\d{2,4}\b", _always),
    ("person", r"<@[UW][A-Z0-9]{5,}(?:\|[^>]*)?>|<@!?\d{15,20}>", _always),
)
KINDS: Final = tuple(kind for kind, _, _ in TABLE)
_COMPILED: Final = tuple((kind, re.compile(pattern), sure) for kind, pattern, sure in TABLE)


def scrub(text: str) -> tuple[str, Counter[str]]:
    """Return the text with placeholders such as `<email>`, and how many of each kind there were."""
    found: Counter[str] = Counter()
    for kind, pattern, sure in _COMPILED:

        def put(match: re.Match[str], kind: str = kind, sure: Callable[[str], bool] = sure) -> str:
            if not sure(match[0]):
                return match[0]
            found[kind] += 1
            return f"<{kind}>"

        text = pattern.sub(put, text)
    for start, end in reversed(names.spans(text)):
        text = f"{text[:start]}<name>{text[end:]}"
        found["name"] += 1
    return text, found
