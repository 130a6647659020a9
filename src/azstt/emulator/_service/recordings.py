"""Runs a whole recording through an engine at once, for the REST paths."""

from __future__ import annotations

from azstt._audio import open_audio
from azstt._audio_format import AudioFormat
from azstt.emulator._script import Utterance
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import StreamFormat, channel_of
from azstt.emulator.engines._port import Engine, EngineEvent, Phrase

_MONO = AudioFormat()


def transcribe(
    engine: Engine,
    audio: bytes,
    request: TurnRequest,
    *,
    channels: tuple[int, ...] = (),
    end: float | None = None,
) -> tuple[float, list[Utterance]]:
    """Recognize a recording.

    Args:
        engine: where the words come from.
        audio: an audio file in any format.
        request: what the client asked for.
        channels: channels to recognize separately; those that do not exist are ignored. If empty,
            all are mixed down.
        end: where to stop, in seconds.

    Returns:
        the duration in seconds, and the utterances ordered by channel, then by time.

    Raises:
        AudioError: the file can't be decoded.
    """
    with open_audio(audio, output=_MONO, keep_channels=bool(channels), end=end) as reader:
        shape = reader.audio
        pcm = b"".join(reader)
    seconds = shape.seconds(len(pcm))
    if shape.channels == 1:
        return seconds, _recognize(engine, pcm, request, 0)
    form = StreamFormat.pcm(shape)
    wanted = [channel for channel in channels if channel < shape.channels]
    parts = [_recognize(engine, channel_of(pcm, form, n), request, n) for n in wanted]
    return seconds, [utterance for part in parts for utterance in part]


def _recognize(engine: Engine, pcm: bytes, request: TurnRequest, channel: int) -> list[Utterance]:
    """Recognize one channel, a second at a time."""
    utterances: list[Utterance] = []

    def collect(event: EngineEvent) -> None:
        if isinstance(event, Phrase):
            utterances.append(event.utterance)

    form = StreamFormat.pcm(_MONO)
    session = engine.open(request, form, collect, channel)
    try:
        for at in range(0, len(pcm), form.byte_rate):
            session.write(pcm[at : at + form.byte_rate])
        session.finish()
    finally:
        session.close()
    return [
        utterance for utterance in utterances if utterance.text and utterance.status == "Success"
    ]
