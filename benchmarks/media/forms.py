"""The containers and codecs that the recordings are made in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

#: What a file tells about its end when it was cut off: how much is missing, that something is, or
#: nothing.
Promise = Literal["length", "cut", "nothing"]


@dataclass(frozen=True, slots=True)
class Form:
    """A container with a codec.

    Attributes:
        suffix: of the files' names.
        audio: how the ffmpeg program encodes the audio.
        video: how it encodes the pictures; none if there are none.
        muxer: libav's name for the container.
        options: of the muxer.
        piped: whether it is written to a pipe, so that the muxer cannot go back to fill in sizes.
        promise: what the container says about its length.
        timed: whether its packets have times of their own, so that holes and a late start show.
        pcm: whether any bytes are samples, so that damage cannot be told from sound.
        other: how audio with other parameters is encoded, for joining; none if it cannot be.
        player: whether times are what a player shows, for media in which the ffmpeg program
            forgets when the pictures started.
    """

    suffix: str
    audio: tuple[str, ...]
    muxer: str
    video: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    piped: bool = False
    promise: Promise = "length"
    timed: bool = False
    pcm: bool = False
    other: tuple[str, ...] = ("-ar", "24000", "-ac", "2")
    player: bool = False


_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "40", "-g", "20")
_VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "40k", "-g", "20")
_MPEG2 = ("-c:v", "mpeg2video", "-b:v", "100k", "-r", "25")
_MPEG4 = ("-c:v", "mpeg4", "-b:v", "60k", "-g", "20")
_AAC = ("-c:a", "aac", "-b:a", "48k")
_OPUS = ("-c:a", "libopus", "-b:a", "24k")
_MP2 = ("-c:a", "mp2", "-b:a", "64k")
_MP3 = ("-c:a", "libmp3lame", "-ar", "44100")
_PCM = ("-c:a", "pcm_s16le", "-ar", "22050")
_STEREO = ("-ar", "48000", "-ac", "2")
# Not every encoder takes the rate that the others get.
_AC3 = ("-ar", "32000", "-ac", "2")
_WMA = ("-ar", "22050", "-ac", "2")
# As written by a browser's MediaRecorder: 60 ms packets, live clusters, no duration, no cues.
_LIVE: Final = {"live": "1", "cluster_time_limit": "1000"}
_FRAGMENTS: Final = {"movflags": "frag_keyframe+delay_moov+default_base_moof"}
_INDEX_FIRST: Final = {"movflags": "faststart"}

FORMS: Final = {
    "wav": Form("wav", _PCM, "wav", pcm=True),
    "wav16": Form("wav", ("-c:a", "pcm_s16le", "-ar", "16000"), "wav", pcm=True),
    "rf64": Form("wav", _PCM, "wav", options={"rf64": "always"}, pcm=True),
    "w64": Form("w64", _PCM, "w64", pcm=True),
    "aiff": Form("aiff", ("-c:a", "pcm_s16be", "-ar", "22050"), "aiff", pcm=True),
    "caf": Form("caf", ("-c:a", "pcm_s16be", "-ar", "22050"), "caf", pcm=True),
    "au": Form("au", ("-c:a", "pcm_s16be", "-ar", "22050"), "au", pcm=True),
    "flac": Form("flac", ("-c:a", "flac", "-ar", "22050"), "flac"),
    "wavpack": Form("wv", ("-c:a", "wavpack", "-ar", "22050"), "wv"),
    "mp3": Form("mp3", (*_MP3, "-b:a", "64k"), "mp3"),
    "mp3-vbr": Form("mp3", (*_MP3, "-q:a", "4"), "mp3"),
    "mp3-bare": Form(
        "mp3",
        (*_MP3, "-b:a", "64k"),
        "mp3",
        options={"write_xing": "0", "id3v2_version": "0"},
        promise="nothing",
    ),
    "adts": Form("aac", _AAC, "adts", promise="nothing"),
    "ac3": Form("ac3", ("-c:a", "ac3", "-b:a", "96k"), "ac3", promise="nothing", other=_AC3),
    "amr": Form(
        "amr",
        ("-c:a", "libopencore_amrnb", "-ar", "8000", "-b:a", "12.2k"),
        "amr",
        promise="nothing",
        other=(),
    ),
    "m4a": Form("m4a", _AAC, "ipod", options=_INDEX_FIRST, timed=True),
    "mp4+video": Form("mp4", _AAC, "mp4", _H264, timed=True, other=()),
    "mp4+video-fast": Form("mp4", _AAC, "mp4", _H264, _INDEX_FIRST, timed=True, other=()),
    "mov+video": Form("mov", _AAC, "mov", _H264, _INDEX_FIRST, timed=True, other=()),
    "fmp4": Form(
        "mp4",
        _AAC,
        "mp4",
        options={"movflags": "empty_moov+default_base_moof", "frag_duration": "1000000"},
        promise="cut",
        timed=True,
    ),
    "fmp4+video": Form("mp4", _AAC, "mp4", _H264, _FRAGMENTS, promise="cut", timed=True, other=()),
    "mkv-opus+video": Form("mkv", _OPUS, "matroska", _H264, timed=True, other=()),
    "mkv-aac+video": Form("mkv", _AAC, "matroska", _H264, timed=True, other=()),
    "webm": Form("webm", _OPUS, "webm", timed=True, other=_STEREO),
    "webm-live": Form(
        "webm",
        (*_OPUS, "-frame_duration", "60"),
        "webm",
        options=_LIVE,
        piped=True,
        promise="cut",
        timed=True,
        other=_STEREO,
    ),
    "webm-vorbis": Form("webm", ("-c:a", "libvorbis", "-q:a", "1"), "webm", timed=True),
    "webm+video": Form("webm", _OPUS, "webm", _VP8, timed=True, other=()),
    "webm-live+video": Form(
        "webm", _OPUS, "webm", _VP8, _LIVE, piped=True, promise="cut", timed=True, other=()
    ),
    "ogg-opus": Form("ogg", _OPUS, "ogg", promise="cut", timed=True, other=_STEREO),
    "ogg-vorbis": Form("ogg", ("-c:a", "libvorbis", "-q:a", "1"), "ogg", promise="cut", timed=True),
    "ogg-flac": Form("ogg", ("-c:a", "flac", "-ar", "22050"), "ogg", promise="cut", timed=True),
    "avi+video": Form("avi", (*_MP3, "-b:a", "64k"), "avi", _MPEG4, other=()),
    "wma": Form(
        "wma", ("-c:a", "wmav2", "-b:a", "48k", "-ar", "44100"), "asf", timed=True, other=_WMA
    ),
    "flv+video": Form("flv", (*_AAC, "-ar", "44100"), "flv", _H264, timed=True, other=()),
    "ts-aac+video": Form(
        "ts", _AAC, "mpegts", _H264, promise="nothing", timed=True, other=(), player=True
    ),
    "ts-aac": Form("ts", _AAC, "mpegts", promise="nothing", timed=True, player=True),
    "ts-mp2+video": Form(
        "ts", _MP2, "mpegts", _MPEG2, promise="nothing", timed=True, other=(), player=True
    ),
    "ps-mp2+video": Form(
        "mpg", _MP2, "vob", _MPEG2, promise="nothing", timed=True, other=(), player=True
    ),
}
