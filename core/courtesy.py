"""What is said instead of "I don't know" to a message that is no question: a greeting, an address, abuse. Pure.

Asked only when nothing was found that answers, so that a document about any of these is still found.
"""

import re
from typing import Final

from core.words import words

_ADDRESS = re.compile(r"(?i)^\W*(?:(?:https?://|www\.)\S+\s*)+$")
_GREETING = re.compile(
    r"(?i)^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|hola|buen[oa]s(?: (?:días|tardes|noches))?)"
    r"(?:\W+(?:there|all|everyone|team|bot|vocero|a todos))?\W*$"
)
_THANKS = re.compile(
    r"(?i)^\W*(?:thanks?(?: you)?|thx|cheers|great|perfect|ok(?:ay)?|(?:muchas )?gracias|vale|genial)\b"
)
_PROBING = re.compile(
    r"(?i)\b(?:system prompt|(?:your|these|all|any|previous|prior|above|earlier) (?:\w+ ){0,2}"
    r"(?:instructions?|rules|prompts?|guidelines)|tus instrucciones|instrucciones anteriores|prompt (?:del|de) sistema"
    r"|jailbreak|developer mode)\b"
)
_ABUSE = re.compile(
    r"(?i)\b(?:fuck|shit|bullshit|asshole|bastard|bitch|shut up|(?:you|u|ur|are|this bot is) (?:\w+ ){0,4}"
    r"(?:stupid|useless|idiot|dumb|worthless|garbage|trash|pathetic|moron)"
    r"|mierda|imbécil|idiota|estúpid[oa]|inútil|gilipollas|cabrón|puta)\w*"
)
_THANKFUL: Final = 4  # words; longer, and something else is meant


def courtesy(text: str) -> str:
    """Return the key of the phrase that such a message calls for, empty for a question."""
    if not any(character.isalnum() for character in text):
        return "wordless"
    if _ADDRESS.match(text):
        return "address"
    if _GREETING.match(text):
        return "greeting"
    if _THANKS.match(text) and len(words(text)) <= _THANKFUL:
        return "welcome"
    if _PROBING.search(text):
        return "probing"
    return "abuse" if _ABUSE.search(text) else ""
