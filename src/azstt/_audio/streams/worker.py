"""The lane for everything else: libav's demuxers, which wait for bytes, in a thread of its own."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread

from azstt._audio.feed import ByteFeed
from azstt._audio.files.reader import AudioReader, open_audio
from azstt._audio.report import DecodeReport
from azstt._audio.streams.receiver import Receiver
from azstt._audio_format import AudioFormat
from azstt._errors import SessionStateError
from azstt._threads import exit as exits


class WorkerStreamDecoder:
    """Decodes in a daemon thread; `feed` never waits.

    Args:
        audio: what comes out.
        receiver: who takes it, on that thread.
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
        """Have a piece decoded."""
        with suppress(SessionStateError):  # the thread has just told why it reads no more
            self._feed.push(data)

    def finish(self) -> None:
        """Say that there is no more; the thread gives the rest and ends."""
        self._feed.close()

    def close(self) -> None:
        """Make the thread end, wherever it waits."""
        self._feed.cancel()

    @property
    def backlog(self) -> int:
        """How many bytes wait to be decoded."""
        return self._feed.buffered

    @property
    def report(self) -> DecodeReport | None:
        """What the stream is, once its header has come, and what was lost."""
        return None if self._reader is None else self._reader.report

    def _run(self) -> None:
        try:
            with open_audio(self._feed, audio=self._audio) as self._reader:
                for pcm in self._reader:
                    self._receiver.give(pcm)
                    if self._receiver.over:
                        return
            # A stream may say that it ends before whoever feeds it says so.
            self._feed.take(1)
        except Exception as error:  # noqa: BLE001  told, for nobody waits for this thread
            self._receiver.end(error)
        else:
            self._receiver.end(None)
        finally:
            exits.forget(self)

    def _stop(self) -> None:
        self.close()
        self._thread.join()
