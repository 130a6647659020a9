"""Help texts of options that several commands share."""

from __future__ import annotations

LANGUAGE = (
    "The spoken language, such as en-US. Repeat for several candidates, if the backend can detect "
    "the language. [default: the backend's]"
)
BACKEND = "The recognizer to use: a name from 'azstt backends'. [default: the best configured one]"
STRICT = "Fail if any of the audio is missing: cut off, damaged, never stored or dropped."
RAW_VALUE = "RATE[xCHANNELS][:TYPE]"
RAW = (
    "is PCM without a header, little-endian: RATE samples per second, in one channel or CHANNELS, "
    "of TYPE s16 (the default), s24, s32 or f32. Such as 16000, 8000x2 or 48000x1:f32."
)
PHRASE = "A word or name to expect. May be repeated."
