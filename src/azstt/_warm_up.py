"""Pay for the first call early."""

from __future__ import annotations

from importlib import import_module

from azstt._threads.imports import guarded_import
from azstt.backends import PreloadingBackend, RecognizerBackend, resolve


def warm_up(backend: str | RecognizerBackend | None = None) -> None:
    """Load what the first transcription or live session would load, so that it starts at once.

    A server calls this when a worker process starts, after any fork. It imports the decoders
    (PyAV, about 0.1 s), and lets the backend load its own: the Speech SDK for Azure (about 0.1 s),
    onnxruntime and the model for the embedded recognizer (about 0.5 s and 110 MB). It opens no
    session and no connection. Without it, the first calls pay the same, and wait for each other
    where they need the same library.

    It blocks, so an event loop calls it in a thread. Thread-safe and idempotent.

    Args:
        backend: the recognizer to load, as for `transcribe_file`. One of your own is loaded if it
            is an `azstt.backends.PreloadingBackend`.

    Raises:
        ConfigurationError: there is no such backend, or what it should load is not there.
        MissingDependencyError: the backend's extra is not installed.
        RecognitionError: a model can't be loaded.
    """
    recognizer = resolve(backend, stacklevel=2)
    with guarded_import("av"):
        import_module("azstt._audio.files.decoders")
        import_module("azstt._audio.streams.choose")
    if isinstance(recognizer, PreloadingBackend):
        recognizer.preload()
