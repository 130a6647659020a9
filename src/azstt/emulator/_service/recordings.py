"""A whole recording through an engine at once: what the REST paths and nobody else need."""

from __future__ import annotations

from azstt._audio import open_audio
from azstt._audio_format import AudioFormat
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import WaveFormat, channel_of
from azstt.emulator.engines import Engine, Heard, Phrase
from azstt.emulator.script import Utterance

_RATE, _WIDTH = 16_000, 2


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
        audio: a file of any kind.
        request: what is asked for.
        channels: recognize these by themselves, as far as there are so many; none mixes them.
        end: hear no more than so many seconds.

    Returns:
        how long it lasts, and the utterances, by channel and then in time.

    Raises:
        AudioError: the file can't be decoded.
    """
    form = AudioFormat(sample_rate=_RATE)
    with open_audio(audio, audio=form, keep_channels=bool(channels), end=end) as reader:
        count = reader.audio.channels
        pcm = b"".join(reader)
        seconds = reader.audio.seconds(len(pcm))
    if count == 1:
        return seconds, _hear(engine, pcm, request, 0)
    shape = WaveFormat(1, count, _RATE, _RATE * _WIDTH * count, 8 * _WIDTH)
    wanted = [channel for channel in channels if channel < count]
    parts = [_hear(engine, channel_of(pcm, shape, number), request, number) for number in wanted]
    return seconds, [utterance for part in parts for utterance in part]


def _hear(engine: Engine, pcm: bytes, request: TurnRequest, channel: int) -> list[Utterance]:
    """Let an engine hear one channel, a second at a time."""
    said: list[Utterance] = []

    def listen(heard: Heard) -> None:
        if isinstance(heard, Phrase):
            said.append(heard.utterance)

    form = WaveFormat(1, 1, _RATE, _RATE * _WIDTH, 8 * _WIDTH)
    session = engine.open(request, form, listen, channel)
    try:
        for at in range(0, len(pcm), form.byte_rate):
            session.write(pcm[at : at + form.byte_rate])
        session.finish()
    finally:
        session.close()
    return [utterance for utterance in said if utterance.text and utterance.status == "Success"]
