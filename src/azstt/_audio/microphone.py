"""The microphone: PCM chunk by chunk while it is recorded."""

from __future__ import annotations

import warnings
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
from azstt._errors import AudioSourceError, ConfigurationError, SessionStateError
from azstt._threads.loop_queue import loop_caller
from azstt._threads.tasks import GRACE, TICK, BlockingCall

#: Seconds that wait for whoever reads; what comes later is lost, and that is told.
_MAX_BUFFERED = 60.0
_SPEECH = AudioFormat()


def microphone(
    *, device: int | str | None = None, audio: AudioFormat = _SPEECH, block: float = 0.1
) -> Microphone:
    """Record from a microphone; needs the extra ``mic``.

    The same for threads and for asyncio and trio::

        with azstt.microphone() as mic:             async with azstt.microphone() as mic:
            for chunk in mic:                           async for chunk in mic:
                live.send(chunk)                            await live.send(chunk)

    Args:
        device: a number from ``azstt live --devices``, or a part of a device's name; None is the
            system's default.
        audio: the PCM that is wanted, as the session that it is for has it.
        block: seconds of each chunk.

    Raises:
        ConfigurationError: ``block`` is not above 0.
        MissingDependencyError: sounddevice, or the PortAudio library below it, is not installed.
    """
    if not block > 0:
        raise ConfigurationError(f"block={block!r} is not a number of seconds above 0")
    return Microphone(binding(), device, audio, block)


class Microphone:
    """What `microphone` gives: it records from entering the block on, until `close`.

    Iterating, in one thread or task, gives the pieces, and after `close` those that were recorded
    before. A chunk is as long as ``block``. Up to a minute waits for the reader; what is lost then,
    or because the machine is too busy to record, is told by a `RuntimeWarning`, and counted in
    ``overflows``.
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
        # Bytes: the one is written by PortAudio's thread, the other by the reader.
        self._recorded: int = 0
        self._taken: int = 0
        self._overflows: int = 0
        self._overflows_reported: int = 0

    @property
    def audio(self) -> AudioFormat:
        """The PCM of the pieces."""
        return self._audio

    @property
    def overflows(self) -> int:
        """How often audio was lost."""
        return self._overflows

    def __enter__(self) -> Self:
        """Begin to record.

        Raises:
            AudioSourceError: there is no microphone, or it can't be used now.
            ConfigurationError: there is no such device, or it does not record such audio.
            SessionStateError: it was open before.
        """
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    async def __aenter__(self) -> Self:
        """Begin to record, as the sync block does."""
        try:
            await BlockingCall(self._open, name="azstt microphone").wait()
        except BaseException:  # canceled: what is still being opened is closed afterwards
            BlockingCall(self.close, name="azstt microphone")
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, in bounded time."""
        with anyio.move_on_after(GRACE, shield=True):
            await BlockingCall(self.close, name="azstt microphone").wait()

    def close(self) -> None:
        """Stop recording, from any thread; whoever iterates comes to the end. Twice is once."""
        self._closed = True
        with self._lock:
            stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        self._put(None)

    def __iter__(self) -> Self:
        """Give itself."""
        return self

    def __next__(self) -> bytes:
        """Wait for the next chunk.

        Raises:
            AudioSourceError: the microphone has stopped by itself, as when it is unplugged.
            SessionStateError: it was not opened.
        """
        self._check()
        while not self._exhausted:
            try:
                # A wait without a limit can't be interrupted on Windows.
                return self._take(self._chunks.get(timeout=TICK), StopIteration)
            except Empty:
                continue
        raise StopIteration

    def __aiter__(self) -> Self:
        """Give itself."""
        return self

    async def __anext__(self) -> bytes:
        """Wait for the next chunk, as the sync iteration does; canceling loses none."""
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
        with self._lock:  # whoever closes meanwhile waits for what there is to close
            if self._stream is not None or self._closed:
                raise SessionStateError("a microphone opens once; make another one")
            try:
                self._portaudio.query_devices(self._device, "input")
                self._stream = self._start()
            except (self._portaudio.PortAudioError, ValueError) as error:
                self._closed = True
                self._put(None)
                raise refusal(error, self._device, self._audio) from error

    def _start(self) -> Untyped:
        """Give a stream that records."""
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
        """Take what was recorded; on PortAudio's thread."""
        chunk = bytes(data)
        full = self._audio.seconds(self._recorded - self._taken) >= _MAX_BUFFERED
        self._overflows += bool(status.input_overflow) or full
        if not full:
            self._recorded += len(chunk)
            self._put(chunk)

    def _on_finished(self) -> None:
        """Take note that the stream has ended; on PortAudio's thread."""
        if not self._closed:
            self._put(
                AudioSourceError(
                    "the microphone has stopped by itself; is it still connected?", source=WHERE
                )
            )

    def _put(self, item: bytes | AudioSourceError | None) -> None:
        self._chunks.put(item)
        if (notify := self._notify) is not None:
            notify()

    def _check(self) -> None:
        if self._stream is None and not self._closed:
            raise SessionStateError("the microphone is not open: with azstt.microphone() as mic")

    def _take(
        self, item: bytes | AudioSourceError | None, end: Callable[[], BaseException]
    ) -> bytes:
        """Give a chunk, or raise what came instead of one."""
        if self._overflows > self._overflows_reported:
            self._overflows_reported = self._overflows
            warnings.warn(
                "audio from the microphone was lost: the program, or the machine, is too slow to "
                "take it; `overflows` counts how often",
                RuntimeWarning,
                stacklevel=3,
            )
        if isinstance(item, bytes):
            self._taken += len(item)
            return item
        self._exhausted = True
        raise item or end()
