"""Keys and passwords in documents, by the look that their makers gave them; no guess by entropy, which flags words."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.errors import InputError
from infra.knowledge.readers.parsed import Section

NAMED: Final = 3  # kinds named in the reason; the admin looks for the rest
FOUND: Final = "secret found ({what}): take it out, or add the document with --allow-secrets if its readers may know it"
MADE_UP: Final = re.compile(
    r"(?i)example|sample|change[_-]?me|your|placeholder|dummy|redacted|insert|hidden|removed|masked|foobar|"
    r"x{4}|\*{3}|\.{3}|…|<|>|\$|\{|\}|\(|\)|\[|\]|%[sd(]|^(?:none|null|true|false|undefined)\b"
)
DOTTED: Final = re.compile(r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+")  # settings.password: a name in code


class SecretFound(InputError):
    """The document holds a key or password."""


@dataclass(frozen=True, slots=True)
class Detector:
    """One kind of secret; `real` tells it from a made-up one by what the pattern's last group matched."""

    name: str
    parts: tuple[str, ...]
    pattern: re.Pattern[str]
    real: Callable[[str], bool]

    def finds(self, text: str, lowered: str) -> bool:
        """Whether a text, given in lower case too, holds one."""
        if self.parts and not any(part in lowered for part in self.parts):
            return False
        return any(self.real(match.group(match.lastindex or 0)) for match in self.pattern.finditer(text))


