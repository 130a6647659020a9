"""The two ways to decode with libav, as one: the fast lane, and the packet lane behind it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from av.error import FFmpegError

from azstt._audio_format import AudioFormat
from azstt._decode._graph import LAYOUTS, Target
from azstt._decode._media import Media
from azstt._decode._movie import can_play, play
from azstt._decode._packets import read_packets
from azstt._decode._report import Facts, Tally
from azstt._decode._sources import Source
from azstt._errors import AudioDecodeError, ConfigurationError

#: Seconds that a container may announce and not hold: roundings, encoders' padding.
_SLACK = 0.25
#: Seconds that an encoder may have padded its last frames with.
_PADDING = 0.15


class LibavLane:
    """Decodes one track of a source.

    Attributes:
        facts: what the container says.
        audio: what comes out.
        seeks: never: compressed audio has no index to the sample.
    """

    seeks: bool = False

    def __init__(self, source: Source, audio: AudioFormat, *, keep: bool, track: int) -> None:
        self._source = source
        self._track = track
        self._media: Media | None = Media(source, track)
        self.facts: Facts = self._media.facts
        try:
            self.audio: AudioFormat = self._shape(audio, keep=keep)
        except BaseException:
            self.close()
            raise
        self._target = Target(self.audio, keep=keep, live=not source.seekable)
        self._url = source.url if can_play(self.facts, self._target) else None
        if self._url is not None:
            # The fast lane opens the file by itself.
            self.close()

    def chunks(self, start: int, tally: Tally) -> Iterator[bytes]:  # noqa: ARG002  the port's
        """Give the track's PCM from its first sample."""
        yield from self._trim(self._all(tally))

    def close(self) -> None:
        """Close the container."""
        if self._media is not None:
            self._media.close()
            self._media = None

    def _all(self, tally: Tally) -> Iterator[bytes]:
        """Give everything by the fast lane, and from where that fails by packets."""
        given = 0
        if self._url is not None:
            try:
                for chunk in play(self._url, self.facts, self._target):
                    given += len(chunk)
                    yield chunk
                if given and not self._short(given, tally):
                    return
            except FFmpegError:
                # The packet lane decodes it again, and knows what to do with damage.
                pass
        yield from self._packets(given, tally)

    def _trim(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Leave out the padding that some formats have after the length that they announce.

        Newer versions of libav do it themselves, older ones not for all of them.
        """
        facts, size = self.facts, 0
        padded = facts.exact and facts.codec in {"aac", "mp3float"}
        limit = self.audio.size(facts.seconds) if padded and facts.seconds else sys.maxsize
        held = b""
        for chunk in chunks:
            size += len(chunk)
            if size <= limit:
                yield chunk
                continue
            kept = max(0, len(chunk) - size + limit)
            if kept and not held:
                yield chunk[:kept]
            held += chunk[kept:]
            if len(held) > self.audio.size(_PADDING):
                # This is sound: the announced length is what is wrong.
                yield held
                held, limit = b"", sys.maxsize

    def _packets(self, skip: int, tally: Tally) -> Iterator[bytes]:
        """Decode by packets; leave out what was given already."""
        media = self._media = self._media or Media(self._source, self._track)
        size = 0
        for chunk in read_packets(media, self._source, self._target, tally):
            size += len(chunk)
            if size > skip:
                yield chunk[max(0, skip - size + len(chunk)) :]
        tally.truncated = tally.truncated or self._short(size, tally)

    def _short(self, size: int, tally: Tally) -> bool:
        """Tell whether the container announced more than there was."""
        facts = self.facts
        if facts.seconds is None or not facts.exact:
            return False
        return facts.seconds - tally.lost - self.audio.seconds(size) > _SLACK

    def _shape(self, audio: AudioFormat, *, keep: bool) -> AudioFormat:
        if not keep:
            if audio.channels not in LAYOUTS:
                raise ConfigurationError(
                    f"cannot mix to {audio.channels!r} channels; there are "
                    f"{', '.join(map(str, LAYOUTS))}, or keep_channels=True for the source's own"
                )
            return audio
        channels = self.facts.channels
        try:
            return AudioFormat(
                sample_rate=audio.sample_rate, channels=channels, sample_width=audio.sample_width
            )
        except ValueError as error:
            raise AudioDecodeError(
                f"cannot keep the {channels} channels of {self._source.label!r}; "
                "use keep_channels=False",
                source=self._source.label,
            ) from error
