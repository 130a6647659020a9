"""Choose the decoder for a live stream."""

from __future__ import annotations

from typing import Protocol

from azstt._audio.formats.containers import Container, can_be, container_of, is_tagged
from azstt._audio.formats.matroska import MatroskaDemuxer
from azstt._audio.formats.ogg import OggDemuxer
from azstt._audio.formats.riff import raw_header
from azstt._audio.rejections import wrong_container
from azstt._audio.report import DecodeReport
from azstt._audio.resample import LAYOUTS
from azstt._audio.streams.mpeg import MpegStreamDecoder
from azstt._audio.streams.opus import OpusStreamDecoder
from azstt._audio.streams.pcm import WavStreamDecoder, pcm_decoder
from azstt._audio.streams.receiver import Receiver
from azstt._audio.streams.worker import WorkerStreamDecoder
from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError


class StreamDecoder(Protocol):
    """Decodes the chunks of a stream to PCM."""

    @property
    def follows(self) -> bool:
        """Whether it decodes the recordings that follow in the stream too."""
        ...

    @property
    def backlog(self) -> int:
        """How many bytes are waiting to be decoded."""
        ...

    @property
    def report(self) -> DecodeReport | None:
        """The stream's format and losses so far; None while it is unknown."""
        ...

    def feed(self, data: bytes) -> None:
        """Decode a chunk."""
        ...

    def finish(self) -> None:
        """Deliver the remaining PCM; in a thread, also the end of the stream."""
        ...

    def close(self) -> None:
        """Release all resources."""
        ...


def check_target(audio: AudioFormat) -> None:
    """Check that audio can be mixed to this number of channels.

    Raises:
        ConfigurationError: it cannot.
    """
    if audio.channels not in LAYOUTS:
        raise ConfigurationError(
            f"cannot mix to {audio.channels!r} channels; use one of {', '.join(map(str, LAYOUTS))}"
        )


def open_container(
    declared: Container, head: bytes, audio: AudioFormat, receiver: Receiver
) -> StreamDecoder:
    """Open the decoder for a container by its first bytes, which are still to be fed.

    Raises:
        AudioError: they do not match the declared container.
    """
    if not can_be(declared, head):
        raise wrong_container(declared, container_of(head), head)
    container = container_of(head) if declared == "auto" else declared
    if container == "webm":
        return OpusStreamDecoder(MatroskaDemuxer(), "matroska,webm", audio, receiver)
    if container == "ogg":
        return OpusStreamDecoder(OggDemuxer(), "ogg", audio, receiver)
    if container == "wav" and head.startswith(b"RIFF"):
        return WavStreamDecoder(audio, receiver)
    if container == "mp3" or container == "aac":  # noqa: PLR1714  mypy does not narrow `in`
        return MpegStreamDecoder(container, audio, receiver)
    if container in {None, "flac"} and is_tagged(head):
        return MpegStreamDecoder(None, audio, receiver)
    return WorkerStreamDecoder(audio, receiver)


def open_pcm(given: AudioFormat, audio: AudioFormat, receiver: Receiver) -> StreamDecoder:
    """Open the decoder for raw PCM."""
    header = raw_header(given)
    return pcm_decoder(header.container, header.format, audio, receiver, allow_empty=True)
