"""The forms of a text that the service gives: lexical, ITN, masked. Pure."""

from __future__ import annotations

import re

from azstt.emulator._service.request import Profanity

#: Enough to see each mode at work; a script gives its own masked texts.
_PROFANITY = frozenset(
    {"asshole", "bastard", "bitch", "bullshit", "crap", "damn", "fuck", "fucking", "shit"}
)
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_OUTER = re.compile(r"^[^\w]+|[^\w]+$")


def lexical(text: str) -> str:
    """Write a text as it is spoken: lower case, without the punctuation around words."""
    words = (_OUTER.sub("", word).lower() for word in text.split())
    return " ".join(word for word in words if word)


def censored(text: str, profanity: Profanity) -> str:
    """Mask or remove the swear words in a text, or leave them."""
    if profanity == "raw":
        return text

    def replace(found: re.Match[str]) -> str:
        word = found.group()
        if word.lower() not in _PROFANITY:
            return word
        return "*" * len(word) if profanity == "masked" else ""

    changed = _WORD.sub(replace, text)
    return changed if changed == text else " ".join(changed.split())
