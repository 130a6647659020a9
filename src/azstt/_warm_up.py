"""Loading ahead of the first call."""

from __future__ import annotations

from importlib import import_module

from azstt._threads.imports import guarded_import
from azstt.backends import PreloadingBackend, RecognizerBackend, resolve


def warm_up(backend: str | RecognizerBackend | None = None) -> None:
    """Load what the first transcription or live session would load, so that it starts at once.

    Call it when a server's worker process starts, after any fork. It imports the decoders (PyAV:
    0.15 s, 20 MB), and what the backend needs: the Speech SDK for Azure (0.15 s, 10 MB), or numpy,
    onnxruntime and the model for the embedded recognizer (1.2 s, 160 MB). It opens no session and
    no connection. Without it, the first calls load the same, one after the other.

    It blocks, so call it in a thread if an event loop is running. Thread-safe and idempotent.

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
