"""Backends by name: ours and other people's are found the same way, by entry point."""

from __future__ import annotations

import warnings
from importlib.metadata import EntryPoint, entry_points
from threading import Event
from typing import cast

from azstt._errors import BackendFallbackWarning, ConfigurationError
from azstt.backends._base import RecognizerBackend

GROUP = "azstt.backends"
PREFERRED = "azure"
FALLBACK = "local"

_told_of_fallback = Event()


def available() -> dict[str, EntryPoint]:
    """Give the backends that are installed, by name; none of them is imported."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP))}


def resolve(
    backend: str | RecognizerBackend | None = None, *, stacklevel: int = 1
) -> RecognizerBackend:
    """Give the backend that is meant.

    Args:
        backend: an object that fits `RecognizerBackend`, a name, or None for the best that is
            configured: Azure Speech if `AzureSettings` finds it, or else the embedded local
            recognizer, with a `BackendFallbackWarning` once.
        stacklevel: how many calls up the warning points, from the caller on.

    Raises:
        ConfigurationError: there is no such backend, or the object does not fit the port.
        MissingDependencyError: its extra is not installed.
    """
    if backend is None:
        backend = PREFERRED if _is_configured(PREFERRED) else FALLBACK
        if backend == FALLBACK:
            _warn_of_fallback(stacklevel + 2)
    if isinstance(backend, str):
        return _load(backend)
    if isinstance(backend, type) or not isinstance(backend, RecognizerBackend):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise ConfigurationError(
            f"not a backend: {backend!r}; give a name ({', '.join(available())}) or an object "
            "with name, capabilities and open(), such as azstt.testing.ScriptedBackend"
        )
    return backend


def _load(name: str) -> RecognizerBackend:
    entry = available().get(name)
    if entry is None:
        raise ConfigurationError(
            f"no such backend: {name!r}; installed are {', '.join(available())}"
        )
    return resolve(entry.load()())


def _is_configured(name: str) -> bool:
    """Ask a backend's class whether the environment says where its service is."""
    return cast("bool", available()[name].load().is_configured())


def _warn_of_fallback(stacklevel: int) -> None:
    """Warn once a process."""
    if _told_of_fallback.is_set():
        return
    _told_of_fallback.set()
    warnings.warn(
        "no backend was named and no Azure Speech is configured, so the embedded recognizer does "
        "the work: English only, on this machine. backend='local' says so without this warning; "
        "AZURE_SPEECH_KEY and AZURE_SPEECH_REGION, in the environment or in a file .env, select "
        "Azure",
        BackendFallbackWarning,
        stacklevel=stacklevel,
    )
