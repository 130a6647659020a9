"""``azstt backends``: what each installed backend can do; and which of them does the work."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from azstt._cli.terminal import say, write_table
from azstt._errors import BackendFallbackWarning
from azstt.backends import Capabilities, RecognizerBackend, available, resolve

_FEW = 6  # as many languages are named; more are counted


def show_backends() -> None:
    """Write the table of backends.

    No cell is empty or holds a space, so that ``awk`` and ``cut`` can read it.
    """
    columns = list(_cells(Capabilities()))
    table = [["BACKEND", *columns]]
    for name in available():
        try:
            cells = list(_cells(resolve(name).capabilities).values())
        except Exception as error:  # noqa: BLE001 - a broken plugin keeps no other from its row
            say(f"backend {name!r} can't be asked: {error}")
            cells = ["?"] * len(columns)
        table.append([name, *cells])
    write_table(table)


def choose_backend(name: str | None, *, quiet: bool) -> RecognizerBackend:
    """Find the backend, and say so where it was not the user's choice.

    Raises:
        ConfigurationError: there is none of that name.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BackendFallbackWarning)
        backend = resolve(name)
    fell_back = any(issubclass(warning.category, BackendFallbackWarning) for warning in caught)
    if fell_back and not quiet:
        say(
            f"no backend is configured, so {backend.name!r} does the work; "
            f"--backend {backend.name} says so without this notice"
        )
    return backend


def _cells(can: Capabilities) -> Mapping[str, str]:
    """Give a backend's cells by column."""
    return {
        "LANGUAGES": _languages(can),
        "DEFAULT": can.default_language or "-",
        "DETECTION": _yes(can.language_detection),
        "SPEAKERS": _yes(can.diarization),
        "PHRASES": _yes(can.phrases),
        "PARTIALS": _yes(can.partials),
        "SEGMENTATION": _yes(can.segmentation),
        "CONFIDENCE": _yes(can.confidence),
        "WORD-TIMES": can.word_times,
        "COMMITS": _yes(can.commits),
        "UPDATES": _yes(bool(can.updates)),
        "OFFLINE": _yes(can.offline),
    }


def _languages(can: Capabilities) -> str:
    if can.languages is None:
        return "any"
    if len(can.languages) > _FEW:
        return str(len(can.languages))
    return ",".join(sorted(can.languages)) or "-"


def _yes(able: bool) -> str:
    return "yes" if able else "no"
