"""One recording on its way to a transcript: bytes come in, a snapshot says how far it is.

How the bytes come makes no difference: in one request or in many, over one connection or over
another after that was lost. They are held in memory until the decoder takes them; no file is made.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Condition, Thread
from time import monotonic
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

import azstt
from azstt.backends import Emit, RecognizerBackend, RecognizerSession

_log = logging.getLogger(__name__)


class Asked(BaseModel):
    """What a page asks for when it is about to send a recording."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["upload", "record"]
    name: Annotated[str, Field(max_length=200)]
    size: Annotated[int, Field(gt=0)]
    language: Annotated[tuple[str, ...], Field(max_length=10)] = ()
    diarize: bool = False
    phrases: Annotated[tuple[str, ...], Field(max_length=500)] = ()


class Snapshot(BaseModel):
    """How far an upload is.

    Attributes:
        version: grows with every change.
        received: bytes, of `size`.
        decoded: seconds, of `total` where the container says.
        recognized: seconds.
        texts: those of the segments so far, from the one that was asked for on.
        partial: what the open segment sounds like.
        transcript: the id of what was saved, in the end.
        error: why it failed.
    """

    version: int
    state: Literal["uploading", "recognizing", "done", "error"]
    received: int
    size: int
    decoded: float
    recognized: float
    total: float | None
    texts: list[str]
    partial: str
    transcript: str | None
    error: str | None


class OffsetError(Exception):
    """Bytes came that do not follow those before."""


class _CancelledError(Exception):
    """Nobody wants the transcript any more."""


class Overheard:
    """A backend that lets somebody listen to what another one says as it works."""

    def __init__(self, backend: RecognizerBackend, listen: Emit) -> None:
        self._backend = backend
        self._listen = listen
        self.name = backend.name
        self.capabilities = backend.capabilities

    def open(
        self, options: azstt.RecognitionOptions, audio: azstt.AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Make a session of the other backend's."""

        def tell(event: azstt.Event) -> None:
            self._listen(event)
            emit(event)

        return self._backend.open(options, audio, tell)


class Upload:
    """Takes a recording and transcribes it while it comes; for any number of threads.

    Args:
        asked: what the page asks for.
        backend: who recognizes.
        max_seconds: how long the recording may be.
        patience: seconds without a byte after which it is given up.
        save: keeps a transcript and gives its id.
    """

    def __init__(
        self,
        asked: Asked,
        backend: RecognizerBackend,
        *,
        max_seconds: float,
        patience: float,
        save: Callable[[azstt.Transcript], str],
    ) -> None:
        self._asked = asked
        self._backend = backend
        self._max_seconds = max_seconds
        self._patience = patience
        self._save = save
        self._changed = Condition()
        self._pieces: deque[bytes] = deque()
        self._texts: list[str] = []
        self._canceled = False
        self._now = Snapshot(
            version=0,
            state="uploading",
            received=0,
            size=asked.size,
            decoded=0,
            recognized=0,
            total=None,
            texts=[],
            partial="",
            transcript=None,
            error=None,
        )
        self.ended: float | None = None  # on the monotonic clock

    def start(self, then: Callable[[], None]) -> None:
        """Begin to transcribe, in a thread; call ``then`` in the end."""

        def run() -> None:
            try:
                self._run()
            except Exception:  # noqa: BLE001 - a thread's end: nobody else would hear of it
                _log.exception("an upload failed")
                self._end(state="error", error="the server failed; its log says why")
            finally:
                then()

        Thread(target=run, name="upload", daemon=True).start()

    def write(self, offset: int, data: bytes) -> int:
        """Take bytes, and give how many there are now; those that are there already are skipped.

        Raises:
            OffsetError: bytes are missing before these, or these are more than were announced.
        """
        with self._changed:
            received = self._now.received
            if offset > received or offset + len(data) > self._now.size:
                raise OffsetError(
                    f"{len(data)} bytes at {offset} do not fit: {received} of {self._now.size} "
                    "are here"
                )
            new = data[received - offset :]
            if new:
                if self.ended is None:
                    self._pieces.append(new)
                self._update(received=received + len(new))
            return self._now.received

    def cancel(self) -> None:
        """Stop; what was recognized so far is dropped."""
        with self._changed:
            self._canceled = True
            self._changed.notify_all()

    def snapshot(self, *, after: int, texts: int, timeout: float) -> Snapshot:
        """Wait until there is news, or for the timeout; then say how things are.

        Args:
            after: the version that is known.
            texts: how many segments are known.
            timeout: seconds.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._now.version > after, timeout)
            return self._now.model_copy(update={"texts": self._texts[texts:]})

    def _run(self) -> None:
        able = self._backend.capabilities
        try:
            transcript = azstt.transcribe_file(
                self._arriving(),
                backend=Overheard(self._backend, self._hear),
                progress=self._progress,
                max_seconds=self._max_seconds,
                language=self._asked.language,
                diarize=self._asked.diarize,
                phrases=self._asked.phrases,
                # A recognizer on this machine is much faster than speech, and would cut the
                # audio finer for the sake of partials: its segments are news enough.
                partials=able.partials and not able.offline,
            )
        except _CancelledError:
            self._end(state="error", error="canceled")
        except azstt.AzsttError as error:
            partial = error.partial
            saved = self._save(partial) if partial and partial.text else None
            self._end(state="error", error=self._in_words(error), transcript=saved)
        else:
            self._end(state="done", transcript=self._save(transcript))

    def _in_words(self, error: azstt.AzsttError) -> str:
        """Say what went wrong to somebody who knows the recording by its name."""
        if isinstance(error, azstt.AudioTooLargeError):
            limit = timedelta(seconds=round(self._max_seconds))
            return f"the recording is longer than {limit}, which is the limit here"
        if isinstance(error, azstt.AudioError):
            return str(error).replace(repr(error.source), repr(self._asked.name))
        return str(error)

    def _arriving(self) -> Iterator[bytes]:
        """Give the pieces as they come, to the decoder."""
        left = self._asked.size
        while left:
            with self._changed:
                came = self._changed.wait_for(
                    lambda: self._pieces or self._canceled, self._patience
                )
                if self._canceled:
                    raise _CancelledError
                if not came:
                    raise azstt.AudioSourceError(
                        f"the upload stopped: {left} of {self._asked.size} bytes did not come "
                        f"within {self._patience:g} s; send it again"
                    )
                piece = self._pieces.popleft()
            left -= len(piece)
            yield piece

    def _progress(self, progress: azstt.Progress) -> None:
        if self._canceled:
            raise _CancelledError
        with self._changed:
            self._update(
                decoded=progress.decoded, recognized=progress.recognized, total=progress.total
            )

    def _hear(self, event: azstt.Event) -> None:
        match event:
            case azstt.Partial(text=text):
                with self._changed:
                    self._update(partial=text)
            case azstt.Final(segment=segment) if segment.text:
                with self._changed:
                    self._texts.append(segment.text)
                    self._update(partial="")
            case _:
                pass

    def _end(self, **changes: object) -> None:
        with self._changed:
            self.ended = monotonic()
            self._pieces.clear()
            self._update(partial="", **changes)

    def _update(self, **changes: object) -> None:
        now = self._now.model_copy(update={"version": self._now.version + 1, **changes})
        if now.state == "uploading" and now.received == now.size:
            now.state = "recognizing"
        self._now = now
        self._changed.notify_all()