def _varied(value: str) -> bool:
    """Whether it is not one character over and over, as in documentation."""
    return len(set(value)) > max(4, len(value) // 8)


def _password(value: str) -> bool:
    """Whether it is a password rather than a word, a placeholder or a piece of code."""
    if len(value) < 8 or MADE_UP.search(value) or DOTTED.fullmatch(value) or "://" in value:
        return False
    return bool(re.search(r"\d", value) and re.search(r"[^\W\d_]", value)) and _varied(value)


def _in_address(value: str) -> bool:
    return not MADE_UP.search(value) and value.casefold() not in ("password", "pass", "secret", "pw", "passwd", "pwd")


def _mixed(value: str) -> bool:
    kinds = (r"\d", r"[a-z]", r"[A-Z]")
    return all(re.search(kind, value) for kind in kinds) and _varied(value)


def _token_of_json(value: str) -> bool:
    """Whether the first part of a JSON Web Token says how it is signed."""
    head = value.partition(".")[0]
    try:
        return "alg" in json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except ValueError:
        return False


_NAMES: Final = (
    r"passw(?:or)?d|passwort|passphrase|contrase(?:ñ|n)a|pwd|secret|api[ _-]?key|auth[ _-]?token|access[ _-]?token|"
    r"access[ _-]?key|private[ _-]?key|client[ _-]?secret|encryption[ _-]?key|bot[ _-]?token"
)
# name; parts of which a text must hold one, in lower case (which costs a tenth of the patterns); pattern; check
_TABLE: Final[Sequence[tuple[str, str, str, Callable[[str], bool]]]] = (
    ("an AWS access key", "akia asia abia acca", r"\b((?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16})\b", _varied),
    (
        "an AWS secret key",
        "aws",
        r"(?i)aws.{0,40}?(?:secret|key).{0,20}?[\"'\s:=|]([0-9a-z/+]{40})(?![0-9a-z/+=])",
        _mixed,
    ),
    (
        "a GitHub token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"\b(gh[pousr]_[0-9A-Za-z]{30,255}|github_pat_[0-9A-Za-z_]{40,255})\b",
        _varied,
    ),
    ("a GitLab token", "glpat- glptt- gldt- glrt- glcbt-", r"\b(gl(?:pat|ptt|dt|rt|cbt)-[0-9A-Za-z_.-]{20,})", _varied),
    ("a Slack token", "xox xapp-", r"\b(xox[abeoprs]-[0-9A-Za-z-]{10,}|xapp-\d-[0-9A-Za-z-]{20,})", _varied),
    (
        "a Slack webhook",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([0-9A-Za-z/]{20,})",
        _varied,
    ),
    ("a Discord token", "", r"\b([MNO][\w-]{22,27}\.[\w-]{6}\.[\w-]{27,40})\b", _mixed),
    ("a Discord webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/\d{15,}/([\w-]{40,})", _varied),
    ("a Stripe key", "k_live_ k_test_ whsec_", r"\b((?:[sr]k_(?:live|test)|whsec)_[0-9A-Za-z]{16,})", _varied),
    ("a Google API key", "aiza", r"\b(AIza[\w-]{35})(?![\w-])", _varied),
    ("a Google OAuth secret", "gocspx- ya29.", r"\b(GOCSPX-[\w-]{20,}|ya29\.[\w-]{30,})", _varied),
    ("an Anthropic key", "sk-ant-", r"\b(sk-ant-[a-z0-9]+-[\w-]{20,})", _varied),
    ("an OpenAI key", "sk-", r"\b(sk-(?:proj-|svcacct-|admin-)?[\w-]{24,})", _mixed),
    ("a Hugging Face token", "hf_", r"\b(hf_[0-9A-Za-z]{30,})\b", _varied),
    ("an npm token", "npm_", r"\b(npm_[0-9A-Za-z]{36})\b", _varied),
    ("a PyPI token", "pypi-", r"\b(pypi-[\w-]{50,})", _varied),
    ("a SendGrid key", "sg.", r"\b(SG\.[\w-]{16,32}\.[\w-]{30,})", _varied),
    ("a Twilio key", "sk", r"\b(SK[0-9a-f]{32})\b", _varied),
    ("a Mailgun key", "key-", r"\b(key-[0-9a-f]{32})\b", _varied),
    ("a Telegram token", ":aa", r"\b(\d{8,10}:AA[\w-]{33})(?![\w-])", _varied),
    ("a Shopify token", "shpat_ shpca_ shppa_ shpss_", r"\b(shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32})\b", _varied),
    ("a DigitalOcean token", "_v1_", r"\b(do[opr]_v1_[0-9a-f]{64})\b", _varied),
    ("a Databricks token", "dapi", r"\b(dapi[0-9a-f]{32})\b", _varied),
    ("a Vault token", "hvs. hvb. hvr.", r"\b(hv[sbr]\.[\w-]{24,})", _varied),
    (
        "an Azure key",
        "accountkey= sharedaccesskey=",
        r"(?i)(?:AccountKey|SharedAccessKey)=([0-9a-z+/]{40,}={0,2})",
        _varied,
    ),
    (
        "a private key",
        "private age-secret",
        r"(-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|AGE-SECRET-KEY-1[0-9A-Z]{50,})",
        bool,
    ),
    ("a JSON Web Token", "eyj", r"\b(eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})", _token_of_json),
    (
        "a bearer token",
        "authorization",
        r"(?i)authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+([\w.~+/-]{16,}=*)",
        _mixed,
    ),
    (
        "a password in an address",
        "://",
        r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,80}:([^\s@/:]{3,80})@[\w\[]",
        _in_address,
    ),
    (
        "a password",
        "passw passphrase contrase pwd secret api token key",
        rf"(?i)(?<![^\W_])(?:{_NAMES})(?:[ _-]?\w{{1,12}})?[\"'`*]{{0,3}}\s{{0,3}}(?:=>|:=|={{1,2}}|:|\|)"
        r"[\"'`*\s|]{0,6}([^\s\"'`|,;]{8,100})",
        _password,
    ),
)
DETECTORS: Final = tuple(
    Detector(name, tuple(parts.split()), re.compile(pattern), real) for name, parts, pattern, real in _TABLE
)


def secrets_in(text: str) -> Iterator[str]:
    """Yield what kinds of secrets a text holds, each once, never the secret itself."""
    lowered = text.lower()
    for detector in DETECTORS:
        if detector.finds(text, lowered):
            yield detector.name


def refuse_secrets(sections: Iterable[Section]) -> None:
    """Raise SecretFound that names the kinds found, and the first place of each."""
    found: dict[str, str] = {}
    for section in sections:
        for kind in secrets_in(section.markdown):
            found.setdefault(kind, section.anchor)
    if found:
        named = [f"{kind} at {place}" if place else kind for kind, place in list(found.items())[:NAMED]]
        more = ["more"] if len(found) > NAMED else []
        raise SecretFound(FOUND.format(what=", ".join([*named, *more])))
