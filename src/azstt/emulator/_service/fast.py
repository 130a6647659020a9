"""Fast transcription: the request and the JSON response. Pure; times in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from azstt._models import JsonObject
from azstt.emulator._script import Utterance
from azstt.emulator._service.bodies import Body
from azstt.emulator._service.forms import censored
from azstt.emulator._service.request import TurnRequest, find, profanity_of, strings
from azstt.emulator._service.wire import WireError

_CONFIDENCE = 0.9


@dataclass(frozen=True)
class Definition:
    """The options of a transcription.

    Attributes:
        request: the options that a turn has too.
        channels: channels to transcribe separately; if empty, all are mixed down.
        diarize: whether to identify speakers.
    """

    request: TurnRequest
    channels: tuple[int, ...]
    diarize: bool

    @classmethod
    def read(cls, definition: JsonObject) -> Self:
        """Read the part `definition`.

        Raises:
            WireError: its fields contradict one another.
        """
        channels = tuple(
            int(number) for number in strings(find(definition, "channels")) if number.isdigit()
        )
        diarize = find(definition, "diarization", "enabled") is True
        if diarize and len(channels) > 1:
            raise WireError(f"diarization requires a single channel, not {len(channels)}")
        mode = str(find(definition, "profanityFilterMode") or "Masked")
        locales = strings(find(definition, "locales"))
        request = TurnRequest(
            language=locales[0] if locales else "en-US",
            candidates=locales if len(locales) > 1 else (),
            profanity="raw" if mode in {"None", "Tags"} else profanity_of(mode),
            diarize=diarize,
            segmentation_silence=2.0,  # long enough for whole sentences
        )
        return cls(request, channels, diarize)


def response_body(definition: Definition, seconds: float, utterances: Sequence[Utterance]) -> Body:
    """Return the body of the response for audio of ``seconds``."""
    channels = sorted({utterance.channel for utterance in utterances})
    phrases = [_phrase(utterance, definition) for utterance in utterances]
    combined: list[Body] = []
    for channel in channels or [0]:
        texts = [
            str(phrase["text"])
            for phrase, utterance in zip(phrases, utterances, strict=True)
            if utterance.channel == channel
        ]
        text: Body = {"text": " ".join(texts)}
        combined.append({"channel": channel} | text if definition.channels else text)
    return {
        "durationMilliseconds": round(seconds * 1000),
        "combinedPhrases": combined,
        "phrases": phrases,
    }


def _phrase(utterance: Utterance, definition: Definition) -> Body:
    body: Body = {"channel": utterance.channel} if definition.channels else {}
    if definition.diarize:
        digits = "".join(filter(str.isdigit, utterance.speaker or ""))
        body["speaker"] = int(digits or 1)
    profanity = definition.request.profanity
    confidence = utterance.confidence
    return {
        **body,
        **_span(utterance.start, utterance.end),
        "text": censored(utterance.text, profanity),
        "words": [
            {"text": censored(word.text, profanity), **_span(word.start, word.end)}
            for word in utterance.spoken()
        ],
        "locale": utterance.language or definition.request.language,
        "confidence": _CONFIDENCE if confidence is None else confidence,
    }


def _span(start: float, end: float) -> Body:
    first = round(start * 1000)
    return {"offsetMilliseconds": first, "durationMilliseconds": round(end * 1000) - first}
