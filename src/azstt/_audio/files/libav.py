"""Open a source safely with libav and describe its contents.

Only formats that contain their own audio are allowed, because a playlist refers to other files and
hosts. Only regular files are opened, as an absolute path after ``file:``. Of a caller's file object
libav sees nothing but bounded reads, not even its name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import av
from av.error import ArgumentError, FFmpegError
from av.stream import Discard

from azstt._audio.formats.mpeg import after_tags, mp3_info
from azstt._audio.formats.sniff import declares_late
from azstt._audio.formats.stated import stated_seconds
from azstt._audio.rejections import (
    check_rate,
    has_decoder,
    no_audio_track,
    no_decoder,
    no_such_track,
    not_audio,
    protected,
)
from azstt._audio.report import TrackInfo
from azstt._audio.sources import HEAD, Source, max_plausible_seconds

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container.input import InputContainer

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
#: Formats that do not state a duration: libav's estimate from the first packets is far off.
_NO_DURATION: Final = {
    "aac",
    "loas",
    "ac3",
    "eac3",
    "dts",
    "truehd",
    "mlp",
    "amr",
    "mpegts",
    "mpeg",
    "flv",
}
#: Formats that state their duration, so that a shorter file is a truncated one.
_EXACT_DURATION: Final = {
    "wav",
    "w64",
    "flac",
    "mov,mp4,m4a,3gp,3g2,mj2",
    "ogg",
    "aiff",
    "caf",
    "au",
    "avi",
    "asf",
    "wv",
}
#: Formats that state the duration of the whole media, of which a track may be a part.
STATED: Final = frozenset({"matroska,webm", "matroska", "flv", "avi", "asf"})
#: Formats whose headers state a number of samples or blocks, though libav's duration is an estimate
#: from the size.
_COUNTED: Final = frozenset({"avi", "caf"})
_MP4: Final = "mov,mp4,m4a,3gp,3g2,mj2"
#: The first bytes of WebM and Matroska.
_EBML: Final = b"\x1a\x45\xdf\xa3"
_MICROSECONDS = 1_000_000


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
    """An open container with one audio track selected; all other streams are discarded."""

    def __init__(self, source: Source, track: int) -> None:
        self._source = source
        self._file: LibavFile | None = None
        head = _peek(source)
        thorough = declares_late(head)
        self.container: InputContainer = self._open(head, thorough=thorough)
        try:
            if not thorough and source.seekable and not _is_conclusive(self.container, track):
                self.container.close()
                self.container = self._open(head, thorough=True)
            self.check()
            self.stream: AudioStream = self._choose_stream(track)
            self.info: TrackInfo = _track_info(self.container, self.stream, source)
            self.origin: float = _origin(self.container)
            told = self.info.exact or self.info.container in STATED
            self.end: float | None = self.info.seconds if told else None
        except BaseException:
            self.container.close()
            raise

    def check(self) -> None:
        """Re-raise the error of the caller's file object, if there was one."""
        if self._file is not None and self._file.failure is not None:
            raise self._file.failure

    def close(self) -> None:
        """Close the container, but not the source."""
        self.container.close()

    def _open(self, head: bytes, *, thorough: bool) -> InputContainer:
        source = self._source
        url = source.url
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
            raise not_audio(head, source, error) from error

    def _choose_stream(self, track: int) -> AudioStream:
        source, container = self._source, self.container
        tracks = container.streams.audio
        if not tracks:
            raise no_audio_track(container, source)
        for stream in container.streams:
            stream.discard = Discard.all
        candidates = [s for s in tracks if has_decoder(s)]
        if not candidates:
            raise no_decoder(source)
        if not 0 <= track < len(candidates):
            raise no_such_track(track, len(candidates), source)
        stream = candidates[track]
        if stream.codec_tag in {"enca", "drms"}:
            raise protected(source)
        if stream.rate > 0:  # otherwise known only after decoding
            check_rate(stream.rate, source.label)
        stream.discard = Discard.default
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


def _is_conclusive(container: InputContainer, track: int) -> bool:
    """Return whether quick probing has found the track's rate and channels."""
    tracks = [s for s in container.streams.audio if has_decoder(s)]
    return 0 <= track < len(tracks) and tracks[track].rate > 0 and tracks[track].channels > 0


def _track_info(container: InputContainer, stream: AudioStream, source: Source) -> TrackInfo:
    name, codec = container.format.name, stream.codec_context.name
    samples = _mp3_samples(source.head) if name == "mp3" else None
    seconds, exact = _duration(container, stream, source)
    if samples is not None:
        seconds, exact = samples / stream.rate, True
    if seconds is not None and not 0 < seconds <= max_plausible_seconds(source):
        seconds = None
    return TrackInfo(
        container=name,
        codec=codec,
        index=stream.index,
        sample_rate=stream.rate,
        channels=stream.channels,
        seconds=seconds,
        exact=exact and seconds is not None,
        padded=samples is not None or (name == _MP4 and codec == "aac" and stream.frames > 0),
    )


def _mp3_samples(head: bytes) -> int | None:
    """Return how many samples an MP3 file says it has; newer versions of libav do not trim them."""
    info = mp3_info(head[after_tags(head) :])
    return info and info.samples


def _origin(container: InputContainer) -> float:
    """Return the timestamp of the media's start, in seconds."""
    # The container's duration and start are in the same unit.
    return (container.start_time or 0) / _MICROSECONDS


def _duration(
    container: InputContainer, stream: AudioStream, source: Source
) -> tuple[float | None, bool]:
    """Return a track's duration in seconds, if known, and whether it is exact."""
    name = container.format.name
    stated = stated_seconds(name, source.head, stream.codec_context.bit_rate or 0)
    if name in _COUNTED and stream.frames and stream.time_base:
        stated = float(stream.frames * stream.time_base)
    if stated is not None and stated > 0:
        # Beside a video it may be the video's, or count pauses that are not played.
        alone = name not in STATED or len(container.streams) == 1
        return stated, alone and name in _EXACT_DURATION
    in_fragments = name == _MP4 and not stream.frames
    if name in _NO_DURATION or (in_fragments and not source.seekable):
        return None, False
    if stream.duration is not None and stream.time_base is not None:
        late = max(0.0, float((stream.start_time or 0) * stream.time_base) - _origin(container))
        return late + float(stream.duration * stream.time_base), name in _EXACT_DURATION
    if (tagged := _tagged(stream.metadata.get("DURATION", ""))) is not None:
        return tagged, True
    if container.duration is not None:
        # It may be the duration of the video.
        return container.duration / _MICROSECONDS, len(container.streams) == 1
    return None, False


def _tagged(text: str) -> float | None:
    """Parse Matroska's tag for a track's duration, such as ``00:00:07.100000000``."""
    parts = text.split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds
