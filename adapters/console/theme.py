"""How the console looks: one style sheet, its icons, nothing from outside this machine."""

from pathlib import Path
from typing import Final
from urllib.parse import quote

_ICONS: Final = {  # paths on a 24 x 24 grid, drawn with a line
    "alert": "M12 7v6M12 17h.01M12 3l9.5 17h-19z",
    "check": "M5 12.5l4.5 4.5L19 7.5",
    "close": "M6 6l12 12M18 6L6 18",
    "plus": "M12 5v14M5 12h14",
    "quote": "M9 7c-3 1-4 3-4 6v4h5v-5H6.5M19 7c-3 1-4 3-4 6v4h5v-5h-3.500",
    "send": "M12 19V5M5.500 11.500L12 5l6.500 6.500",
    "square": "M7 7h10v10H7z",
    "stop": "M12 3a9 9 0 100 18 9 9 0 000-18zM6 6l12 12",
    "unknown": "M8.500 9a3.500 3.500 0 116 2.400c-1.500 1.300-2.500 1.800-2.500 3.600M12 18.500h.01",
}


def _drawn(path: str, colour: str = "black") -> str:
    line = f'fill="none" stroke="{colour}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path {line} d="{path}"/></svg>'


def _masks() -> str:
    rule = '.icon-{name} {{ --shape: url("data:image/svg+xml,{svg}"); }}'
    return "\n".join(rule.format(name=name, svg=quote(_drawn(path))) for name, path in _ICONS.items())


STYLE: Final = (Path(__file__).parent / "theme.css").read_text(encoding="utf-8") + _masks()
HEAD: Final = f'<meta name="robots" content="noindex"><style>{STYLE}</style>'
FAVICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#0b6b5d"/>'
    '<path fill="none" stroke="#fff" stroke-width="2.500" stroke-linecap="round" stroke-linejoin="round" '
    'd="M6.500 7.500L12 17l5.500-9.500"/></svg>'
)
