"""What Discord refuses in a message or a command: sizes, duplicates, what components v2 excludes."""

import re

from tests.fakes.discord.errors import ApiError, invalid
from tests.fakes.discord.world import V2, Json, walk

LEGACY = "The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"


def check_message(body: Json, files: list[Json], flags: int, *, edit: bool = False) -> None:
    """Raise ApiError for a message that Discord would not take."""
    content, embeds = body.get("content") or "", body.get("embeds") or []
    components = body.get("components") or []
    if len(content) > 2000:
        raise invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
    _check_embeds(embeds)
    flat = list(walk(components))
    _check_ids(flat)
    if flags & V2:
        if content or embeds:
            raise invalid("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", LEGACY)
        _check_v2(flat)
    elif any(c["type"] not in (1, 2, 3, 5, 6, 7, 8) for c in flat):
        raise invalid("components.0", "UNION_TYPE_CHOICES", 'Value of field "type" must be one of (1,)')
    elif len(components) > 5:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    if not edit and not (content or embeds or components or files):
        raise ApiError(400, 50006, "Cannot send an empty message")


def _check_embeds(embeds: list[Json]) -> None:
    if len(embeds) > 10:
        raise invalid("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    for n, embed in enumerate(embeds):
        for key, most in (("title", 256), ("description", 4096)):
            if len(embed.get(key) or "") > most:
                raise invalid(f"embeds.{n}.{key}", "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
    if sum(len(e.get("title") or "") + len(e.get("description") or "") for e in embeds) > 6000:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")


def _check_ids(flat: list[Json]) -> None:
    ids = [c["custom_id"] for c in flat if c.get("custom_id")]
    if len(ids) != len(set(ids)):
        raise invalid("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
    if any(not 1 <= len(i) <= 100 for i in ids):
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    if any(len(c.get("label") or "") > 80 for c in flat if c["type"] == 2):
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be 80 or fewer in length.")


def _check_v2(flat: list[Json]) -> None:
    if len(flat) > 40:
        raise invalid("components", "BASE_TYPE_MAX_LENGTH", "Must be 40 or fewer in length.")
    shown = [c["content"] for c in flat if c["type"] == 10]
    if any(not text for text in shown):
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 4000 in length.")
    if sum(map(len, shown)) > 4000:
        said = "The displayable text size of all components cannot exceed 4000"
        raise invalid("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", said)


def check_command(n: int, command: Json) -> None:
    """Raise ApiError for a command that cannot be registered."""
    name, slash = command["name"], command.get("type", 1) == 1
    if slash and (not re.fullmatch(r"[-_'\w]{1,32}", name) or name != name.lower()):
        raise invalid(f"{n}.name", "STRING_TYPE_REGEX", "String value did not match validation regex.")
    if slash and not 1 <= len(command.get("description", "")) <= 100:
        raise invalid(f"{n}.description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    _check_options(str(n), command.get("options") or [])


def _check_options(at: str, options: list[Json]) -> None:
    if len(options) > 25:
        raise invalid(f"{at}.options", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    optional = False
    for n, option in enumerate(options):
        if not 1 <= len(option.get("description", "")) <= 100:
            said = "Must be between 1 and 100 in length."
            raise invalid(f"{at}.options.{n}.description", "BASE_TYPE_BAD_LENGTH", said)
        if option["type"] in (1, 2):
            _check_options(f"{at}.options.{n}", option.get("options") or [])
            continue
        if option.get("required") and optional:
            said = "Required options must be placed before non-required options"
            raise invalid(f"{at}.options.{n}", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", said)
        optional |= not option.get("required")
