"""The functions that most people need: one engine, a sync and an async name for each."""

from __future__ import annotations

from typing import TypeAlias, Unpack

from azstt._audio import AudioSource
from azstt._errors import ConfigurationError
from azstt._options import TranscribeFields, split_fields
from azstt._sessions import batch
from azstt._sessions.batch import Job, ProgressCallback
from azstt._threads.loop_thread import LoopThread
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend, resolve

BytesLike: TypeAlias = bytes | bytearray | memoryview


def transcribe_file(
    source: AudioSource,
    *,
    backend: str | RecognizerBackend | None = None,
    progress: ProgressCallback | None = None,
    timeout: float | None = None,
    **options: Unpack[TranscribeFields],
) -> Transcript:
    """Transcribe an audio or video file.

    Works in plain scripts, in threads and inside a running event loop (Jupyter). Ctrl-C stops the
    work at once; no thread is left behind.

    Args:
        source: a path, a binary file object (seekable or not), an iterable of bytes, or a
            `ByteFeed` that another thread fills; any container and codec that FFmpeg reads. A file
            object is read from where it stands and is not closed.
        backend: who recognizes: a name from `azstt.backends.available()` or an object that fits
            `azstt.backends.RecognizerBackend`. Without one, the best that is configured.
        progress: is called with a `Progress` about five times a second, on the thread of the
            engine; it must return quickly. What it raises stops the work and comes out here.
        timeout: seconds that the whole may take.
        **options: the fields of `RecognitionOptions` (``language``, ``diarize``, ``phrases``,
            ``translate``, ``partials`` and many more), and which part of the source: ``start`` and
            ``end`` in seconds, ``track`` among its audio tracks, and the limits ``max_seconds``
            and ``max_bytes``.

    Returns:
        The transcript. Audio without speech gives an empty one.

    Raises:
        ConfigurationError: before any audio is read.
        MissingDependencyError: the backend's extra is not installed.
        AudioError: the source can't be read or is not audio.
        RecognitionError: the recognizer failed. Like the one above it carries what had been
            recognized as ``.partial``.
    """
    return _run(_job(_file(source), backend, progress, timeout, options))


async def atranscribe_file(
    source: AudioSource,
    *,
    backend: str | RecognizerBackend | None = None,
    progress: ProgressCallback | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - the twin has it, and it keeps the partial
    **options: Unpack[TranscribeFields],
) -> Transcript:
    """Transcribe an audio or video file; `transcribe_file` explains the rest.

    Runs on asyncio and on trio. Canceling it stops the work. ``progress`` is called on the loop.
    """
    return await batch.transcribe(_job(_file(source), backend, progress, timeout, options))


def transcribe_bytes(
    data: BytesLike,
    *,
    backend: str | RecognizerBackend | None = None,
    progress: ProgressCallback | None = None,
    timeout: float | None = None,
    **options: Unpack[TranscribeFields],
) -> Transcript:
    """Transcribe the bytes of an audio or video file; `transcribe_file` explains the rest."""
    return _run(_job(_bytes(data), backend, progress, timeout, options))


async def atranscribe_bytes(
    data: BytesLike,
    *,
    backend: str | RecognizerBackend | None = None,
    progress: ProgressCallback | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - the twin has it, and it keeps the partial
    **options: Unpack[TranscribeFields],
) -> Transcript:
    """Transcribe the bytes of an audio or video file; `atranscribe_file` explains the rest."""
    return await batch.transcribe(_job(_bytes(data), backend, progress, timeout, options))


def _run(job: Job) -> Transcript:
    """Run a job on an event loop of its own: a slow progress callback holds up no other's."""
    return LoopThread("azstt loop").call(batch.transcribe, job)


def _job(
    source: AudioSource,
    backend: str | RecognizerBackend | None,
    progress: ProgressCallback | None,
    timeout: float | None,
    options: TranscribeFields,
) -> Job:
    """Hold everything that can be wrong before any I/O against the backend."""
    audio, recognition = split_fields(options)
    recognizer = resolve(backend, stacklevel=3)
    recognizer.capabilities.check(recognition, backend=recognizer.name)
    if timeout is not None and not timeout > 0:
        raise ConfigurationError(f"timeout={timeout!r} is not a number of seconds above 0")
    return Job(
        source=source,
        audio=audio,
        backend=recognizer,
        options=recognition,
        progress=progress,
        timeout=timeout,
    )


def _file(source: AudioSource) -> AudioSource:
    """Refuse bytes, which could as well be meant as a path."""
    if isinstance(source, BytesLike):
        raise ConfigurationError("transcribe_file takes no bytes; call transcribe_bytes")
    return source


def _bytes(data: BytesLike) -> BytesLike:
    """Refuse a path, which could as well be meant as audio."""
    if not isinstance(data, BytesLike):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise ConfigurationError(
            f"transcribe_bytes takes the bytes of a file, not {type(data).__name__}; "
            "for a path or a file object call transcribe_file"
        )
    return data
