"""One recording as it is uploaded and transcribed; a snapshot shows the progress.

The bytes may arrive in one request or in many. They are held in memory until the decoder takes
them; no file is created.
"""

from __future__ import annotations

import hashlib
import logging
import math
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
_CANCELED = "canceled"


class UploadRequest(BaseModel):
    """A page's request to upload and transcribe a recording.

    Attributes:
        size: the recording's size in bytes.
        fingerprint: tells its content from any other's.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["upload", "record"]
    name: Annotated[str, Field(max_length=200)]
    size: Annotated[int, Field(gt=0)]
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{32,64}$")]
    language: Annotated[tuple[str, ...], Field(max_length=10)] = ()
    diarize: bool = False
    phrases: Annotated[tuple[str, ...], Field(max_length=500)] = ()

    @property
    def id(self) -> str:
        """The same for the same content and options, whatever the name."""
        what = self.model_dump_json(exclude={"kind", "name"})
        return hashlib.sha256(what.encode()).hexdigest()[:32]


class Snapshot(BaseModel):
    """The progress of an upload.

    Attributes:
        version: changes with every change.
        decoded: seconds decoded, out of `total` if the container states it.
        recognized: seconds recognized.
        texts: texts of the segments so far, starting with the first one requested.
        partial: the hypothesis for the open segment.
        transcript: the ID of the saved transcript, at the end.
        error: why it failed.
        retryable: whether the same recording may succeed later.
    """

    version: int
    state: Literal["uploading", "recognizing", "done", "error", "canceled"]
    decoded: float
    recognized: float
    total: float | None
    texts: list[str]
    partial: str
    transcript: str | None
    error: str | None
    retryable: bool


class OffsetError(Exception):
    """Bytes arrived that do not continue the upload."""


class _CanceledError(azstt.AzsttError):
    """The upload was canceled."""


class ObservedBackend:
    """A backend that also passes another one's events to an observer."""

    def __init__(self, backend: RecognizerBackend, observe: Emit) -> None:
        self._backend = backend
        self._observe = observe
        self.name = backend.name
        self.capabilities = backend.capabilities

    def open(
        self, options: azstt.RecognitionOptions, audio: azstt.AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Open a session of the other backend."""

        def emit_both(event: azstt.Event) -> None:
            self._observe(event)
            emit(event)

        return self._backend.open(options, audio, emit_both)


class Upload:
    """Transcribes a recording while it is uploaded. Thread-safe.

    Args:
        request: the page's request.
        backend: the recognizer to use.
        max_seconds: the longest recording.
        stall_timeout: seconds without a byte after which the upload fails.
        save: saves a transcript and returns its ID.

    Attributes:
        ended: when it ended, on the monotonic clock; None before.
    """

    def __init__(
        self,
        request: UploadRequest,
        backend: RecognizerBackend,
        *,
        max_seconds: float,
        stall_timeout: float,
        save: Callable[[azstt.Transcript], str],
    ) -> None:
        self._request = request
        self._backend = backend
        self._max_seconds = max_seconds
        self._stall_timeout = stall_timeout
        self._save = save
        self._changed = Condition()
        self._received = 0
        self._waiting: deque[bytes] = deque()  # for the decoder
        self._texts: list[str] = []
        self._canceled = False
        self._state = Snapshot(
            version=0,
            state="uploading",
            decoded=0,
            recognized=0,
            total=None,
            texts=[],
            partial="",
            transcript=None,
            error=None,
            retryable=True,
        )
        self.ended: float | None = None

    @property
    def size(self) -> int:
        """The size of the recording in bytes."""
        return self._request.size

    @property
    def received(self) -> int:
        """The number of bytes received."""
        return self._received

    @property
    def failed(self) -> bool:
        """Whether it ended without the whole transcript."""
        return self._state.state in {"error", "canceled"}

    def start(self, then: Callable[[], None]) -> None:
        """Start to transcribe in a thread, which calls ``then`` at the end."""

        def run() -> None:
            try:
                self._run()
            except Exception:  # noqa: BLE001 - the last chance to report it
                _log.exception("upload failed")
                self._end(state="error", error="internal server error; see the server's log")
            finally:
                then()

        Thread(target=run, name="upload", daemon=True).start()

    def write(self, offset: int, data: bytes) -> int:
        """Accept bytes, and return how many were received in total.

        Raises:
            OffsetError: these are not the next bytes, or they exceed the announced size.
        """
        with self._changed:
            end = offset + len(data)
            if offset != self._received or end > self._request.size:
                raise OffsetError(
                    f"{len(data)} bytes at {offset} do not fit: {self._received} of "
                    f"{self._request.size} received so far"
                )
            self._received = end
            if data and self.ended is None:
                self._waiting.append(data)
            if end == self._request.size and self._state.state == "uploading":
                self._update(state="recognizing")
            self._changed.notify_all()
            return end

    def cancel(self, timeout: float) -> str | None:
        """Stop, and return the ID under which what was recognized so far is saved, if any.

        Args:
            timeout: seconds to wait for the end.
        """
        with self._changed:
            self._canceled = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.ended is not None, timeout)
            return self._state.transcript

    def snapshot(self, *, after: int, texts: int, timeout: float) -> Snapshot:
        """Wait for a change, and return the progress.

        Args:
            after: the version that the caller has.
            texts: how many segments the caller has.
            timeout: seconds to wait at most.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._state.version != after, timeout)
            return self._state.model_copy(update={"texts": self._texts[texts:]})

    def _run(self) -> None:
        capabilities = self._backend.capabilities
        try:
            transcript = azstt.transcribe_file(
                self._chunks(),
                backend=ObservedBackend(self._backend, self._on_event),
                progress=self._progress,
                max_seconds=self._max_seconds,
                language=self._request.language,
                diarize=self._request.diarize,
                phrases=self._request.phrases,
                # A local recognizer is much faster than real time, and would cut the audio into
                # shorter segments to produce partials: its segments are enough.
                partials=capabilities.partials and not capabilities.offline,
            )
        except azstt.AzsttError as error:
            partial = error.partial
            self._end(
                state="canceled" if isinstance(error, _CanceledError) else "error",
                error=self._message(error),
                retryable=_is_retryable(error),
                transcript=self._save(partial) if partial and partial.text else None,
            )
        else:
            self._end(state="done", transcript=self._save(transcript))

    def _message(self, error: azstt.AzsttError) -> str:
        """Return an error message for a user who knows the recording by its name."""
        if isinstance(error, azstt.AudioTooLargeError):
            limit = timedelta(seconds=round(self._max_seconds))
            return f"the recording is longer than {limit}, the limit of this server"
        if isinstance(error, azstt.AudioError):
            return str(error).replace(repr(error.source), repr(self._request.name))
        return str(error)

    def _chunks(self) -> Iterator[bytes]:
        """Yield the bytes as they arrive, for the decoder."""
        left = self._request.size
        while left:
            with self._changed:
                arrived = self._changed.wait_for(
                    lambda: self._waiting or self._canceled, self._stall_timeout
                )
                if self._canceled:
                    raise _CanceledError(_CANCELED)
                if not arrived:
                    raise azstt.AudioSourceError(
                        f"the upload stopped: {megabytes(left)} of "
                        f"{megabytes(self._request.size)} are missing, and nothing arrived for "
                        f"{self._stall_timeout:g} s; send it again"
                    )
                chunk = self._waiting.popleft()
            left -= len(chunk)
            yield chunk

    def _progress(self, progress: azstt.Progress) -> None:
        if self._canceled:
            raise _CanceledError(_CANCELED)
        with self._changed:
            self._update(
                decoded=progress.decoded, recognized=progress.recognized, total=progress.total
            )

    def _on_event(self, event: azstt.Event) -> None:
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
            self._waiting.clear()
            self._update(partial="", **changes)

    def _update(self, **changes: object) -> None:
        changes["version"] = self._state.version + 1
        self._state = self._state.model_copy(update=changes)
        self._changed.notify_all()


def _is_retryable(error: azstt.AzsttError) -> bool:
    """Return whether the same recording may succeed later."""
    if isinstance(error, azstt.RecognitionError):
        return error.retryable
    return isinstance(error, azstt.AudioSourceError | _CanceledError)  # the bytes did not arrive


def megabytes(size: int) -> str:
    """Write a number of bytes for people, rounded up to 0.1 MB."""
    return f"{math.ceil(size / 1e5) / 10:g} MB"
