"""The errors for what cannot be decoded: each names what was found and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from azstt._audio.formats.sniff import describe, is_iso
from azstt._audio.sources import Source
from azstt._errors import AudioDecodeError, AudioError, ConfigurationError, NoAudioStreamError

if TYPE_CHECKING:
    from av.container.input import InputContainer
    from av.stream import Stream

#: Below the one a few bytes would swell to hours of audio; nothing records above the other, and
#: resampling would take memory without bounds.
_LOWEST_RATE, _HIGHEST_RATE = 4_000, 3_072_000


def empty_source(source: Source) -> AudioDecodeError:
    """Nothing is there."""
    hint = "; was a file object not rewound? seek(0)" if source.label == "<stream>" else ""
    return AudioDecodeError(f"{source.label!r} is empty: 0 bytes{hint}", source=source.label)


def not_audio(head: bytes, source: Source, error: Exception) -> AudioError:
    """No format is recognized, or the one that is cannot be opened."""
    label = source.label
    if is_iso(head) and describe(head) is None:
        return AudioDecodeError(
            f"{label!r} is an mp4 file whose index (moov) is missing or damaged: the file is "
            "truncated, or its recording was never finished",
            source=label,
        )
    found = describe(head)
    if found is not None:
        return NoAudioStreamError(
            f"{label!r} is {found}, not audio or video; give a file that holds sound",
            source=label,
        )
    return AudioDecodeError(
        f"{label!r} is no audio or video in any known format, or its beginning is damaged "
        f"({error.__class__.__name__}: it begins with {head[:8]!r})",
        source=label,
    )


def wrong_container(declared: str, found: str | None, head: bytes) -> AudioError:
    """A live stream that is not what it was declared to be."""
    label = "<stream>"
    begins = f"it begins with {head[:8]!r}"
    if found is None and (other := describe(head)) is not None:
        return NoAudioStreamError(
            f"{label!r} was declared as {declared!r} and is {other}, not audio ({begins})",
            source=label,
        )
    remedy = (
        "give audio='auto' if you do not know, and a recording from its first piece on: its header "
        "is in that"
    )
    looks = "no such stream" if found is None else f"{found!r}"
    return AudioDecodeError(
        f"{label!r} was declared as {declared!r} and is {looks} ({begins}); {remedy}",
        source=label,
    )


def no_audio_track(container: InputContainer, source: Source) -> NoAudioStreamError:
    """A container without sound."""
    codecs: dict[str, list[str]] = {}
    for stream in container.streams:
        name = stream.codec_context.name if has_decoder(stream) else "unknown codec"
        codecs.setdefault(stream.type, []).append(name)
    found = "; ".join(
        f"{_count(len(names), f'{kind} track')}, {', '.join(dict.fromkeys(names))}"
        for kind, names in codecs.items()
    )
    return NoAudioStreamError(
        f"{source.label!r} is {_describe_container(container.format.name, video='video' in codecs)} with no "
        f"audio track ({found or 'no tracks at all'})",
        source=source.label,
    )


def has_decoder(stream: Stream) -> bool:
    """Tell whether libav has a decoder; PyAV's types leave out that there may be none."""
    return cast("object", stream.codec_context) is not None


def no_decoder(source: Source) -> AudioDecodeError:
    """Audio tracks, none of which libav can decode."""
    return AudioDecodeError(
        f"there is no decoder for the audio of {source.label!r}: its codec is not known, or the "
        "header is damaged; convert it to a common codec first",
        source=source.label,
    )


def protected(source: Source) -> AudioDecodeError:
    """Encrypted audio."""
    return AudioDecodeError(
        f"the audio of {source.label!r} is encrypted (DRM); only an unprotected copy can be read",
        source=source.label,
    )


def no_such_track(track: int, tracks: int, source: Source) -> ConfigurationError:
    """A track number out of range."""
    return ConfigurationError(
        f"there is no track {track!r}: {source.label!r} has {_count(tracks, 'audio track')}, "
        "numbered from 0"
    )


def nothing_decoded(label: str, packets: int) -> AudioDecodeError:
    """A container that opens, and not one sample comes out."""
    why = f"all {packets} packets are damaged" if packets else "it holds no samples"
    return AudioDecodeError(f"nothing in {label!r} could be decoded: {why}", source=label)


def check_rate(rate: int, label: str) -> None:
    """Refuse a rate that no recording has.

    Raises:
        AudioDecodeError: a header claims it.
    """
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise AudioDecodeError(
            f"{label!r} claims a sample rate of {rate} Hz; speech is recorded with {_LOWEST_RATE} "
            f"to {_HIGHEST_RATE} Hz, so the header is taken for damaged",
            source=label,
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _describe_container(name: str, *, video: bool) -> str:
    first = name.split(",", maxsplit=1)[0]
    word = {"mov": "an mp4", "matroska": "a Matroska or WebM"}.get(first, f"a {first!r}")
    return f"{word} {'video' if video else 'file'}"
