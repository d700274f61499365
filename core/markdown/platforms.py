"""Says standard Markdown the way Slack and Discord write it. Neither makes text safe: `defuse` comes before."""

import re
from collections.abc import Callable

from core.markdown.blocks import Kind, scan
from core.markdown.tables import to_plain_table

_TOKEN = re.compile(
    r"""
      (?P<code>(?<!`)(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`))
    | \\(?P<escaped>[\\`*_{}\[\]()\#+\-.!|<>~])
    | !?\[(?P<label>[^\[\]\n]*)\]\(\s*
        (?:<(?P<target>https?://[^\s<>]+)>|(?P<plain>https?://[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*))
        (?:\s+["'(][^\n]*?["')])?\s*\)
    | !\[(?P<image>[^\[\]\n]*)\]\([^()\n]*\)
    | <(?P<auto>https?://[^\s<>]+)>
    | (?P<bare>https?://[^\s<>|"\\^`\[\]{}]*[^\s<>|"\\^`\[\]{}.,;:!?)'*_~])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_HEADING = re.compile(r"(?m)^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_RULE = re.compile(r"(?m)^ {0,3}(?:-[ \t]*){3,}$|^ {0,3}(?:\*[ \t]*){3,}$|^ {0,3}(?:_[ \t]*){3,}$")
_BULLET = re.compile(r"(?m)^([ \t]*)[-*+][ \t]+(\[[ xX]\][ \t]+)?")
_BOTH = re.compile(r"\*\*\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*\*\*")
_STRONG = re.compile(r"\*\*(?=\S)([^\n]{1,1000}?)(?<=\S)\*\*|(?<!\w)__(?=\S)([^\n]{1,1000}?)(?<=\S)__(?!\w)")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
_STRIKE = re.compile(r"~~(?=\S)([^\n]+?)(?<=\S)~~")
_LINE = "──────────"
_DISCORD_HEADINGS = 3  # Discord knows #, ## and ###


def to_slack(text: str) -> str:
    """Return Slack's mrkdwn: `*bold*`, `_italic_`, `<url|label>`, bullets; & < > escaped, so nothing else is special.

    Headings become bold lines, images their description, tables a code block or a list; code loses its language.
    """
    return _blocks(text, _slack_prose, lambda _, code: f"```\n{_escape(code)}\n```")


def to_discord(text: str) -> str:
    """Return Discord's Markdown: every link in `<>`, so that none unfolds; small headings bold, tables as for Slack."""
    return _blocks(text, _discord_prose, lambda language, code: f"```{language}\n{code}\n```")


def _blocks(text: str, prose: Callable[[str], str], code: Callable[[str, str], str]) -> str:
    text = "\n".join(
        to_plain_table(block) if block.kind is Kind.TABLE else text[block.start : block.end] for block in scan(text)
    )
    return "\n".join(
        code(block.info, "\n".join(block.lines)) if block.kind is Kind.CODE else prose("\n".join(block.lines))
        for block in scan(text)
    )


def _slack_prose(text: str) -> str:
    stash: list[str] = []
    text = _TOKEN.sub(lambda token: _put(stash, _slack_token(token)), _without_marks(text))
    text = _HEADING.sub(lambda found: "**" + re.sub(r"\*\*|__", "", found.group(2)) + "**", text)
    text = _BULLET.sub(lambda found: f"{found.group(1)}{_bullet(found.group(2))} ", _RULE.sub(_LINE, text))
    text = _BOTH.sub("\x01_\\1_\x01", _escape(text))
    text = _STRONG.sub(lambda found: f"\x01{found.group(1) or found.group(2)}\x01", text)
    text = _STRIKE.sub(r"~\1~", _EMPHASIS.sub(r"_\1_", text)).replace("\x01", "*")
    return _take(stash, text)


def _discord_prose(text: str) -> str:
    stash: list[str] = []
    text = _TOKEN.sub(lambda token: _put(stash, _discord_token(token)), _without_marks(text))
    text = _HEADING.sub(_discord_heading, text)
    text = _BULLET.sub(lambda found: f"{found.group(1)}- {_box(found.group(2))}", _RULE.sub(_LINE, text))
    text = _STRONG.sub(lambda found: f"**{found.group(1) or found.group(2)}**", text)
    return _take(stash, text)


def _slack_token(token: re.Match[str]) -> str:
    if url := token["target"] or token["plain"] or token["auto"] or token["bare"]:
        label = re.sub(r"[*`~]+", "", token["label"] or "").strip()
        address = _escape(url).replace("|", "%7C")
        return f"<{address}|{_escape(label)}>" if label else f"<{address}>"
    if token["code"]:
        return "`" + _escape(token["code"].strip("`").strip()) + "`"
    return _escape(token["escaped"] or token["image"] or "")


def _discord_token(token: re.Match[str]) -> str:
    if url := token["target"] or token["plain"] or token["auto"] or token["bare"]:
        return f"[{token['label']}](<{url}>)" if token["label"] else f"<{url}>"
    return token["image"] if token["image"] is not None else token.group()


def _discord_heading(found: re.Match[str]) -> str:
    marks, title = found.groups()
    return f"{marks} {title}" if len(marks) <= _DISCORD_HEADINGS else "**" + re.sub(r"\*\*|__", "", title) + "**"


def _bullet(box: str | None) -> str:
    return _box(box).strip() or "•"


def _box(box: str | None) -> str:
    return ("☐ " if box.startswith("[ ]") else "☑ ") if box else ""


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _without_marks(text: str) -> str:
    return re.sub("[\x00-\x02]", "", text)


def _put(stash: list[str], text: str) -> str:
    stash.append(text)
    return f"\x00{len(stash) - 1}\x02"


def _take(stash: list[str], text: str) -> str:
    return re.sub("\x00(\\d+)\x02", lambda place: stash[int(place.group(1))], text)
