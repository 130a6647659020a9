"""The forms of a text that the service returns: lexical and censored. Pure."""

from __future__ import annotations

import re

from azstt._options import Profanity

#: Enough to test each mode; a script can provide its own masked texts.
_PROFANITY = frozenset(
    {"asshole", "bastard", "bitch", "bullshit", "crap", "damn", "fuck", "fucking", "shit"}
)
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_OUTER = re.compile(r"^[^\w]+|[^\w]+$")


def lexical(text: str) -> str:
    """Return a text in spoken form: lower case, without punctuation around words."""
    words = (_OUTER.sub("", word).lower() for word in text.split())
    return " ".join(word for word in words if word)


def censored(text: str, profanity: Profanity) -> str:
    """Return a text with its swear words masked, removed or left."""
    if profanity == "raw":
        return text

    def replace(match: re.Match[str]) -> str:
        word = match.group()
        if word.lower() not in _PROFANITY:
            return word
        return "*" * len(word) if profanity == "masked" else ""

    changed = _WORD.sub(replace, text)
    return changed if changed == text else " ".join(changed.split())
