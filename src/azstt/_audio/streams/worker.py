"""The push decoder for all other formats: libav's blocking demuxers, in a thread."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread

from azstt._audio.feed import ByteFeed
from azstt._audio.files.reader import AudioReader, open_reader
from azstt._audio.report import LONGEST_SILENCE, DecodeReport
from azstt._audio.streams.receiver import Receiver
from azstt._audio_format import AudioFormat
from azstt._errors import SessionStateError
from azstt._threads import exit as exits


class WorkerStreamDecoder:
    """Decodes in a daemon thread; `feed` never blocks.

    Args:
        audio: the output format.
        receiver: takes the output, on that thread.
    """

    def __init__(self, audio: AudioFormat, receiver: Receiver) -> None:
        self._audio = audio
        self._receiver = receiver
        self._feed = ByteFeed(max_buffered=None)
        self._reader: AudioReader | None = None
        self._thread = Thread(target=self._run, name="azstt live decode", daemon=True)
        exits.at_exit(self, WorkerStreamDecoder._stop)
        self._thread.start()

    def feed(self, data: bytes) -> None:
        """Queue a chunk for decoding."""
        with suppress(SessionStateError):  # the thread has stopped reading and reported why
            self._feed.push(data)

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
        return None if self._reader is None else self._reader.report

    def _run(self) -> None:
        try:
            with open_reader(self._feed, audio=self._audio, fill=LONGEST_SILENCE) as self._reader:
                for pcm in self._reader:
                    self._receiver.deliver(pcm)
                    if self._receiver.ended:
                        return
            # The container may end before finish() is called: wait for that.
            self._feed.take(1)
        except Exception as error:  # noqa: BLE001  passed on, because nobody joins this thread
            self._receiver.end(error)
        else:
            self._receiver.end(None)
        finally:
            exits.forget(self)

    def _stop(self) -> None:
        self.close()
        self._thread.join()
