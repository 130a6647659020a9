"""Errors for audio that cannot be decoded: what was found, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from azstt._audio.formats.sniff import describe, is_iso
from azstt._audio.sources import Source
from azstt._errors import AudioDecodeError, AudioError, ConfigurationError, NoAudioStreamError

if TYPE_CHECKING:
    from av.container.input import InputContainer
    from av.stream import Stream

#: Below the lowest rate a few bytes would expand to hours of audio; above the highest, which
#: nothing records at, resampling would need unbounded memory.
_LOWEST_RATE, _HIGHEST_RATE = 4_000, 3_072_000


def empty_source(source: Source) -> AudioDecodeError:
    """Return the error for a source without a single byte."""
    hint = "; does the file object need seek(0)?" if source.label == "<stream>" else ""
    return AudioDecodeError(f"{source.label!r} is empty: 0 bytes{hint}", source=source.label)


def not_audio(head: bytes, source: Source) -> AudioError:
    """Return the error for an unknown format, or a known one that cannot be opened."""
    label = source.label
    if is_iso(head) and describe(head) is None:
        return AudioDecodeError(
            f"{label!r} is an mp4 file whose index (moov) is missing or damaged: the file is "
            "truncated, or the recording was never finalized",
            source=label,
        )
    found = describe(head)
    if found is not None:
        return NoAudioStreamError(
            f"{label!r} is {found}, not audio or video; pass a file that contains sound",
            source=label,
        )
    return AudioDecodeError(
        f"{label!r} is not audio or video in any known format, or its header is damaged; if it is "
        "raw PCM, which has no header, pass audio=AudioFormat(sample_rate=...)",
        source=label,
    )


def wrong_container(declared: str, found: str | None, head: bytes) -> AudioError:
    """Return the error for a live stream that is not in the declared container."""
    label = "<stream>"
    if found is None and (other := describe(head)) is not None:
        return NoAudioStreamError(
            f"{label!r} was declared as {declared!r} but is {other}, not audio",
            source=label,
        )
    actual = "does not look like it" if found is None else f"is {found!r}"
    return AudioDecodeError(
        f"{label!r} was declared as {declared!r} but {actual}; pass audio='auto' to "
        "detect the format, and send a recording from its first chunk on, which has the header",
        source=label,
    )


def no_audio_track(container: InputContainer, source: Source) -> NoAudioStreamError:
    """Return the error for a container without an audio track."""
    codecs: dict[str, list[str]] = {}
    for stream in container.streams:
        name = stream.codec_context.name if has_decoder(stream) else "unknown codec"
        codecs.setdefault(stream.type, []).append(name)
    found = "; ".join(
        f"{_count(len(names), f'{kind} track')}, {', '.join(dict.fromkeys(names))}"
        for kind, names in codecs.items()
    )
    kind = _describe_container(container.format.name, video="video" in codecs)
    return NoAudioStreamError(
        f"{source.label!r} is {kind} with no audio track ({found or 'no tracks at all'})",
        source=source.label,
    )


def has_decoder(stream: Stream) -> bool:
    """Return whether libav has a decoder, which PyAV's types take for granted."""
    return cast("object", stream.codec_context) is not None


def codec_tag(stream: Stream) -> str:
    """Return a stream's codec tag; empty if it is not text, which PyAV takes for granted."""
    try:
        return stream.codec_tag
    except UnicodeDecodeError:
        return ""


def no_decoder(source: Source) -> AudioDecodeError:
    """Return the error for audio tracks none of which libav can decode."""
    return AudioDecodeError(
        f"no decoder for the audio of {source.label!r}: the codec is unknown or the header is "
        "damaged; convert it to a common codec first",
        source=source.label,
    )


def protected(source: Source) -> AudioDecodeError:
    """Return the error for encrypted audio."""
    return AudioDecodeError(
        f"the audio of {source.label!r} is encrypted (DRM); use an unprotected copy",
        source=source.label,
    )


def no_such_track(track: int, tracks: int, source: Source) -> ConfigurationError:
    """Return the error for a track number out of range."""
    return ConfigurationError(
        f"no track {track!r}: {source.label!r} has {_count(tracks, 'audio track')}, numbered from 0"
    )


def nothing_decoded(label: str, packets: int) -> AudioDecodeError:
    """Return the error for a container that opens but yields no samples."""
    why = f"all {packets} packets are damaged" if packets else "it contains no samples"
    return AudioDecodeError(f"could not decode anything in {label!r}: {why}", source=label)


def beyond_the_end(start: float, seconds: float, label: str) -> ConfigurationError:
    """Return the error for a selection that begins after the media's end."""
    return ConfigurationError(
        f"start={start!r} is beyond the end of {label!r}, which lasts {seconds:.2f} s"
    )


def check_rate(rate: int, label: str) -> None:
    """Check that a sample rate from a header is plausible.

    Raises:
        AudioDecodeError: no recording has this rate.
    """
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise AudioDecodeError(
            f"{label!r} has a sample rate of {rate} Hz in its header, outside of {_LOWEST_RATE} to "
            f"{_HIGHEST_RATE} Hz; the header is probably damaged",
            source=label,
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _describe_container(name: str, *, video: bool) -> str:
    first = name.split(",", maxsplit=1)[0]
    word = {"mov": "an mp4", "matroska": "a Matroska or WebM"}.get(first, f"a {first!r}")
    return f"{word} {'video' if video else 'file'}"
