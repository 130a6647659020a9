"""The engine that hears what is there: the embedded recognizer behind azstt's own port."""

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
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import WaveFormat, encode_riff
from azstt.emulator.engines import EngineSession, Listen, Phrase, Quiet
from azstt.emulator.script import Utterance

_SPEECH = AudioFormat()
#: What arrives so needs no conversion.
_AS_IS = WaveFormat(1, 1, 16_000, 32_000, 16)
#: Seconds of silence that end a phrase: the least, what live clients are used to, the most.
_SHORTEST, _PAUSE, _LONGEST = 0.1, 0.8, 5.0
#: Seconds between two acknowledgments, and how late a recognizer may notice that speech began.
_QUIET_EVERY, _UNSURE = 2.0, 1.0


class LocalEngine:
    """Recognizes what the audio says, with partial results.

    Audio other than 16 kHz mono 16-bit PCM is converted as any other that azstt decodes.

    Args:
        backend: the recognizer; None is the embedded one.
    """

    def __init__(self, backend: RecognizerBackend | None = None) -> None:
        self._backend: RecognizerBackend = backend or LocalBackend()

    def open(
        self, request: TurnRequest, audio: WaveFormat, listen: Listen, channel: int
    ) -> EngineSession:
        """Make a session of the recognizer; loads its model the first time."""
        pause = request.segmentation_silence or _PAUSE
        options = RecognitionOptions(
            partials=True, segmentation_silence=min(max(pause, _SHORTEST), _LONGEST)
        )
        relay = _Relay(listen, channel)
        session = self._backend.open(options, _SPEECH, relay.take)
        session.start()
        direct = _Direct(session, relay)
        return direct if audio == _AS_IS else _Converting(direct, audio)


class _Relay:
    """Turns the recognizer's events into what an engine says."""

    def __init__(self, listen: Listen, channel: int) -> None:
        self.over: Flag = Flag()
        self.error: AzsttError | None = None
        self._listen = listen
        self._channel = channel
        self._lock = Lock()
        self._pending: deque[float] = deque()  # where speech began whose final has not come
        self._quiet = 0.0

    def take(self, event: Event) -> None:
        """Take an event, on whatever thread it comes."""
        match event:
            case SpeechStarted(at=at):
                with self._lock:
                    self._pending.append(at)
                self._listen(event)
            case Partial() | SpeechEnded():
                self._listen(event)
            case Final(segment=segment):
                said = Utterance.model_validate(dict(segment) | {"channel": self._channel})
                self._listen(Phrase(utterance=said))
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

    def heard(self, position: float) -> None:
        """Say what is not needed any more, now that so much audio was heard."""
        with self._lock:
            until = min([position - _UNSURE, *self._pending])
        if until - self._quiet >= _QUIET_EVERY:
            self._quiet = until
            self._listen(Quiet(until=until))


class _Direct:
    """Writes audio to the recognizer as it comes."""

    def __init__(self, session: RecognizerSession, relay: _Relay) -> None:
        self._session = session
        self._relay = relay
        self._written = 0

    def write(self, audio: bytes, /) -> None:
        self._check()
        self._session.write(audio)
        self._written += len(audio)
        self._relay.heard(_SPEECH.seconds(self._written))

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


class _Converting:
    """Decodes audio in a thread of its own on its way to the recognizer."""

    def __init__(self, direct: _Direct, audio: WaveFormat) -> None:
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
        with suppress(SessionStateError):  # the reader has given up: finish says why
            self._feed.push(audio)

    def finish(self) -> None:
        self._feed.close()
        self._thread.join()
        # a tail of some samples may be too short to give any at another rate
        if self._error is not None and self._audio.seconds(self._written) > _SHORTEST:
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
