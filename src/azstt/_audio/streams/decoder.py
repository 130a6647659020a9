"""Live decoding: chunks of a stream in, PCM out as early as possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from azstt._assembly.timeline import Timeline
from azstt._audio.formats.containers import HEAD_SIZE, Container
from azstt._audio.formats.demux import NeedsLibavError
from azstt._audio.formats.recordings import Splitter
from azstt._audio.report import LONGEST_SILENCE, UNREADABLE, DecodeReport, Tally
from azstt._audio.streams.passthrough import PassthroughDecoder
from azstt._audio.streams.receiver import Receiver
from azstt._audio.streams.worker import WorkerStreamDecoder
from azstt._audio_format import AudioFormat
from azstt._errors import AudioDecodeError, AudioError, ConfigurationError, SessionStateError
from azstt._result import Gap
from azstt._threads.imports import guarded_import

if TYPE_CHECKING:
    from azstt._audio.streams.choose import StreamDecoder


class LiveDecoder:
    """Decodes a stream to PCM as early as possible while its chunks arrive.

    Chunk boundaries do not matter: the output has the same samples as `open_audio` produces for
    the whole stream. PCM, WAV, MP3, ADTS and Opus in WebM or Ogg are decoded right in `feed`. All
    other formats, and unusual variants of these, are decoded by libav in a thread that this object
    owns. Damage is skipped and reported, and only fatal if nothing can be decoded.

    Call `feed`, `call` and `finish` from one thread, such as an event loop's; none blocks. `close`
    and the properties are thread-safe. `sink` and `done` are called on whichever thread decodes,
    one call at a time; they must not wait for a thread that may be closing the decoder.

    Args:
        audio: the stream's format: raw PCM of a format, a container, or ``"auto"`` to detect it.
        target: the output format, with integer samples.
        sink: receives PCM: whole frames of `target`, never empty.
        done: called once at the end: with None after `finish`, or with an `AudioError` if the
            stream cannot be decoded. Chunks fed after that are ignored. An empty stream is not an
            error.

    Raises:
        ConfigurationError: `target` cannot be produced.
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
            raise ConfigurationError(f"live audio is produced as integers (given: {target!r})")
        self._target = target
        self._tally = Tally(LONGEST_SILENCE)
        self.timeline: Timeline = self._tally.timeline
        self._receiver = Receiver(target, sink, done, self._tally)
        self._declared: Container = "auto"
        self._head = b""  # buffered until the decoder can be chosen
        self._finished = False
        self._last_report: DecodeReport | None = None  # of the decoder before this one
        self._heard = 0.0  # seconds of the recordings before this one
        self._unreadable = False  # this one
        self._decoder: StreamDecoder | None = None
        self._splitter: Splitter | None = None  # unless the decoder follows recordings itself
        if audio == target:
            self._decoder = PassthroughDecoder(
                f"s{8 * target.sample_width}le", target, self._receiver
            )
            return
        # Importing libav blocks for longer than an event loop should, so do it here, not in feed().
        with guarded_import("av"):
            from azstt._audio.streams import choose  # noqa: PLC0415

        choose.check_target(target)
        self._open_container = choose.open_container
        if isinstance(audio, AudioFormat):
            self._decoder = choose.open_pcm(audio, target, self._receiver)
        else:
            self._declared = audio
            self._splitter = Splitter()

    def feed(self, data: bytes, /) -> None:
        """Decode the next chunk; PCM goes to the sink, during this call or from the thread.

        Decoding during the call takes about a millisecond per quarter of a second of speech; split
        large chunks if that matters. For formats decoded in the thread, see `backlog`.

        Raises:
            SessionStateError: `finish` was called before.
        """
        if self._finished:
            raise SessionStateError("feed() after finish()")
        if not data or self._receiver.ended:
            return
        try:
            self._feed(data)
        except AudioError as error:
            self._receiver.end(error)

    def call(self, function: Callable[[], None], /) -> None:
        """Call a function between the PCM of what is fed before and of what is fed after.

        What the bytes so far do not suffice to decode comes after it. Like the sink it is called
        during this call or from the thread, and not at all once `done` or `close` was called.
        """
        if self._receiver.ended:
            return
        if isinstance(self._decoder, WorkerStreamDecoder):
            self._decoder.call(function)
        else:  # all that can be decoded was delivered when it was fed
            function()

    def finish(self) -> None:
        """Mark the end of the stream: remaining PCM goes to the sink, then `done` is called."""
        if self._finished or self._receiver.ended:
            return
        self._finished = True
        try:
            self._finish()
        except AudioError as error:
            self._receiver.end(error)

    def close(self) -> None:
        """Release all resources; no callback is called after this returns. Idempotent."""
        self._receiver.close()
        decoder, self._last_report = self._decoder, self.report
        self._decoder = None
        if decoder is not None:
            decoder.close()

    @property
    def backlog(self) -> int:
        """How many bytes are waiting to be decoded; always 0 unless decoding in a thread."""
        decoder = self._decoder
        return 0 if decoder is None else decoder.backlog

    @property
    def missing(self) -> Sequence[Gap]:
        """What is missing so far, as in `report`; the last gap may still grow."""
        return self._tally.missing

    @property
    def report(self) -> DecodeReport | None:
        """The stream's format and losses so far; None while it is unknown."""
        decoder, last = self._decoder, self._last_report
        report = None if decoder is None else decoder.report
        if report is None and last is not None:
            return last.model_copy(update={"missing": tuple(self._tally.missing)})
        return report

    def _feed(self, data: bytes) -> None:
        splitter = self._splitter
        if splitter is None:
            self._take(data)
            return
        self._take(splitter.feed(data))
        while self._another_follows():
            self._take(splitter.next())

    def _another_follows(self) -> bool:
        """Return whether another recording follows; then the rest of this one was delivered."""
        splitter = self._splitter
        if splitter is None or splitter.following is None:
            return False
        self._end_recording()
        return self._splitter is not None

    def _take(self, data: bytes, least: int = HEAD_SIZE) -> None:
        """Decode bytes of the current recording, once its decoder can be chosen by `least` bytes.

        Raises:
            AudioError: it cannot be decoded, and nothing was heard of any before it.
        """
        if self._unreadable:
            return
        try:
            if self._decoder is None:
                data = self._head = self._head + data
                if len(data) < least:
                    return
                self._choose()
            self._decode(data)
        except AudioError:
            if not self._heard:
                raise
            self._skip_recording()

    def _skip_recording(self) -> None:
        """Enter the current recording as missing, and wait for the next one."""
        self._receiver.tally.add(UNREADABLE, self._receiver.seconds, None)
        self._decoder, self._unreadable = None, True

    def _end_recording(self) -> None:
        """Deliver the rest of a recording that another one follows."""
        self._unreadable = False
        self._heard = self._receiver.seconds
        self._head = b"" if self._decoder is None else self._head
        if self._decoder is None:
            return
        try:
            with suppress(AudioDecodeError):  # nothing in it, but there may be in the next one
                self._decoder.finish()
        except NeedsLibavError as error:
            self._switch_to_libav(error.data)
            return
        self._last_report = self.report
        self._decoder, self._head, self._declared = None, b"", "auto"

    def _finish(self) -> None:
        if (splitter := self._splitter) is not None:
            self._take(splitter.finish())
            while self._another_follows():
                self._take(splitter.next() + splitter.finish())
        if self._decoder is None and self._head:
            self._take(b"", least=1)
        decoder = self._decoder
        if decoder is None:
            if self._heard and not self._head and not self._unreadable:
                self._skip_recording()  # much junk was at the end, see `after`
            self._receiver.end(None)
            return
        try:
            decoder.finish()
        except NeedsLibavError as error:
            decoder = self._switch_to_libav(error.data)
            decoder.finish()
        if not isinstance(decoder, WorkerStreamDecoder):
            self._receiver.end(None)

    def _choose(self) -> None:
        """Open the decoder for the bytes received so far."""
        self._use(self._open_container(self._declared, self._head, self._target, self._receiver))

    def _decode(self, data: bytes) -> None:
        """Pass data to the chosen decoder, and to libav if that cannot decode it."""
        decoder = self._decoder
        if decoder is None:
            return
        try:
            decoder.feed(data)
        except NeedsLibavError as error:
            self._switch_to_libav(error.data)
            return
        if self._splitter is not None and decoder.follows:
            rest, self._splitter = self._splitter.rest(), None
            self._decode(rest)

    def _switch_to_libav(self, data: bytes) -> StreamDecoder:
        """Continue with libav in a thread, from the data that the previous decoder rejected."""
        self._last_report = self.report
        worker = WorkerStreamDecoder(self._target, self._receiver)
        worker.feed(data)
        if self._splitter is not None:
            worker.feed(self._splitter.rest())
            self._splitter = None
        self._use(worker)
        return worker

    def _use(self, decoder: StreamDecoder) -> None:
        """Continue with a decoder; close it if another thread has called `close` meanwhile."""
        self._decoder = decoder
        if self._receiver.ended:
            decoder.close()
