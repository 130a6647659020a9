"""Record PCM from a microphone, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Self

import anyio
from anyio.lowlevel import checkpoint

from azstt._audio.portaudio import WHERE, Untyped, binding, refusal
from azstt._audio_format import AudioFormat
from azstt._errors import AudioSourceError, ConfigurationError, SessionStateError, warn
from azstt._options import check_seconds
from azstt._threads.loop_queue import loop_caller
from azstt._threads.tasks import GRACE, TICK, BlockingCall

#: Seconds of audio buffered for a slow reader; audio beyond that is dropped and reported.
_MAX_BUFFERED = 60.0
_SPEECH = AudioFormat()


def microphone(
    *, device: int | str | None = None, audio: AudioFormat = _SPEECH, block: float = 0.1
) -> Microphone:
    """Record from a microphone. Requires the ``mic`` extra.

    Works in threads and on asyncio and trio alike::

        with azstt.microphone() as mic:             async with azstt.microphone() as mic:
            live.transcribe(mic)                        await live.transcribe(mic)

    Args:
        device: a number from ``azstt live --devices``, or part of a device's name; None for the
            system default.
        audio: the PCM format to record; the same as that of the session it is sent to.
        block: duration of each chunk, in seconds.

    Raises:
        ConfigurationError: ``block`` is not positive, or ``audio`` no format of PCM.
        MissingDependencyError: sounddevice, or the PortAudio library it needs, is not installed.
    """
    check_seconds("block", block)
    if not isinstance(audio, AudioFormat):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise ConfigurationError(f"audio={audio!r} must be an AudioFormat: a microphone gives PCM")
    return Microphone(binding(), device, audio, block)


class Microphone:
    """A microphone opened by `microphone`; it records from entering the block until `close`.

    Iterate over it, in one thread or task, to get the chunks, each ``block`` seconds long. Audio
    recorded before `close` can still be read after it. Up to a minute is buffered for the reader.
    Audio lost beyond that, or because the machine is too busy to record, raises a `RuntimeWarning`
    and is counted in ``overflows``.
    """

    def __init__(
        self, portaudio: Untyped, device: int | str | None, audio: AudioFormat, block: float
    ) -> None:
        self._portaudio: Untyped = portaudio
        self._device: int | str | None = device
        self._audio: AudioFormat = audio
        self._block: float = block
        self._lock: Lock = Lock()
        self._stream: Untyped = None
        self._closed: bool = False
        self._chunks: SimpleQueue[bytes | AudioSourceError | None] = SimpleQueue()
        self._notify: Callable[[], object] | None = None
        self._exhausted: bool = False  # the reader has seen the end
        # In bytes; `_recorded` is written by PortAudio's thread, `_taken` by the reader.
        self._recorded: int = 0
        self._taken: int = 0
        self._overflows: int = 0
        self._overflows_reported: int = 0

    @property
    def audio(self) -> AudioFormat:
        """The PCM format of the chunks."""
        return self._audio

    @property
    def overflows(self) -> int:
        """How many times audio was lost."""
        return self._overflows

    def __enter__(self) -> Self:
        """Start recording.

        Raises:
            AudioSourceError: there is no microphone, or it cannot be opened.
            ConfigurationError: there is no such device, or it does not support the format.
            SessionStateError: it was already opened.
        """
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the microphone."""
        self.close()

    async def __aenter__(self) -> Self:
        """Start recording; see `__enter__`."""
        try:
            await BlockingCall(self._open, name="azstt microphone").wait()
        except BaseException:  # canceled: close the device once it has finished opening
            BlockingCall(self.close, name="azstt microphone")
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the microphone, in bounded time."""
        with anyio.move_on_after(GRACE, shield=True):
            await BlockingCall(self.close, name="azstt microphone").wait()

    def close(self) -> None:
        """Stop recording and end the iteration. Thread-safe and idempotent."""
        self._closed = True
        with self._lock:
            stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        self._put(None)

    def __iter__(self) -> Self:
        """Return itself."""
        return self

    def __next__(self) -> bytes:
        """Wait for the next chunk.

        Raises:
            AudioSourceError: the microphone stopped unexpectedly, for example was unplugged.
            SessionStateError: it was not opened.
        """
        self._check()
        while not self._exhausted:
            try:
                # On Windows a wait without a timeout cannot be interrupted.
                return self._take(self._chunks.get(timeout=TICK), StopIteration)
            except Empty:
                continue
        raise StopIteration

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Wait for the next chunk; see `__next__`. Canceling loses no audio."""
        self._check()
        await checkpoint()
        call_soon = loop_caller()
        while not self._exhausted:
            arrived = anyio.Event()
            self._notify = partial(call_soon, arrived.set)
            try:
                return self._take(self._chunks.get_nowait(), StopAsyncIteration)
            except Empty:
                await arrived.wait()
        raise StopAsyncIteration

    def _open(self) -> None:
        with self._lock:  # a concurrent close() waits, so that it closes this stream
            if self._stream is not None or self._closed:
                raise SessionStateError(
                    "a microphone can be opened only once; call microphone() again"
                )
            try:
                self._portaudio.query_devices(self._device, "input")
                self._stream = self._start()
            except (self._portaudio.PortAudioError, ValueError) as error:
                self._closed = True
                self._put(None)
                raise refusal(error, self._device, self._audio) from error

    def _start(self) -> Untyped:
        """Open a stream and start recording."""
        audio = self._audio
        stream = self._portaudio.RawInputStream(
            device=self._device,
            samplerate=audio.sample_rate,
            channels=audio.channels,
            dtype="float32" if audio.floating else f"int{8 * audio.sample_width}",
            blocksize=max(1, round(self._block * audio.sample_rate)),
            callback=self._on_audio,
            finished_callback=self._on_finished,
        )
        try:
            stream.start()
        except BaseException:
            stream.close()
            raise
        return stream

    def _on_audio(self, data: Untyped, _frames: int, _time: object, status: Untyped) -> None:
        """Queue a recorded chunk. Called on PortAudio's thread."""
        chunk = bytes(data)
        full = self._audio.seconds(self._recorded - self._taken) >= _MAX_BUFFERED
        self._overflows += bool(status.input_overflow) or full
        if not full:
            self._recorded += len(chunk)
            self._put(chunk)

    def _on_finished(self) -> None:
        """Queue an error if the stream ended unexpectedly. Called on PortAudio's thread."""
        if not self._closed:
            self._put(
                AudioSourceError(
                    "the microphone stopped unexpectedly; is it still connected?", source=WHERE
                )
            )

    def _put(self, item: bytes | AudioSourceError | None) -> None:
        self._chunks.put(item)
        if (notify := self._notify) is not None:
            notify()

    def _check(self) -> None:
        if self._stream is None and not self._closed:
            raise SessionStateError(
                "the microphone is not open; use `with azstt.microphone() as mic:`"
            )

    def _take(
        self, item: bytes | AudioSourceError | None, end: Callable[[], BaseException]
    ) -> bytes:
        """Return a chunk, or raise the error or the end of the iteration in its place."""
        if self._overflows > self._overflows_reported:
            self._overflows_reported = self._overflows
            warn(
                "audio from the microphone was lost because the program or the machine is too slow "
                "to process it; `overflows` has the count",
                RuntimeWarning,
            )
        if isinstance(item, bytes):
            self._taken += len(item)
            return item
        self._exhausted = True
        raise item or end()
