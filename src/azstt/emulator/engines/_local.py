"""The engine that recognizes the actual audio with the embedded recognizer."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from threading import Event as Flag
from threading import Lock, Thread

from azstt._audio import ByteFeed, open_audio
from azstt._audio_format import AudioFormat
from azstt._errors import AzsttError, SessionStateError
from azstt._events import Ended, Event, Failed, Final, Partial, SpeechEnded, SpeechStarted
from azstt._options import RecognitionOptions
from azstt.backends import RecognizerBackend, RecognizerSession
from azstt.backends.local import LocalBackend
from azstt.emulator._script import Utterance
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import StreamFormat, encode_riff
from azstt.emulator.engines._port import EngineCallback, EngineSession, Phrase, Processed

_SPEECH = AudioFormat()
#: The format that needs no conversion.
_NATIVE = StreamFormat.pcm(_SPEECH)
#: Seconds of silence that end a phrase: minimum, default (what live clients expect), maximum.
_MIN_SILENCE, _DEFAULT_SILENCE, _MAX_SILENCE = 0.1, 0.8, 5.0
#: Seconds between two acknowledgments, and how late a recognizer may detect the start of speech.
_ACK_INTERVAL, _DETECTION_DELAY = 2.0, 1.0


class LocalEngine:
    """Recognizes the actual speech, with partial results.

    Audio other than 16 kHz mono 16-bit PCM is converted with azstt's decoder.

    Args:
        backend: the recognizer to use; None is the embedded one.
    """

    def __init__(self, backend: RecognizerBackend | None = None) -> None:
        self._backend: RecognizerBackend = backend or LocalBackend()

    def open(
        self, request: TurnRequest, audio: StreamFormat, emit: EngineCallback, channel: int
    ) -> EngineSession:
        """Open a session of the recognizer; the first call loads its model."""
        silence = request.segmentation_silence or _DEFAULT_SILENCE
        options = RecognitionOptions(
            partials=True, segmentation_silence=min(max(silence, _MIN_SILENCE), _MAX_SILENCE)
        )
        relay = _EventRelay(emit, channel)
        session = self._backend.open(options, _SPEECH, relay.on_event)
        session.start()
        direct = _DirectSession(session, relay)
        return direct if audio == _NATIVE else _ConvertingSession(direct, audio)


class _EventRelay:
    """Translates the recognizer's events into an engine's."""

    def __init__(self, emit: EngineCallback, channel: int) -> None:
        self.over: Flag = Flag()
        self.error: AzsttError | None = None
        self._emit = emit
        self._channel = channel
        self._lock = Lock()
        self._pending: deque[float] = deque()  # starts of speech without a final yet
        self._processed = 0.0

    def on_event(self, event: Event) -> None:
        """Translate an event, on whatever thread it comes."""
        match event:
            case SpeechStarted(at=at):
                with self._lock:
                    self._pending.append(at)
                self._emit(event)
            case Partial() | SpeechEnded():
                self._emit(event)
            case Final(segment=segment):
                utterance = Utterance.model_validate(dict(segment) | {"channel": self._channel})
                self._emit(Phrase(utterance=utterance))
                with self._lock:
                    if self._pending:
                        self._pending.popleft()
            case Ended():
                self.over.set()
            case Failed(error=error):
                self.error = error
                self.over.set()
            case _:
                pass

    def advance(self, position: float) -> None:
        """Report which audio is done with, now that the recognizer has it up to `position`."""
        with self._lock:
            until = min([position - _DETECTION_DELAY, *self._pending])
        if until - self._processed >= _ACK_INTERVAL:
            self._processed = until
            self._emit(Processed(until=until))


class _DirectSession:
    """Writes audio to the recognizer without conversion."""

    def __init__(self, session: RecognizerSession, relay: _EventRelay) -> None:
        self._session = session
        self._relay = relay
        self._written = 0

    def write(self, audio: bytes, /) -> None:
        self._check()
        self._session.write(audio)
        self._written += len(audio)
        self._relay.advance(_SPEECH.seconds(self._written))

    def finish(self) -> None:
        self._session.finish()
        self._relay.over.wait()
        self._check()
        self._session.close()

    def close(self) -> None:
        self._session.close()
        self._relay.over.set()

    def _check(self) -> None:
        if self._relay.error is not None:
            raise self._relay.error


class _ConvertingSession:
    """Converts audio in a thread of its own before it reaches the recognizer."""

    def __init__(self, direct: _DirectSession, audio: StreamFormat) -> None:
        self._direct = direct
        self._audio = audio
        self._written = 0
        self._error: AzsttError | None = None
        self._feed = ByteFeed()
        self._feed.push(encode_riff(audio))
        self._thread = Thread(target=self._convert, name="azstt-emulator-decoder", daemon=True)
        self._thread.start()

    def write(self, audio: bytes, /) -> None:
        self._written += len(audio)
        with suppress(SessionStateError):  # the reader has failed; finish() raises why
            self._feed.push(audio)

    def finish(self) -> None:
        self._feed.close()
        self._thread.join()
        # a tail of a few samples may be too short to yield any at another rate
        if self._error is not None and self._audio.seconds(self._written) > _MIN_SILENCE:
            raise self._error
        self._direct.finish()

    def close(self) -> None:
        self._feed.cancel()
        self._direct.close()

    def _convert(self) -> None:
        try:
            with open_audio(self._feed) as reader:
                for pcm in reader:
                    self._direct.write(pcm)
        except AzsttError as error:
            self._error = error
