"""The push decoder for Opus in WebM, Matroska and Ogg."""

from __future__ import annotations

from typing import Final

from av.error import FFmpegError

from azstt._audio.formats import opus
from azstt._audio.formats.demux import Cut, Demuxer, Item, Packet, StreamStart
from azstt._audio.streams.base import PacketDecoder, PushDecoder
from azstt._audio.streams.receiver import Receiver
from azstt._audio_format import AudioFormat

#: Seconds that an Opus encoder pauses at most when nobody speaks (discontinuous transmission); in
#: Ogg, all such pauses of a page, which lasts a second and a pause at most, are told as one.
_PAUSES: Final = {"matroska,webm": 0.45, "ogg": 1.2}


class OpusStreamDecoder(PushDecoder):
    """Decodes the packets that a demuxer finds.

    Args:
        demuxer: splits the container into packets.
        container: libav's name for the container.
        audio: the output format.
        receiver: takes the output.
    """

    def __init__(
        self, demuxer: Demuxer, container: str, audio: AudioFormat, receiver: Receiver
    ) -> None:
        super().__init__(audio, receiver)
        self._demuxer = demuxer
        self._container = container
        self._decoder: PacketDecoder | None = None
        self._channels = 0

    def _decode_data(self, data: bytes) -> None:
        items: list[Item] = []
        try:
            # Find all packets before decoding any: alternating would thrash the CPU caches.
            items.extend(self._demuxer.feed(data))
        finally:
            for item in items:
                self._take(item)

    def _flush(self) -> None:
        if self._decoder is not None:
            for frame in self._decoder.flush():
                self._push(frame, 0, frame.samples)
            self._decoder = None

    def _end(self) -> Cut | None:
        return self._demuxer.end()

    def _stream_info(self) -> tuple[str, str, int, int] | None:
        known = self._channels > 0
        return (self._container, "opus", opus.RATE, self._channels) if known else None

    def _take(self, item: Item) -> None:
        if isinstance(item, Packet):
            self._decode(item)
        elif isinstance(item, StreamStart):
            self._begin(item.head)
        else:
            self._output.lose(0.0)

    def _begin(self, head: bytes) -> None:
        """Open a decoder; the setup data tell it how much to skip at the beginning."""
        self._start_recording(pause=_PAUSES[self._container])
        self._decoder = PacketDecoder("opus", head)
        self._channels = opus.channels(head)

    def _decode(self, packet: Packet) -> None:
        if self._decoder is None:
            return
        try:
            frames = self._decoder.decode(packet.data)
        except FFmpegError:
            self._output.lose(packet.samples / opus.RATE)
            return
        for frame in frames:
            time = packet.time
            if time is not None:
                # The decoder trims the delay at the beginning.
                time += (packet.samples - frame.samples + packet.skip) / opus.RATE
            self._push(frame, packet.skip, frame.samples - packet.drop, time)
