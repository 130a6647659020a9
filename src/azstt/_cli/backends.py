"""``azstt backends``: what each installed backend can do. Also chooses the one to use."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from azstt._cli.terminal import notify, write_table
from azstt._errors import BackendFallbackWarning, ConfigurationError
from azstt.backends import Capabilities, RecognizerBackend, available, resolve

_MAX_LISTED = 6  # with more languages than this, only their number is shown


def show_backends() -> None:
    """Print the table of backends.

    No cell is empty or contains a space, so that ``awk`` and ``cut`` can read it.
    """
    columns = list(_cells(Capabilities()))
    table = [["BACKEND", *columns]]
    for name in available():
        try:
            cells = list(_cells(resolve(name).capabilities).values())
        except Exception as error:  # noqa: BLE001 - one broken plugin must not hide the others
            notify(f"can't load backend {name!r}: {error}")
            cells = ["?"] * len(columns)
        table.append([name, *cells])
    write_table(table)
    try:
        choose_backend(None, quiet=True)
    except ConfigurationError as error:
        notify(error)


def choose_backend(name: str | None, *, quiet: bool) -> RecognizerBackend:
    """Return the backend to use, with a notice if the user did not choose it.

    Raises:
        ConfigurationError: no backend has that name.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BackendFallbackWarning)
        backend = resolve(name)
    fell_back = any(issubclass(warning.category, BackendFallbackWarning) for warning in caught)
    if fell_back and not quiet:
        notify(
            f"no backend is configured, using {backend.name!r}; "
            f"pass --backend {backend.name} to hide this notice"
        )
    return backend


def _cells(can: Capabilities) -> Mapping[str, str]:
    """Return a backend's cells by column."""
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
    if len(can.languages) > _MAX_LISTED:
        return str(len(can.languages))
    return ",".join(sorted(can.languages)) or "-"


def _yes(able: bool) -> str:
    return "yes" if able else "no"
