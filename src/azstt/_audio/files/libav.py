"""Open a source safely with libav and describe its contents.

Only formats that contain their own audio are allowed, because a playlist refers to other files and
hosts. Only regular files are opened, as an absolute path after ``file:``. Of a caller's file object
libav sees nothing but bounded reads, not even its name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, cast

import av
from av.error import ArgumentError, FFmpegError

from azstt._audio.files.timing import MP4, first_packet, latest_end, origin, track_end
from azstt._audio.files.tracks import audio_tracks, choose_track, default_track
from azstt._audio.formats.mpeg import after_tags, mp3_info
from azstt._audio.formats.sniff import declares_late, describe, is_program_stream
from azstt._audio.rejections import (
    check_rate,
    codec_tag,
    not_audio,
    protected,
)
from azstt._audio.repaired import RepairedSource, repaired
from azstt._audio.report import TrackInfo
from azstt._audio.resample import is_named
from azstt._audio.sources import HEAD, Source, max_plausible_seconds
from azstt._errors import AudioDecodeError, ConfigurationError, NoAudioStreamError

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container.input import InputContainer
    from av.packet import Packet

#: Formats that contain their own audio: no playlists, no images, no raw data without a header.
FORMATS: Final = (
    "wav,w64,mp3,aac,loas,flac,ogg,matroska,mov,aiff,au,caf,amr,amrnb,amrwb,mpegts,mpeg,avi,flv,"
    "asf,ac3,eac3,g722,nistsphere,voc,wv,tta,ape,dsf,dts,truehd,mlp,mpc,mpc8,tak,gsm,qcp,rm,nut,mxf"
)
#: libav's decoders for the audio in them.
_DECODERS: Final = (
    "aac,aac_latm,ac3,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_swf,adpcm_yamaha,"
    "alac,als,amrnb,amrwb,ape,atrac3,atrac3plus,cook,dca,dsd_lsbf,dsd_lsbf_planar,"
    "dsd_msbf,dsd_msbf_planar,eac3,evrc,flac,g722,g723_1,g726,g726le,g729,gsm,gsm_ms,ilbc,mace3,"
    "mace6,mlp,mp1float,mp2float,mp3adufloat,mp3float,mp3on4float,mpc7,mpc8,nellymoser,opus,"
    "pcm_alaw,pcm_bluray,pcm_dvd,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,pcm_mulaw,pcm_s16be,"
    "pcm_s16le,pcm_s24be,pcm_s24le,pcm_s32be,pcm_s32le,pcm_s8,pcm_u8,qcelp,qdm2,qdmc,ralf,"
    "real_144,real_288,s302m,sipr,speex,tak,truehd,truespeech,tta,vorbis,wavpack,wmalossless,"
    "wmapro,wmav1,wmav2,wmavoice"
)
#: Enough to identify the codec in every format that has a header, in a tenth of the default's time.
#: The codec list restricts what probing itself may decode; otherwise it would decode a picture of
#: every video, which takes longer than the rest. A codec missing from it can still be decoded.
QUICK: Final = {"probesize": "4096", "analyzeduration": "0", "codec_whitelist": _DECODERS}
#: The first bytes of WebM and Matroska.
_EBML: Final = b"\x1a\x45\xdf\xa3"
#: Bytes after the first audio of a program stream that show its codec, and a long time.
_MARGIN, _MINUTE = 1 << 16, "60000000"


class LibavFile:
    """The file object that libav reads from. C code cannot propagate errors: see `failure`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.failure: BaseException | None = None

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; empty at the end and after a failure."""
        if self.failure is not None:
            return b""
        try:
            return self._source.read(size)
        except BaseException as error:  # noqa: BLE001  raised again outside of libav, by check()
            self.failure = error
            return b""

    def seekable(self) -> bool:
        """Return whether `seek` works."""
        return self._source.seekable

    def tell(self) -> int:
        """Return the position."""
        return self._source.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position and return it."""
        if whence == os.SEEK_CUR:
            offset += self.tell()
        elif whence == os.SEEK_END:
            offset += self._source.size or 0  # a seekable source knows its size
        try:
            self._source.seek(offset)
        except BaseException as error:  # noqa: BLE001  raised again outside of libav, by check()
            self.failure = error
        return offset


