"""What the environment and ``.env`` hold of Azure's settings: names for messages, never values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

#: How alike a name must be to a setting's to count as mistyped, from 0 to 1. Names of other things
#: are nearly alike (AZURE_SEARCH_ENDPOINT), so the word itself earns some tolerance.
_ALIKE_SPEECH, _ALIKE = 0.85, 0.94


def find_settings(
    known: Collection[str], sources: Mapping[str, Mapping[str, str | None]]
) -> Iterator[str]:
    """Say which settings are set, which are empty, and which are perhaps mistyped.

    Args:
        known: the variables that are settings, in upper case.
        sources: variables and their values, by where they are from, such as ``" in .env"``.
    """
    for place, variables in sources.items():
        for variable, value in variables.items():
            name = variable.upper()
            if name in known:
                yield f"{name}{place} is {'set' if value else 'empty'}"
            elif similar := _most_similar(name, known):
                yield f"{name}{place} is not a setting (did you mean {similar}?)"


def _most_similar(name: str, known: Collection[str]) -> str | None:
    cutoff = _ALIKE_SPEECH if "SPEECH" in name else _ALIKE
    return next(iter(get_close_matches(name, known, n=1, cutoff=cutoff)), None)
