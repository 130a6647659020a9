"""Transcribe recordings: one async engine, with a sync and an async function for each source."""

from __future__ import annotations

from typing import Unpack

from azstt._assembly.missing import warned
from azstt._audio import AudioSource, BytesLike
from azstt._audio.samples import AudioChunk, is_array
from azstt._errors import Caller, ConfigurationError
from azstt._options import TranscribeOptions, check_flag, check_seconds, split_fields
from azstt._sessions.batch import FileTranscriber, Job, ProgressCallback
from azstt._sessions.handlers import check_function
from azstt._threads.loop_thread import LoopThread
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend, resolve


def transcribe_file(
    source: AudioSource,
    *,
    backend: str | RecognizerBackend | None = None,
    progress: ProgressCallback | None = None,
    timeout: float | None = None,
    strict: bool = False,
    **options: Unpack[TranscribeOptions],
) -> Transcript:
    """Transcribe an audio or video file.

    Works in plain scripts, in threads and inside a running event loop (Jupyter). Ctrl-C stops the
    work at once and leaves no thread behind; ``azstt.partial_of(error)`` of the
    `KeyboardInterrupt` is what had been recognized.

    Args:
        source: a path, a binary file object (seekable or not), an iterable of bytes, or a
            `ByteFeed` that another thread fills, in any container and codec that FFmpeg reads. A
            file object is read from its current position and is not closed. Raw PCM, which has
            no header, needs ``audio``.
        backend: the recognizer to use: a name from `azstt.backends.available()` or an object that
            implements `azstt.backends.RecognizerBackend`. Without one, Azure if it is configured,
            otherwise the embedded recognizer, with a `BackendFallbackWarning`. An Azure that is
            only partly configured is a `ConfigurationError`.
        progress: called with a `Progress` about five times a second, on the engine's thread; it
            must return quickly. An exception that it raises stops the work and is raised here;
            `partial_of` returns what had been recognized.
        timeout: seconds that the whole call may take; None is no limit.
        strict: raise an `IncompleteTranscriptError` if any of the audio is missing, because the
            recording is cut off, damaged or has holes. Otherwise this is an
            `IncompleteAudioWarning`, and the ledger of the transcript says what is missing.
        **options: any field of `RecognitionOptions` (``language``, ``diarize``, ``phrases``,
            ``translate``, ``partials`` and many more); ``audio``, the `AudioFormat` of a source
            that is raw PCM; and the part of the source to transcribe:
            ``start`` and ``end`` in seconds of the media, as a player shows them, ``track`` among
            its audio tracks, and the limits ``max_seconds`` and ``max_bytes``.

    Returns:
        The transcript; it is empty if there is no speech in the audio. All of its times are what a
        player shows, in seconds from the beginning of the media, even with ``start``.

    Raises:
        ConfigurationError: an argument or a setting is wrong; raised before any audio is read, save
            for a ``start`` beyond the end.
        MissingDependencyError: the backend needs an extra that is not installed.
        AudioError: the source can't be read or is not audio.
        RecognitionError: the recognizer failed or took too long. Like `AudioError` it carries
            what had been recognized by then as ``.partial``.

    Warns:
        IncompleteAudioWarning: some of the audio is missing.
        LowConfidenceWarning: most of the text is probably wrong; see `Transcript.doubt`.
        AudioFormatWarning: raw PCM does not look like samples of the type that ``audio`` states.
    """
    return _run(_job(_file(source), backend, progress, timeout, strict, options))


async def atranscribe_file(
    source: AudioSource,
    *,
    backend: str | RecognizerBackend | None = None,
    progress: ProgressCallback | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - same signature as the sync twin, and it keeps the partial
    strict: bool = False,
    **options: Unpack[TranscribeOptions],
) -> Transcript:
    """Transcribe an audio or video file, asynchronously; see `transcribe_file` for the arguments.

    Runs on asyncio and on trio. Canceling the call stops the work; `partial_of` the cancellation is
    what had been recognized. ``progress`` is called on the event loop's thread.
    """
    job = _job(_file(source), backend, progress, timeout, strict, options)
    return warned(await FileTranscriber(job).run(), job.name)


def transcribe_bytes(
    data: AudioChunk,
    *,
    backend: str | RecognizerBackend | None = None,
    progress: ProgressCallback | None = None,
    timeout: float | None = None,
    strict: bool = False,
    **options: Unpack[TranscribeOptions],
) -> Transcript:
    """Transcribe the bytes of an audio or video file, or samples.

    Args:
        data: the bytes of a file; with ``audio``, raw PCM: bytes, or a NumPy array of int16 or
            float32 samples, with a row for each frame if there are several channels.
        backend: see `transcribe_file` for this and the rest.
        progress: called about five times a second.
        timeout: seconds that the whole call may take.
        strict: raise an error if any of the audio is missing.
        **options: further options.
    """
    return _run(_job(_bytes(data), backend, progress, timeout, strict, options))


async def atranscribe_bytes(
    data: AudioChunk,
    *,
    backend: str | RecognizerBackend | None = None,
    progress: ProgressCallback | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - same signature as the sync twin, and it keeps the partial
    strict: bool = False,
    **options: Unpack[TranscribeOptions],
) -> Transcript:
    """Transcribe the bytes of an audio or video file, asynchronously; see `atranscribe_file`."""
    job = _job(_bytes(data), backend, progress, timeout, strict, options)
    return warned(await FileTranscriber(job).run(), job.name)


def _run(job: Job) -> Transcript:
    """Run a job on an event loop of its own, so that its progress callback delays no other job."""
    transcriber = FileTranscriber(job)
    try:
        transcript = LoopThread("azstt loop").call(transcriber.run)
    except BaseException as error:  # an interrupt, which comes to this thread only
        transcriber.on_exit(error)
        raise
    return warned(transcript, job.name)


def _job(
    source: AudioSource,
    backend: str | RecognizerBackend | None,
    progress: ProgressCallback | None,
    timeout: float | None,
    strict: bool,
    options: TranscribeOptions,
) -> Job:
    """Check everything that can be checked before any I/O, and make a job of it."""
    audio, recognition = split_fields(options, transcribe_file.__kwdefaults__ or ())
    recognizer = resolve(backend, stacklevel=3)
    recognizer.capabilities.check(recognition, backend=recognizer.name)
    check_seconds("timeout", timeout, endless=True)
    check_flag("strict", strict)
    if progress is not None:
        check_function("progress", progress)
    return Job(
        source=source,
        audio=audio,
        backend=recognizer,
        options=recognition,
        caller=Caller.here(),
        progress=progress,
        timeout=timeout,
        strict=strict,
    )


def _file(source: AudioSource) -> AudioSource:
    """Refuse bytes, which might be a path or audio, and samples."""
    if isinstance(source, BytesLike) or is_array(source):
        kind = "bytes" if isinstance(source, BytesLike) else "samples"
        raw = "" if kind == "bytes" else ", with audio=AudioFormat(sample_rate=...)"
        raise ConfigurationError(
            f"transcribe_file does not take {kind}; call transcribe_bytes{raw}"
        )
    return source


def _bytes(data: AudioChunk) -> AudioChunk:
    """Refuse anything but bytes and samples, such as a path."""
    if not (isinstance(data, BytesLike) or is_array(data)):
        raise ConfigurationError(
            f"transcribe_bytes takes the bytes of a file or samples, not {type(data).__name__}; "
            "for a path or a file object call transcribe_file"
        )
    return data