class Media:
    """An open container with one audio track selected; all other streams are discarded.

    Args:
        source: its bytes.
        track: see `choose_track`.

    Attributes:
        container: the open container.
        stream: the track.
        info: what the container says about it.
        origin: the timestamp of the media's start, in seconds.
        end: where the media ends at the latest, in seconds from its start; None if that is unknown.
        by_name: whether libav opened the file by its name, which helps it to find the format.
        source: what is read: the source, or since `repair` the one without its damage.
    """

    def __init__(self, source: Source, track: int | None) -> None:
        self.source: Source = source
        self._repaired: Media | None = None
        self.by_name: bool = False
        self._waiting: list[Packet[AudioStream]] = []  # read when the track was chosen
        self._file: LibavFile | None = None
        head = _peek(source)
        thorough = declares_late(head)
        self.container: InputContainer = self._open(head, thorough=thorough)
        try:
            if not thorough and source.seekable and not _is_conclusive(self.container, track):
                self.container.close()
                self.container = self._open(head, thorough=True)
            self.check()
            first = first_packet(self.container)
            self.stream: AudioStream = self._choose_stream(track)
            if first is not None and first.stream.index == self.stream.index:
                self._waiting.insert(0, cast("Packet[AudioStream]", first))
            self.origin: float = origin(self.container, first)
            self.info: TrackInfo = _track_info(self.container, self.stream, source, self.origin)
            self.end: float | None = latest_end(self.container, self.stream, self.info)
        except BaseException:
            self.container.close()
            raise

    def check(self) -> None:
        """Re-raise the error of the caller's file object, if there was one."""
        if self._repaired is not None:
            self._repaired.check()
        if self._file is not None and self._file.failure is not None:
            raise self._file.failure

    def demux(self) -> Iterator[Packet[AudioStream]]:
        """Yield the track's packets; can be called again after an error.

        Raises:
            FFmpegError: the container is damaged here.
            IndexError: the same; PyAV's error for a stream that appears late.
        """
        if self._repaired is not None:
            yield from self._repaired.demux()
            return
        waiting, self._waiting = self._waiting, []
        yield from waiting
        yield from self.container.demux(self.stream)

    def repair(self) -> RepairedSource | None:
        """Let `demux` begin again without the damage in the source.

        Returns:
            what is read from now on; None if that is the same as before.
        """
        if self.info.container == MP4 and self.stream.frames:
            return None  # an index finds everything
        place = self.source.tell()
        source = repaired(self.source) if self.source.seekable else None
        if source is None:
            return None
        try:
            self._repaired = Media(source, self.info.track)
        except (AudioDecodeError, NoAudioStreamError, ConfigurationError):
            self.source.seek(place)
            return None
        self.source = source
        return source

    def close(self) -> None:
        """Close the container, but not the source."""
        if self._repaired is not None:
            self._repaired.close()
        self.container.close()

    def _open(self, head: bytes, *, thorough: bool) -> InputContainer:
        source = self.source
        # Only the content decides what looks like something else: libav goes by a file's name too.
        url = source.url if describe(head) is None else None
        self.by_name = url is not None
        if url is None:
            if source.seekable:
                source.seek(0)
            self._file = LibavFile(source)
        options = {
            "format_whitelist": FORMATS,
            "protocol_whitelist": "none" if url is None else "file",
            **({} if thorough else QUICK),
        }
        format_name = None
        if not source.seekable and head.startswith(_EBML):
            # A browser's live recording: its header says everything, and probing would have to
            # wait for a third of a second of audio.
            format_name, options["probesize"] = "matroska", "32"
        if not source.seekable and is_program_stream(head):
            # The first audio has arrived, see `can_stream`: read that far, however late it is.
            options |= {"probesize": f"{source.pushed_back + _MARGIN}", "analyzeduration": _MINUTE}
        try:
            return av.open(
                url or self._file,
                "r",
                format=format_name,
                options=options,
                metadata_errors="ignore",
            )
        except FFmpegError as error:
            self.check()
            if not thorough and source.seekable and not isinstance(error, ArgumentError):
                return self._open(head, thorough=True)
            raise not_audio(max(head, source.head, key=len), source) from error

    def _choose_stream(self, track: int | None) -> AudioStream:
        source = self.source
        stream, self._waiting = choose_track(self.container, track, source)
        if codec_tag(stream) in {"enca", "drms"}:
            raise protected(source)
        if stream.rate > 0:  # otherwise known only after decoding
            check_rate(stream.rate, source.label)
        stream.codec_context.thread_count = 1
        return stream


def _peek(source: Source) -> bytes:
    """Return the first bytes; from a stream, no more than needed, so as not to wait for them."""
    if source.seekable:
        source.seek(0)
        source.read(HEAD)
        return source.head
    head = b""
    while len(head) < 12 and (chunk := source.read(HEAD)):  # noqa: PLR2004  a RIFF or ftyp head
        head += chunk
    source.unread(head)
    return head


def _is_conclusive(container: InputContainer, track: int | None) -> bool:
    """Return whether quick probing has found the track's rate and channels."""
    tracks = audio_tracks(container)
    if not 0 <= (track or 0) < len(tracks):
        return False
    stream = default_track(tracks) if track is None else tracks[track]
    return stream.rate > 0 and stream.channels > 0


def _track_info(
    container: InputContainer, stream: AudioStream, source: Source, start: float
) -> TrackInfo:
    name, codec = container.format.name, stream.codec_context.name
    tracks = audio_tracks(container)
    samples = _mp3_samples(source.head) if name == "mp3" else None
    seconds, exact = track_end(container, stream, source, start)
    if samples is not None:
        seconds, exact = samples / stream.rate, True
    if seconds is not None and not 0 < seconds <= max_plausible_seconds(source):
        seconds = None
    return TrackInfo(
        container=name,
        codec=codec,
        index=stream.index,
        track=[track.index for track in tracks].index(stream.index),
        tracks=len(tracks),
        sample_rate=stream.rate,
        channels=stream.channels,
        seconds=seconds,
        exact=exact and seconds is not None,
        padded=samples is not None or (name == MP4 and codec == "aac" and stream.frames > 0),
        named=is_named(stream.layout.name),
    )


def _mp3_samples(head: bytes) -> int | None:
    """Return how many samples an MP3 file says it has; newer versions of libav do not trim them."""
    info = mp3_info(head[after_tags(head) :])
    return info and info.samples
