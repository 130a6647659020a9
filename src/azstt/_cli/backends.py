"""``azstt backends``: what each installed backend can do. Also chooses the one to use."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from azstt._cli.terminal import notify, write_table
from azstt._errors import BackendFallbackWarning, ConfigurationError
from azstt.backends import Capabilities, RecognizerBackend, available, resolve

_MAX_LISTED = 6  # with more languages than this, only their number is shown


def show_backends() -> None:
    """Print the table of backends: a column for each, and a row for each capability.

    No cell is empty or contains a space, so that ``awk`` and ``cut`` can read it.
    """
    labels = _cells(Capabilities()).keys()
    columns = [["CAPABILITY", *labels]]
    for name in available():
        try:
            cells = list(_cells(resolve(name).capabilities).values())
        except Exception as error:  # noqa: BLE001 - one broken plugin must not hide the others
            notify(f"can't load backend {name!r}: {error}")
            cells = ["?"] * len(labels)
        columns.append([name, *cells])
    write_table(list(zip(*columns, strict=True)))
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
            f"Azure is not configured; using {backend.name!r}, which knows only English; "
            f"pass --backend {backend.name} to hide this notice"
        )
    return backend


def _cells(can: Capabilities) -> Mapping[str, str]:
    """Return a backend's cells by column."""
    return {
        "languages": _languages(can),
        "default": can.default_language or "-",
        "detection": _yes(can.language_detection),
        "speakers": _yes(can.diarization),
        "phrases": _yes(can.phrases),
        "partials": _yes(can.partials),
        "segmentation": _yes(can.segmentation),
        "confidence": _yes(can.confidence),
        "word-times": can.word_times,
        "commits": _yes(can.commits),
        "updates": _yes(bool(can.updates)),
        "offline": _yes(can.offline),
    }


def _languages(can: Capabilities) -> str:
    if can.languages is None:
        return "any"
    if len(can.languages) > _MAX_LISTED:
        return str(len(can.languages))
    return ",".join(sorted(can.languages)) or "-"


def _yes(able: bool) -> str:
    return "yes" if able else "no"
