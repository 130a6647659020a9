"""Normalizes the spelling of transcripts, so that only misrecognized words count as errors."""

from __future__ import annotations

import re
import unicodedata

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety"
ONES, TENS = _ONES.split(), _TENS.split()
DIGITS = ONES[:10]
#: The first two digits of a four-digit number that is read as a year.
CENTURIES = range(11, 21)
#: Hesitations, which transcripts may write or leave out.
FILLERS = frozenset({"uh", "um", "hmm", "hm", "mm", "mhm", "ah", "er", "zzz"})
SPELLINGS = {
    "alright": "all right",
    "cannot": "can not",
    "firefox": "fire fox",
    "fulfill": "fulfill",
    "gonna": "going to",
    "kinda": "kind of",
    "logon": "log on",
    "mr": "mister",
    "noisyest": "noisiest",
    "okay": "ok",
    "til": "until",
    "voicemail": "voice mail",
    "yknow": "you know",
}
SIGNS = {"%": " percent ", "&": " and ", "#": " pound "}


def words(text: str) -> list[str]:
    """Return the English words of a text: lower case, no punctuation, numbers spelled out."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = re.sub("[\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}]", "'", text)
    text = re.sub(r"(\d),(\d{3})", r"\1\2", text)
    text = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", text)
    text = re.sub(r"\d+", lambda digits: f" {spelled(int(digits.group()))} ", text)
    for sign, word in SIGNS.items():
        text = text.replace(sign, word)
    plain = (word.strip("'") for word in re.sub(r"[^\w' ]+", " ", text).split())
    said = (word for word in plain if word and word not in FILLERS)
    return [part for word in said for part in SPELLINGS.get(word, word).split()]


def spelled(number: int) -> str:
    """Spell out a number as it is usually said: years in pairs, long numbers digit by digit."""
    hundreds, rest = divmod(number, 100)
    tens, one = divmod(rest, 10)
    if not hundreds:
        if number < len(ONES):
            return ONES[number]
        return f"{TENS[tens]} {ONES[one]}" if one else TENS[tens]
    if hundreds < len(DIGITS):
        return f"{ONES[hundreds]} hundred {spelled(rest) if rest else ''}".strip()
    if hundreds in CENTURIES and tens:
        return f"{spelled(hundreds)} {spelled(rest)}"
    return " ".join(DIGITS[int(digit)] for digit in str(number))
