"""Backends by name: built-in and third-party ones alike are found by entry point."""

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

_warned_of_fallback = Event()


def available() -> dict[str, EntryPoint]:
    """Return the installed backends by name, without importing them."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP))}


def resolve(
    backend: str | RecognizerBackend | None = None, *, stacklevel: int = 1
) -> RecognizerBackend:
    """Return the backend to use.

    Args:
        backend: an object that implements `RecognizerBackend`, a name, or None for the best one
            configured: Azure Speech if `AzureSettings` finds it, otherwise the embedded local
            recognizer, with a `BackendFallbackWarning` once per process.
        stacklevel: how many calls above this one the warning points; 1 is the caller.

    Raises:
        ConfigurationError: there is no such backend, the object does not implement the port, or
            none was named and Azure Speech is only partly configured.
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
    """Return whether the environment configures a backend's service; half of that is an error."""
    return cast("bool", available()[name].load().is_configured())


def _warn_of_fallback(stacklevel: int) -> None:
    """Warn once per process."""
    if _warned_of_fallback.is_set():
        return
    _warned_of_fallback.set()
    warnings.warn(
        "no backend was named and Azure Speech is not configured, so the embedded recognizer is "
        "used: English only, on this machine. Pass backend='local' to silence this warning, or "
        "set AZURE_SPEECH_KEY and AZURE_SPEECH_REGION, in the environment or in a file .env, to "
        "use Azure",
        BackendFallbackWarning,
        stacklevel=stacklevel,
    )
