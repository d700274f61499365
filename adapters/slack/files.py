"""Attached files, downloaded: the token goes to Slack's own hosts only, and a login page is not a document."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp

from core.budgets import FETCH_BYTES, FETCH_REDIRECTS, FETCH_TOTAL
from core.documents import Source
from core.errors import BotError, InputError

_LOGIN: Final = re.compile(rb"\s*<(?:!doctype\s+html|html)", re.IGNORECASE)
_ABSENT: Final = {"tombstone", "hidden_by_limit", "external"}
_REDIRECTS: Final = {301, 302, 303, 307, 308}


async def download(
    file: Mapping[str, Any], *, token: str, session: aiohttp.ClientSession, trusted: frozenset[str] = frozenset()
) -> Source:
    """Return an attached file as a source. InputError with the reason. `trusted`: further hosts, for a fake Slack."""
    name = str(file.get("name") or file.get("title") or file.get("id"))
    if file.get("mode") in _ABSENT or file.get("file_access") == "file_not_found":
        raise InputError(f"{name} is not kept by Slack any more, or lies elsewhere: attach the file itself.")
    if int(file.get("size") or 0) > FETCH_BYTES:
        raise InputError(f"{name} is larger than {FETCH_BYTES // 1_000_000} MB.")
    url = str(file.get("url_private_download") or file.get("url_private") or "")
    try:
        content, kind = await _get(url, name, token, session, trusted)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise InputError(f"Slack did not hand {name} over: try again.") from error
    claimed = str(file.get("mimetype") or "")
    if kind == "text/html" and claimed != "text/html" and _LOGIN.match(content):
        raise InputError(
            f"Slack showed its login page instead of {name}: the app needs the permission `files:read` "
            "(OAuth & Permissions on api.slack.com/apps), then install it again."
        )
    return Source(name=f"slack-file:{name}", content=content, media_type=claimed)


async def _get(
    url: str, name: str, token: str, session: aiohttp.ClientSession, trusted: frozenset[str]
) -> tuple[bytes, str]:
    for _ in range(FETCH_REDIRECTS + 1):
        _refuse(url, name, trusted)
        async with session.get(
            url,
            headers={"Authorization": f"Bearer {token}"},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=FETCH_TOTAL),
        ) as response:
            if response.status in _REDIRECTS:
                url = urljoin(url, response.headers.get("Location", ""))
                continue
            if response.status != 200:
                raise InputError(f"Slack did not hand {name} over (status {response.status}).")
            content = bytearray()
            async for piece in response.content.iter_chunked(1 << 16):
                content += piece
                if len(content) > FETCH_BYTES:
                    raise InputError(f"{name} is larger than {FETCH_BYTES // 1_000_000} MB.")
            return bytes(content), response.content_type
    raise InputError(f"Slack sent me around in circles for {name}.")


def _refuse(url: str, name: str, trusted: frozenset[str]) -> None:
    """Raise InputError for an address that must not get the token."""
    try:
        parts = urlsplit(url)
        host, where = (parts.hostname or "").lower(), parts.netloc.lower()
    except ValueError as error:
        raise InputError(f"{name} has no address that I can read.") from error
    slack = parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com")) and "@" not in where
    if not slack and f"{parts.scheme}://{where}" not in trusted:
        raise InputError(f"{name} does not lie at Slack, so I will not fetch it: attach the file itself.")


async def download_all(
    files: tuple[Mapping[str, Any], ...], *, token: str, session: aiohttp.ClientSession, trusted: frozenset[str]
) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """Return what could be read, and a sentence for each file that could not."""
    sources, reasons = [], []
    for file in files:
        try:
            sources.append(await download(file, token=token, session=session, trusted=trusted))
        except BotError as error:
            reasons.append(str(error))
    return tuple(sources), tuple(reasons)
