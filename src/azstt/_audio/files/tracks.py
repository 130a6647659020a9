"""Choose one audio track of a container, as players do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from av.error import FFmpegError
from av.stream import Discard, Disposition

from azstt._audio.rejections import has_decoder, no_audio_track, no_decoder, no_such_track
from azstt._audio.sources import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.audio.stream import AudioStream
    from av.container.input import InputContainer
    from av.packet import Packet

#: Packets of other tracks, some seconds of them, after which a track is taken to have none.
_MOST_WAITING: Final = 500


def audio_tracks(container: InputContainer) -> list[AudioStream]:
    """Return the audio tracks that can be decoded, in the order of their numbers."""
    return [stream for stream in container.streams.audio if has_decoder(stream)]


def choose_track(
    container: InputContainer, number: int | None, source: Source
) -> tuple[AudioStream, list[Packet[AudioStream]]]:
    """Choose an audio track and discard all other streams.

    Args:
        container: the open container, at its beginning.
        number: see `audio_tracks`; None for the default track, or if that has no packets, for
            the first one that has some.
        source: the source of the container's bytes.

    Returns:
        the track, and those of its packets that were read to find that it has some.

    Raises:
        NoAudioStreamError: there is no audio track.
        AudioDecodeError: none can be decoded.
        ConfigurationError: there is no such track.
    """
    if not container.streams.audio:
        raise no_audio_track(container, source)
    tracks = audio_tracks(container)
    if not tracks:
        raise no_decoder(source)
    if number is not None and not 0 <= number < len(tracks):
        raise no_such_track(number, len(tracks), source)
    track = default_track(tracks) if number is None else tracks[number]
    packets: list[Packet[AudioStream]] = []
    if number is None and len(tracks) > 1 and not track.frames:  # an mp4 index counts them
        _select(container, tracks)
        packets = _read_until(track, container, tracks)
        found = {packet.stream.index for packet in packets}
        track = next((t for t in (track, *tracks) if t.index in found), track)
    _select(container, [track])
    return track, [packet for packet in packets if packet.stream.index == track.index]


def default_track(tracks: list[AudioStream]) -> AudioStream:
    """Return the track that players take: the first that the container marks as a default."""
    return next((t for t in tracks if t.disposition & Disposition.default), tracks[0])


def _select(container: InputContainer, tracks: list[AudioStream]) -> None:
    chosen = {track.index for track in tracks}
    for stream in container.streams:
        stream.discard = Discard.default if stream.index in chosen else Discard.all


def _read_until(
    track: AudioStream, container: InputContainer, tracks: list[AudioStream]
) -> list[Packet[AudioStream]]:
    """Read packets of all tracks up to the first one of a track, but not for too long."""
    packets: list[Packet[AudioStream]] = []
    demuxed = cast("Iterator[Packet[AudioStream]]", container.demux(tracks))
    try:
        for packet in demuxed:
            if packet.size:
                packets.append(packet)
                if packet.stream.index == track.index or len(packets) >= _MOST_WAITING:
                    break
    except (FFmpegError, IndexError):
        pass  # damaged here: decide by what there is
    return packets
