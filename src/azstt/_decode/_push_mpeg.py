"""The push lane for MP3 and ADTS AAC: libav's own parser finds the frames."""

from __future__ import annotations

from typing import Final, Literal

from av.error import FFmpegError

from azstt._audio_format import AudioFormat
from azstt._decode._ending import Ending
from azstt._decode._mpeg import FRAME_HEAD, ID3_HEAD, id3_size, stream_of
from azstt._decode._push import Decoder, PushLane
from azstt._decode._receiver import Receiver
from azstt._decode._sniff import mp3_delay, mp3_samples
from azstt._decode._split import Window

_ID3: Final = b"ID3"
#: What libav's demuxer takes for each.
_DECODERS: Final = {"mp3": "mp3float", "aac": "aac"}


class MpegLane(PushLane):
    """Frames one after the other, each with a header of its own.

    Args:
        kind: what they are; None lets the first one tell.
        audio: what comes out.
        receiver: who takes it.
    """

    def __init__(
        self, kind: Literal["mp3", "aac"] | None, audio: AudioFormat, receiver: Receiver
    ) -> None:
        super().__init__(audio, receiver)
        self._window = Window()
        self._kind: str | None = kind
        self._decoder: Decoder | None = None
        self._first = False  # the next frame is
        self._skip = 0  # samples that the decoder still gives too many
        self._seconds = 0.0  # a frame
        self._shape: tuple[int, int] | None = None

    def _accept(self, data: bytes) -> None:
        if self._decoder is None:
            self._window.add(data)
            if not self._open():
                if self._window.full:
                    self._window.settle()  # so long a tag is nothing to keep
                return
            data = bytes(self._window.data)
            self._window.settle()
        self._parse(data)

    def _flush(self) -> None:
        if self._decoder is not None:
            self._parse(None)
            self._push(self._decoder.flush(), self._skip)
            self._decoder = None

    def _end(self) -> None:
        if self._kind is None or self._decoder is None:
            raise self._window.unusual()

    def _facts(self) -> tuple[str, str, int, int] | None:
        if self._kind is None or self._shape is None:
            return None
        return (self._kind, _DECODERS[self._kind], *self._shape)

    def _open(self) -> bool:
        """Pass by the tags, and look at the first frame; False if it is yet to come."""
        window = self._window
        while size := id3_size(head := bytes(window.data[:ID3_HEAD])):
            window.leave(size)
        least = ID3_HEAD if _ID3.startswith(head[:3]) else FRAME_HEAD
        if window.passing or len(head) < least:
            return False
        found = stream_of(head)
        # Where there is no header there is junk, in which a parser that knows its kind finds one.
        if found == "other" or (found or self._kind) is None:
            raise window.unusual()
        self._kind = found or self._kind
        self._decoder = Decoder(_DECODERS[str(self._kind)])
        self._first = self._kind == "mp3"
        return True

    def _parse(self, data: bytes | None) -> None:
        if self._decoder is None:
            return
        for frame in self._decoder.parse(data):
            first, self._first = self._first, False
            if not (first and self._is_tag(frame)):
                self._decode(frame)

    def _is_tag(self, frame: bytes) -> bool:
        """Tell an MP3 file's first frame that is no sound; it says how long the rest is."""
        delay = mp3_delay(frame)
        if delay is None:
            return False
        self._skip = delay
        rate = self._decoder.context.sample_rate if self._decoder else 0
        samples = mp3_samples(frame, rate)
        if samples is not None and rate > 0:
            self._ending = Ending(self._audio, samples / rate)
        return True

    def _decode(self, frame: bytes) -> None:
        if self._decoder is None:
            return
        try:
            frames = self._decoder.decode(frame)
            self._skip = self._push(frames, self._skip)
        except FFmpegError:
            # What precedes the first frame may have been anything.
            if self._shape is not None:
                self._tally.lose(self._mixer.seconds, self._seconds)
            return
        for sound in frames:
            self._seconds = sound.samples / sound.sample_rate
            self._shape = self._shape or (sound.sample_rate, sound.layout.nb_channels)
