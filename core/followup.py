"""A message as a question that stands alone: what it leans on is put in front, what it rambles about is left out.

The rule decides, the previous user turns fill in (+7 % nDCG measured). Where something was said before, other wordings
are searched for too, and what they find is fused: on mtragun nDCG@10 of later turns is .852 for the last turn alone,
.882 by the rule and .919 by the rule's question fused with the last turn, with two user turns and with the last answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.messages import Turn
from core.words import content, sentences, words

TURNS: Final = 2  # user turns put in front; more brings old topics back
SHORT: Final = 2  # content words; a question with fewer can hardly stand alone
OWN: Final = 3  # content words before a pronoun; with so many it means something in the message itself
RAMBLING: Final = 60  # words; a longer message is searched for by the questions in it
VIEW: Final = 1_000  # characters of another wording: more than that an embedder does not read

_ANAPHORA: Final = frozenset(
    (
        "it its that this those these they them their there then he him his she her hers one ones same former latter "
        "else eso esto ese esa esos esas ello ellos ellas él ella allí ahí entonces mismo misma aquello"
    ).split()
)
_OPENING = re.compile(
    r"(?i)^\W*(?:and\b|or\b|but\b|so\b|also\b|(?:what|how) about\b|what if\b|why\b\W*$|who else\b|y\b|o\b|pero\b"
    r"|entonces\b|qué tal\b|por qué\W*$|también\b)"
)
_FURTHER = re.compile(
    r"(?i)^\W*(?:and (?:for|if|the|what|how|in|on|with)\b|(?:what|how) about\b|what if\b|¿"
    r"|y (?:si|para|el|la|los|las|en)\b)"
)
_ASKING = re.compile(
    r"(?i)^\W*(?:(?:so|and|but|now|anyway|ok|well|y|pero|entonces)\W+)?(?:what|when|where|who|whom|whose|which|why|how|can"
    r"|could|may|must|should|do|does|did|is|are|was|were|will|would|has|have|tell me|explain|i (?:want|need) to know"
    r"|qué|cuándo|cuánto|cuánta|cuántos|cuántas|dónde|quién|cuál|cómo|por qué|puedo|puede|hay|es|son|tengo)\b"
)


# how to answer, not what is asked: no document says it, and what is searched for with it is farther from what does
_MANNER = re.compile(
    r"(?i)\b(?:in|of|from|to|with|modify|provide|begin|start|end|finish|write|give|keep|make|convert|format) "
    r"(?:your|the|this|that) (?:entire |whole |final |next )?(?:answer|response|reply|output|text|message)s?\b"
    r"|\b(?:en|de|a) (?:tu|su|la) respuesta\b"
)
_ORDER = re.compile(
    r"(?i)^\W*(?:(?:please|now|then|also|and|instead|just|por favor|ahora)\W+)*(?:"
    r"(?:ignore|disregard|forget) (?:all|any|the|your|my|previous|prior|every\w*|what|that|this)"
    r"|(?:answer|reply|respond) (?:in|with|only|as|using|to|briefly|like|me)"
    r"|translate (?:this|it|the|your|that|to|into|following)|(?:write|draft|compose) (?:a|an|me|your|in|the)"
    r"|(?:rewrite|rephrase|summari[sz]e|pretend|act as|append|encode)"
    r"|(?:do not|don[’']t) (?:mention|say|answer|cite|use|include|tell|explain|refer)"
    r"|(?:ignora|olvida) (?:tod[oa]s?|las?|los?|el|tus?)|(?:responde|contesta) (?:en|con|solo|sólo|como|brevemente)"
    r"|traduce|(?:escribe|redacta) (?:un|una|tu|en)|resume|actúa como)\b"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that stands alone; other wordings to search for; what it follows up on has already been `told`.

    `sought`: what it is about, where it also says how to answer; documents are held against that.
    """

    text: str
    views: tuple[str, ...] = ()
    told: str = ""
    sought: str = ""

    @property
    def about(self) -> str:
        """What documents are held against."""
        return self.sought or self.text

    @property
    def wordings(self) -> tuple[str, ...]:
        """All that is searched for, the question itself first."""
        return (self.about, *self.views)


def leans(text: str) -> bool:
    """Whether a question leans on what was said before."""
    if _OPENING.search(text) or len(content(text)) < SHORT:
        return True
    spoken = words(text)
    first = next((n for n, word in enumerate(spoken) if word.casefold() in _ANAPHORA), None)
    return first is not None and len(content(" ".join(spoken[:first]))) < OWN


def standalone(text: str, turns: Sequence[Turn]) -> str:
    """Return the question with what it leans on in front, or unchanged when it has no history or leans on none."""
    asked = [turn.text for turn in turns if turn.who == "user"]
    if not asked or not leans(text):
        return text
    before = [t for t in asked[-TURNS:] if t != text]
    # a turn that leaned itself brings the one before it; one that did not is enough
    if len(before) == TURNS and not leans(before[-1]):
        before = before[-1:]
    return " ".join([*before, text])


def reduced(text: str) -> str:
    """Return the questions of a long message, with the sentence before one that leans on it; a short one unchanged.

    A long message without any question is returned unchanged.
    """
    if len(words(text)) <= RAMBLING:
        return text
    said = [sentence for line in text.split("\n") for sentence in sentences(line)]
    kept: set[int] = set()
    for n, sentence in enumerate(said):
        if _asks(sentence):
            kept.add(n)
            if n and leans(sentence) and len(words(said[n - 1])) <= RAMBLING:
                kept.add(n - 1)
    return " ".join(said[n] for n in sorted(kept)) or text


def about(text: str) -> str:
    """Return a message without its orders on how to answer, unchanged where it has none or nothing else."""
    said = [sentence for line in text.split("\n") for sentence in sentences(line)]
    kept = [sentence for sentence in said if not _orders(sentence)]
    return " ".join(kept) if len(kept) < len(said) and any(map(_asks, kept)) else text


def _orders(sentence: str) -> bool:
    if sentence.rstrip("\"'”’») ").endswith(("?", "？")):
        return False
    return bool(_MANNER.search(sentence) or _ORDER.search(sentence))


def asks(text: str) -> bool:
    """Whether a message nobody addressed to us asks something: people also talk to each other in our threads."""
    said = [sentence for line in text.split("\n") for sentence in sentences(line)]
    return any(_asks(sentence) or bool(_FURTHER.search(sentence)) for sentence in said)


def _asks(sentence: str) -> bool:
    if len(words(sentence)) > RAMBLING:  # no sentence of a person's
        return False
    bare = sentence.rstrip("\"'”’») ")
    return bare.endswith(("?", "？")) or (bool(_ASKING.search(sentence)) and not bare.endswith("!"))


def understand(text: str, turns: Sequence[Turn]) -> Asked:
    """Return what a message asks, given what was said before in its conversation."""
    core = reduced(text)
    bare = about(core)
    views = [] if core == text else [text]
    alone, sought = standalone(core, turns), standalone(bare, turns)
    users = [turn.text for turn in turns if turn.who == "user" and turn.text != text]
    if users:
        # the question first: what an embedder no longer reads is then the history
        told = [turn.text for turn in turns if turn.who == "bot"]
        views += [bare, " ".join([*users[-TURNS:], bare]), " ".join([bare, users[-1], *told[-1:]])]
    others = dict.fromkeys(view[:VIEW] for view in views)
    others.pop(sought, None)
    said = "\n".join(turn.text for turn in turns if turn.who == "bot") if alone != core else ""
    return Asked(alone, tuple(others), said, sought if sought != alone else "")
