"""One recording as it is uploaded and transcribed.

The bytes may arrive in one request or in many, over one connection or over a new one after that
was lost. They are held in memory until the decoder takes them; no file is created.
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

from .jobs import INTERNAL, Job, Snapshot

_log = logging.getLogger(__name__)

#: Seconds without a byte after which an upload makes way for another one of the same browser.
_ABANDONED_AFTER = 10.0


class UploadRequest(BaseModel):
    """A page's request to upload and transcribe a recording."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["upload", "record"]
    name: Annotated[str, Field(max_length=200)]
    size: Annotated[int, Field(gt=0)]
    language: Annotated[tuple[str, ...], Field(max_length=10)] = ()
    diarize: bool = False
    phrases: Annotated[tuple[str, ...], Field(max_length=500)] = ()


class OffsetError(Exception):
    """Bytes arrived that do not continue the upload."""


class _CancelledError(Exception):
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
        begin: begins a job, given its work, its first snapshot, and two names.

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
        begin: Callable[..., Job],
    ) -> None:
        self._request = request
        self._backend = backend
        self._max_seconds = max_seconds
        self._stall_timeout = stall_timeout
        self._changed = Condition()
        self._received: deque[bytes] = deque()
        self._last_bytes = monotonic()
        self._canceled = False
        now = Snapshot(kind=request.kind, state="uploading", size=request.size)
        self._job: Job = begin(self, now, name=request.name, backend=backend.name)
        self.ended: float | None = None

    @property
    def abandoned(self) -> bool:
        """Whether nothing comes from its page any more; see `Work`."""
        missing = self._job.now.received < self._request.size
        return missing and monotonic() - self._last_bytes > _ABANDONED_AFTER

    def start(self) -> None:
        """Start to transcribe in a thread."""

        def run() -> None:
            try:
                self._run()
            except Exception:  # noqa: BLE001 - the last chance to report it
                _log.exception("upload failed")
                self._end(error=INTERNAL)

        Thread(target=run, name="upload", daemon=True).start()

    def write(self, offset: int, data: bytes) -> int:
        """Accept bytes, skipping those received before, and return how many were received in total.

        Raises:
            OffsetError: bytes before these are missing, or these exceed the announced size.
        """
        with self._changed:
            self._last_bytes = monotonic()
            received, size = self._job.now.received, self._request.size
            if offset > received or offset + len(data) > size:
                raise OffsetError(
                    f"{len(data)} bytes at {offset} do not fit: {received} of {size} "
                    "received so far"
                )
            new = data[received - offset :]
            if new:
                if self.ended is None:
                    self._received.append(new)
                    self._changed.notify_all()
                self._job.update(received=received + len(new))
                if self._job.now.received == size and self.ended is None:
                    self._job.advance("recognizing")
            return self._job.now.received

    def stop(self) -> None:
        """Stop, and discard what was recognized so far."""
        with self._changed:
            self._canceled = True
            self._changed.notify_all()

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
        except _CancelledError:
            self._finished()
            self._job.discard("canceled")
        except azstt.AzsttError as error:
            partial = error.partial
            self._end(partial if partial and partial.text else None, error=self._message(error))
        else:
            self._end(transcript)

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
                    lambda: self._received or self._canceled, self._stall_timeout
                )
                if self._canceled:
                    raise _CancelledError
                if not arrived:
                    raise azstt.AudioSourceError(
                        f"the upload stopped: {left} of {self._request.size} bytes are "
                        f"missing, and none arrived for {self._stall_timeout:g} s; send it again"
                    )
                chunk = self._received.popleft()
            left -= len(chunk)
            yield chunk

    def _progress(self, progress: azstt.Progress) -> None:
        if self._canceled:
            raise _CancelledError
        self._job.update(
            decoded=progress.decoded, recognized=progress.recognized, total=progress.total
        )

    def _on_event(self, event: azstt.Event) -> None:
        match event:
            case azstt.Partial(text=text):
                self._job.update(partial=text)
            case azstt.Final(segment=segment) if segment.text:
                self._job.add(segment)
            case _:
                pass

    def _end(self, transcript: azstt.Transcript | None = None, error: str | None = None) -> None:
        self._finished()
        self._job.end(transcript, error)

    def _finished(self) -> None:
        with self._changed:
            self.ended = monotonic()
            self._received.clear()
