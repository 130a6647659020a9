"""Help texts of options that several commands share."""

from __future__ import annotations

LANGUAGE = (
    "The spoken language, such as en-US. Repeat for several candidates, if the backend can detect "
    "the language. [default: the backend's]"
)
BACKEND = "The recognizer to use: a name from 'azstt backends'. [default: the best configured one]"
STRICT = "Fail if any of the audio is missing: cut off, damaged, never stored or dropped."
PHRASE = "A word or name to expect. May be repeated."
