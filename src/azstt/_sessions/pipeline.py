"""Live audio on its way from the event loop to the feeder's thread: decoder, then queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic

from azstt._assembly.timeline import Timeline
from azstt._audio import DecodeReport, LiveDecoder, RawCheck
from azstt._audio_format import AudioFormat
from azstt._events import AudioGap
from azstt._result import Gap
from azstt._sessions.config import LiveConfig
from azstt._sessions.monitor import AudioAccount, Monitor
from azstt._sessions.pcm_queue import Call, PcmQueue
from azstt._threads.loop_queue import CallSoon, loop_caller

#: Bytes of a container that may wait to be decoded.
_BACKLOG = 1 << 20
#: What to do about a container that is sent as PCM.
_REMEDY = "declare audio='auto' or the container's name"
#: Bytes that are decoded before the loop may run something else: some milliseconds of work.
_SLICE = 1 << 15


class AudioPipeline:
    """Accepts audio on the loop without ever blocking it; the source of a live feeder.

    Most audio is decoded where it is fed. The PCM waits in a queue for the feeder.

    Attributes:
        fed: how many bytes were fed.
        fed_at: when they were last fed, in seconds of `monotonic`.
    """

    def __init__(self, config: LiveConfig, monitor: Monitor) -> None:
        rate = config.backend.capabilities.sample_rates[0]
        self.audio: AudioFormat = AudioFormat(sample_rate=rate)
        self.fed: int = 0
        self.fed_at: float = monotonic()
        self._config: LiveConfig = config
        self._monitor: Monitor = monitor
        self._call_soon: CallSoon = loop_caller()
        self._queue: PcmQueue = PcmQueue(self.audio, config.buffer, self._on_room)
        self._decoder: LiveDecoder | None = None
        self._jobs: deque[Call] = deque()  # what was fed and asked for; on the loop
        self._notify_of_room: bool = False
        self._waiting: int = 0  # bytes not passed to the decoder yet
        self._closed: bool = False
        self._undecoded: bool = False  # some were not decoded when it was closed
        self._check: RawCheck | None = (
            RawCheck(config.audio, _REMEDY) if isinstance(config.audio, AudioFormat) else None
        )
        self._told: list[Gap] = []  # what the media lack, as far as the monitor was told

    @contextmanager
    def open(self) -> Generator[tuple[int, Iterator[bytes | Call]]]:
        """Create the decoder, which may import libav; on the feeder's thread."""
        self._decoder = LiveDecoder(
            self._config.audio, self.audio, sink=self._on_pcm, done=self._on_decoded
        )
        try:
            yield 1, iter(self._queue.take, None)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Drop what waits and free the decoder; may wait for a packet that is being decoded."""
        decoder, self._closed = self._decoder, True
        if decoder is not None:
            self._undecoded = self._undecoded or bool(self._waiting or decoder.backlog)
        self._queue.close()
        if decoder is not None:
            decoder.close()

    def account(self) -> AudioAccount:
        """Return what became of the audio so far."""
        queue, audio = self._queue, self._config.audio
        decoded, undecoded = queue.put_seconds, self._undecoded
        if self._closed and isinstance(audio, AudioFormat):  # then that is known
            decoded, undecoded = max(decoded, audio.seconds(self.fed)), False
        return AudioAccount(decoded, queue.taken_seconds, queue.dropped_seconds, undecoded)

    def timeline(self) -> Timeline:
        """Return the map from the decoder's output to the media."""
        return self._decoder.timeline if self._decoder else Timeline()

    def report(self) -> DecodeReport | None:
        """Return what the decoder found, once it knows."""
        return self._decoder.report if self._decoder else None

    @property
    def full(self) -> bool:
        """Whether as much audio waits as may."""
        backlog = self._decoder.backlog if self._decoder else 0
        return self._queue.full or backlog >= _BACKLOG

    @property
    def decoding(self) -> bool:
        """Whether what was fed last still waits to be decoded on the loop."""
        return bool(self._jobs)

    def notify_of_room(self) -> None:
        """Notify the monitor once `full` or `decoding` may have changed; look after this."""
        self._notify_of_room = True

    def feed(self, data: bytes) -> None:
        """Accept audio, all of it at once; a large chunk is decoded in slices.

        Raises:
            ConfigurationError: this is a container, though PCM was declared; nothing was accepted.
        """
        if self._check is not None:
            self._check.look(data)
        self.fed += len(data)
        self.fed_at = monotonic()
        self._waiting += len(data)
        slices = (data[at : at + _SLICE] for at in range(0, len(data), _SLICE))
        self._do(*(partial(self._decode, chunk) for chunk in slices))

    def finish(self) -> None:
        """Accept no more audio."""
        if self._decoder is not None:
            self._do(self._decoder.finish)

    def call(self, function: Call) -> None:
        """Have the feeder call a function after what was fed so far."""
        if self._decoder is not None:
            self._do(partial(self._decoder.call, partial(self._queue.call, function)))

    def _decode(self, data: bytes) -> None:
        if self._decoder is not None:
            self._decoder.feed(data)
        self._waiting -= len(data)

    def _do(self, *jobs: Call) -> None:
        """Do the first job now, unless others wait, and each further one in a turn of the loop."""
        waiting = self.decoding
        self._jobs.extend(jobs)
        if not waiting:
            self._work()

    def _work(self) -> None:
        try:
            if self._jobs:
                self._jobs.popleft()()
        except Exception as error:  # noqa: BLE001 - raised again where somebody waits
            self._monitor.on_failure(error)
        if self._jobs:
            self._call_soon(self._work)
        else:
            self._on_room()

    # The rest is called by the decoder and the queue, on any thread.

    def _on_pcm(self, pcm: bytes) -> None:
        self._tell_gaps()
        self._monitor.on_audio(self._queue.put(pcm))
        if self._config.overflow == "drop_oldest":
            self._queue.trim(lambda d: self._call_soon(partial(self._monitor.on_drop, d)))
        self._on_room()

    def _on_decoded(self, error: Exception | None) -> None:
        self._tell_gaps()
        if error is not None:
            self._call_soon(partial(self._monitor.on_failure, error))
        else:
            self._queue.end()

    def _tell_gaps(self) -> None:
        """Tell the monitor what the media lack, as far as it does not know it."""
        missing = self._decoder.missing if self._decoder else ()
        told = len(self._told) - 1
        if 0 <= told < len(missing):  # the last one may have grown
            self._tell(_growth(self._told[told], missing[told]))
            self._told[told] = missing[told]
        for gap in missing[len(self._told) :]:
            self._tell(gap)
            self._told.append(gap)

    def _tell(self, gap: Gap | None) -> None:
        if gap is not None:
            end = gap.at + gap.span
            event = AudioGap(start=gap.at, end=end, reason=gap.reason, seconds=gap.seconds)
            self._call_soon(partial(self._monitor.on_gap, event))

    def _on_room(self) -> None:
        if self._notify_of_room:
            self._notify_of_room = False
            self._call_soon(self._monitor.notify)


def _growth(before: Gap, now: Gap) -> Gap | None:
    """Return what a gap has grown by, if it has."""
    if now == before:
        return None
    seconds = None if now.seconds is None else max(0.0, now.seconds - (before.seconds or 0.0))
    at = before.at + before.span
    return Gap(at=at, seconds=seconds, reason=now.reason, span=max(0.0, now.at + now.span - at))
