"""The push decoder for all other formats: libav's blocking demuxers, in a thread."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from azstt._audio.feed import LiveFeed
from azstt._audio.files.reader import AudioReader, open_reader
from azstt._audio.report import LONGEST_SILENCE, UNREADABLE, DecodeReport, Tally
from azstt._audio.streams.receiver import Receiver
from azstt._audio_format import AudioFormat
from azstt._errors import AudioDecodeError, NoAudioStreamError, SessionStateError
from azstt._threads import exit as exits


class Relay:
    """Enters what a reader finds out into the tally of the stream that it is a part of.

    Args:
        reader: the reader.
        tally: the stream's, before the reader's first output.
    """

    def __init__(self, reader: AudioReader, tally: Tally) -> None:
        self._reader = reader
        self._tally = tally
        self._shift = 0.0  # of the reader's timeline so far
        self._size = 0  # of its output
        self._before = len(tally.missing)
        self._canceled = tally.canceled
        self._start = tally.base + tally.timeline.total  # on the media's timeline

    def update(self, size: int) -> None:
        """Enter what the reader knows with its next output, of a size in bytes."""
        reader, tally = self._reader, self._tally
        seconds, begin = reader.audio.seconds, self._size
        self._size += size
        for at, _, shift in reader.timeline.pieces(seconds(begin), seconds(self._size)):
            if shift != self._shift:
                tally.timeline.jump(tally.base + at, shift - self._shift)
                self._shift = shift
        known = max(0, len(tally.missing) - self._before - 1)  # the last one may have grown
        gaps = reader.tally.missing[known:]
        later = [gap.model_copy(update={"at": gap.at + self._start}) for gap in gaps]
        tally.missing[self._before + known :] = later
        tally.canceled = self._canceled + reader.tally.canceled


class WorkerStreamDecoder:
    """Decodes in a daemon thread; `feed` never blocks.

    Args:
        audio: the output format.
        receiver: takes the output, on that thread.
    """

    follows: bool = True

    def __init__(self, audio: AudioFormat, receiver: Receiver) -> None:
        self._audio = audio
        self._receiver = receiver
        self._feed = LiveFeed()
        self._reader: AudioReader | None = None
        receiver.start_recording()
        self._thread = Thread(target=self._run, name="azstt live decode", daemon=True)
        exits.at_exit(self, WorkerStreamDecoder._stop)
        self._thread.start()

    def feed(self, data: bytes) -> None:
        """Queue a chunk for decoding."""
        with suppress(SessionStateError):  # the thread has stopped reading and reported why
            self._feed.push(data)

    def call(self, function: Callable[[], None]) -> None:
        """Have the thread call a function between what is fed before and after."""
        self._feed.call(function)

    def finish(self) -> None:
        """Mark the end of the stream; the thread delivers the remaining PCM and ends."""
        self._feed.close()

    def close(self) -> None:
        """Make the thread end, even if it is waiting for data."""
        self._feed.cancel()

    @property
    def backlog(self) -> int:
        """How many bytes are waiting to be decoded."""
        return self._feed.buffered

    @property
    def report(self) -> DecodeReport | None:
        """The stream's format and losses so far; None until its header has arrived."""
        reader = self._reader
        if reader is None:
            return None
        told = reader.report
        return self._receiver.report(told.container, told.codec, told.sample_rate, told.channels)

    def _run(self) -> None:
        before = self._receiver.seconds
        try:
            try:
                self._decode()
            except (AudioDecodeError, NoAudioStreamError):
                if not before or self._receiver.seconds > before:
                    raise
                # The recordings before this one were decoded.
                self._receiver.tally.add(UNREADABLE, before, None)
            # The container may end before finish() is called: wait for that.
            self._feed.take(1)
        except Exception as error:  # noqa: BLE001  passed on, because nobody joins this thread
            self._receiver.end(error)
        else:
            self._receiver.end(None)
        finally:
            exits.forget(self)

    def _decode(self) -> None:
        with open_reader(self._feed, output=self._audio, fill=LONGEST_SILENCE) as reader:
            self._reader = reader
            relay = Relay(reader, self._receiver.tally)
            for pcm in reader:
                relay.update(len(pcm))
                self._receiver.deliver(pcm)
                if self._receiver.ended:
                    return
            relay.update(0)

    def _stop(self) -> None:
        self.close()
        self._thread.join()
