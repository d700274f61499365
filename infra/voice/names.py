"""Names of people, found by what stands around them and by a list of given names. No model, no library.

Finds: a title and what follows it (Dr. Okonkwo), a word that a name follows (my name is Xun; saludos, Iker), and a
given name of the list with its surname (Maria López). What a language alone can tell it does not find: a surname alone,
a rare given name without a cue. Measured on planted names in tests/infra/voice/test_names.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

RECALL: Final = (105, 126)  # of the planted names found, as tests/infra/voice/test_names.py measures it
GIVEN: Final = frozenset(Path(__file__).with_name("names.txt").read_text(encoding="utf-8").split())
_PART = r"[A-ZÀ-ÖØ-ÞŁŚŽČĐĆ][\w'’-]*[\w]"
_NAME = rf"{_PART}(?:\s+(?:(?:de|del|de la|van|von|da|di|bin|al|el|y|Mc|O[’'])\s+)?{_PART}){{0,3}}"
_TITLE = r"\b(?:Mrs|Mr|Ms|Miss|Dr|Dra|Prof|Sra|Srta|Sr|Don|Doña|Señor|Señora|Herr|Frau)\b\.?\s+"
_CUE = (
    r"(?i:\b(?:my name is|(?:his|her|their) name is|name:|signed(?: by)?|regards,|best,|cheers,|thanks,|sincerely,"
    r"|saludos,|atentamente,|un abrazo,|me llamo|mi nombre es|firmado(?: por)?|contact|reach out to|speak to"
    r"|speak with|talk to|ask for|report to|written by|approved by|colleague|habla con|pregunta por"
    r"|contacta(?: con| a)?|compañer[oa]))\s+"
)
_FOUND: Final = (re.compile(rf"{_TITLE}({_NAME})"), re.compile(rf"{_CUE}({_NAME})"))
_CANDIDATE: Final = re.compile(rf"\b({_NAME})")
_WORD: Final = re.compile(_PART)
# After a cue, a capital letter is no name where it begins one of these.
_NEVER: Final = frozenset(
    "I The A An It We You He She They This That Our Your My In On At For To Of And Or If No Yes Monday Tuesday "
    "Wednesday Thursday Friday Saturday Sunday January February March April May June July August September October "
    "November December El La Los Las Un Una Lunes Martes Enero Support Sales Reception Billing HR IT Human Customer "
    "Slack Discord English Spanish".split()
)


def spans(text: str) -> list[tuple[int, int]]:
    """Return where names of people stand, apart from each other and in order."""
    found = sorted({*_cued(text), *_listed(text)})
    kept: list[tuple[int, int]] = []
    for start, end in found:
        if kept and start < kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        else:
            kept.append((start, end))
    return kept


def _cued(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _FOUND:
        for match in pattern.finditer(text):
            if match[1].split()[0] not in _NEVER:
                yield match.span(1)


def _listed(text: str) -> Iterator[tuple[int, int]]:
    for match in _CANDIDATE.finditer(text):
        parts = [(part.start() + match.start(), part.end() + match.start()) for part in _WORD.finditer(match[1])]
        for n, (start, _) in enumerate(parts):
            if _plain(text[slice(*parts[n])]) in GIVEN:
                yield start, match.end()
                break


def _plain(word: str) -> str:
    import unicodedata

    bare = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in bare if not unicodedata.combining(c)).removesuffix("'s").removesuffix("’s")
