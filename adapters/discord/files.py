"""Attached files, downloaded from Discord's own hosts only."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from core.budgets import FETCH_BYTES, FETCH_TOTAL
from core.documents import Source
from core.errors import BotError, InputError
from core.phrases import phrase

HOSTS: Final = {"cdn.discordapp.com", "media.discordapp.net"}
REFUSED: Final = {
    "exe",
    "dll",
    "msi",
    "bat",
    "com",
    "scr",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "webp",
    "mp3",
    "mp4",
    "mov",
    "wav",
}


async def download(
    file: Mapping[str, Any], *, session: aiohttp.ClientSession, trusted: frozenset[str] = frozenset(), tongue: str = ""
) -> Source:
    """Return an attached file as a source. InputError with the reason. `trusted`: further hosts, for a fake Discord."""
    name, url = str(file["name"]), str(file["url"])
    if (kind := PurePath(name).suffix.lower().removeprefix(".")) in REFUSED:
        raise InputError(phrase("file_kind", tongue, name=name, kind=kind))
    too_large = phrase("file_large", tongue, name=name, most=FETCH_BYTES // 1_000_000)
    if int(file.get("size") or 0) > FETCH_BYTES:
        raise InputError(too_large)
    parts = urlsplit(url)
    discords = parts.scheme == "https" and parts.netloc in HOSTS
    if not discords and f"{parts.scheme}://{parts.netloc}" not in trusted:
        raise InputError(phrase("file_elsewhere", tongue, name=name))
    try:
        timeout = aiohttp.ClientTimeout(total=FETCH_TOTAL)
        async with session.get(url, allow_redirects=False, timeout=timeout) as response:
            if response.status != 200:
                raise InputError(phrase("file_missing", tongue, name=name, reason=response.status))
            content = bytearray()
            async for piece in response.content.iter_chunked(1 << 16):
                content += piece
                if len(content) > FETCH_BYTES:
                    raise InputError(too_large)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise InputError(phrase("file_missing", tongue, name=name, reason=type(error).__name__)) from error
    return Source(name=f"discord-file:{name}", content=bytes(content), media_type=str(file.get("type") or ""))


async def download_all(
    files: tuple[Mapping[str, Any], ...], *, session: aiohttp.ClientSession, trusted: frozenset[str], tongue: str
) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """Return what could be read, and a sentence for each file that could not."""
    sources, reasons = [], []
    for file in files:
        try:
            sources.append(await download(file, session=session, trusted=trusted, tongue=tongue))
        except BotError as error:
            reasons.append(str(error))
    return tuple(sources), tuple(reasons)
