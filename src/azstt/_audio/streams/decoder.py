"""Live decoding: a stream in pieces in, PCM out as soon as it can be had."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from azstt._audio.formats.containers import ENOUGH, Container
from azstt._audio.formats.demux import NeedsLibavError
from azstt._audio.report import DecodeReport
from azstt._audio.streams.passthrough import PassthroughDecoder
from azstt._audio.streams.receiver import Receiver
from azstt._audio.streams.worker import WorkerStreamDecoder
from azstt._audio_format import AudioFormat
from azstt._errors import AudioError, ConfigurationError, SessionStateError
from azstt._threads.imports import guarded_import

if TYPE_CHECKING:
    from azstt._audio.streams.choose import StreamDecoder


class LiveDecoder:
    """Pieces of a stream in, PCM out as soon as it can be had.

    The pieces may be cut anywhere; what comes out has the samples that `open_audio` gives for the
    whole stream. PCM, WAV, MP3, ADTS and Opus in WebM or Ogg are decoded at once, in `feed`; all
    else, and whatever is unusual in those, by libav in a thread of the decoder's own. Damage is
    skipped and reported, never fatal while anything can be decoded.

    `feed` and `finish` are for one thread, such as an event loop's: neither waits. `close`, and
    the properties, are for any. `sink` and `done` are called on whichever thread decodes, one call
    at a time; they must not wait for a thread that may be closing the decoder.

    Args:
        audio: what the stream is: PCM of a format, a container, or ``"auto"`` to look at it.
        target: what to give out; integers.
        sink: takes PCM, whole frames of `target`, never none.
        done: takes the end, once: None after `finish`, or what is wrong with the stream, an
            `AudioError`. After that, pieces are ignored. A stream of no bytes at all is nothing
            wrong.

    Raises:
        ConfigurationError: `target` is nothing that can be given out.
    """

    def __init__(
        self,
        audio: AudioFormat | Container,
        target: AudioFormat,
        *,
        sink: Callable[[bytes], None],
        done: Callable[[Exception | None], None],
    ) -> None:
        if target.floating:
            raise ConfigurationError(f"live audio is given out as integers (given: {target!r})")
        self._target = target
        self._receiver = Receiver(sink, done)
        self._announced: Container = "auto"
        self._head = b""  # until it tells which lane it is
        self._finished = False
        self._last: DecodeReport | None = None  # of lanes before this one
        self._lane: StreamDecoder | None = None
        if audio == target:
            self._lane = PassthroughDecoder(f"s{8 * target.sample_width}le", target, self._receiver)
            return
        # Importing libav takes longer than an event loop should stand still: it is done here.
        with guarded_import("av"):
            from azstt._audio.streams import choose  # noqa: PLC0415

        choose.check_target(target)
        self._open_container = choose.open_container
        if isinstance(audio, AudioFormat):
            self._lane = choose.open_pcm(audio, target, self._receiver)
        else:
            self._announced = audio

    def feed(self, data: bytes, /) -> None:
        """Take the next piece; PCM goes to the sink, now or from the decoder's thread.

        What is decoded at once takes its time, a millisecond for a quarter of a second of speech:
        cut bigger pieces where that matters. Of what is decoded by a thread, `backlog` tells how
        much waits.

        Raises:
            SessionStateError: `finish` was called.
        """
        if self._finished:
            raise SessionStateError("feed() after finish()")
        if not data or self._receiver.over:
            return
        try:
            self._feed(data)
        except AudioError as error:
            self._receiver.end(error)

    def finish(self) -> None:
        """Say that there is no more: what is left goes to the sink, then comes `done`."""
        if self._finished or self._receiver.over:
            return
        self._finished = True
        try:
            self._finish()
        except AudioError as error:
            self._receiver.end(error)

    def close(self) -> None:
        """Free everything, at any time and twice; afterwards nobody is called any more."""
        self._receiver.close()
        lane, self._last = self._lane, self.report
        self._lane = None
        if lane is not None:
            lane.close()

    @property
    def backlog(self) -> int:
        """How many bytes were fed and wait to be decoded; 0 for what is decoded at once."""
        lane = self._lane
        return 0 if lane is None else lane.backlog

    @property
    def report(self) -> DecodeReport | None:
        """What the stream is and what was lost, as of now; None while nothing is known."""
        lane = self._lane
        report = None if lane is None else lane.report
        return report if self._last is None else self._last.followed_by(report)

    def _feed(self, data: bytes) -> None:
        if self._lane is None:
            data = self._head = self._head + data
            if len(data) < ENOUGH:
                return
            self._choose()
        self._pass_on(data)

    def _finish(self) -> None:
        if self._lane is None and not self._head:
            self._receiver.end(None)
            return
        if self._lane is None:
            self._choose()
            self._pass_on(self._head)
        if self._lane is None:
            return
        try:
            self._lane.finish()
        except NeedsLibavError as unusual:
            self._leave_to_libav(unusual.data).finish()

    def _choose(self) -> None:
        """Open the lane for what has come so far."""
        self._enter(self._open_container(self._announced, self._head, self._target, self._receiver))

    def _pass_on(self, data: bytes) -> None:
        """Give bytes to the lane."""
        if self._lane is None:
            return
        try:
            self._lane.feed(data)
        except NeedsLibavError as unusual:
            self._leave_to_libav(unusual.data)

    def _leave_to_libav(self, data: bytes) -> StreamDecoder:
        """Go on in a thread, with what the lane before did not want."""
        self._last = self.report
        worker = WorkerStreamDecoder(self._target, self._receiver)
        worker.feed(data)
        self._enter(worker)
        return worker

    def _enter(self, lane: StreamDecoder) -> None:
        """Go on with a lane; not with one that is opened while another thread closes."""
        self._lane = lane
        if self._receiver.over:
            lane.close()
