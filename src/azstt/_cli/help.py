"""What several commands say of the same option."""

from __future__ import annotations

LANGUAGE = (
    "The language spoken, such as en-US. Repeat it for languages to choose from, where the backend "
    "can. [default: the backend's]"
)
BACKEND = "Who recognizes: a name from 'azstt backends'. [default: the best configured]"
PHRASE = "A word or name to expect; repeat it."
